import { JepaError } from '../errors.js';
import { byteSize, type HostTensor } from '../io/host-tensor.js';
import { fromIndex, type IndexedDataset } from './dataset.js';

/**
 * Rows of arrays in memory: sample `index` has row `index` of each.
 * @throws JepaError ERR_JEPA_SHAPE where arrays differ in length, ERR_JEPA_INVALID_ARGUMENT without any
 * @example
 * const samples = rows(await readNpz('table.npz')); // or rows({ x: await readNpy('x.npy'), y: await readNpy('y.npy') })
 * for await (const { x, y } of batch(shuffle(samples, { seed: 1 }), 32)) …
 */
export function rows<Name extends string>(
  arrays: Readonly<Record<Name, HostTensor>> | ReadonlyMap<Name, HostTensor>,
): IndexedDataset<Record<Name, HostTensor>> {
  const list = (arrays instanceof Map ? [...arrays] : Object.entries(arrays)) as [Name, HostTensor][];
  if (list.length === 0) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[rows] expected arrays, got none');
  const [[firstName, first]] = list;
  const [count] = first.shape;
  for (const [name, { shape }] of list)
    if (shape.length === 0 || shape[0] !== count)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[rows] expected '${name}' to have as many rows as '${firstName}' [${first.shape.join(', ')}], got [${shape.join(', ')}]`,
      );
  return fromIndex(
    (index) => {
      const row = ({ dtype, shape: [, ...shape], data }: HostTensor): HostTensor => {
        const size = byteSize(shape, 1) ?? 0;
        return { dtype, shape, data: data.slice(index * size, (index + 1) * size) };
      };
      return Object.fromEntries(list.map(([name, array]) => [name, row(array)])) as Record<Name, HostTensor>;
    },
    { count },
  );
}
