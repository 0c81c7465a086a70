import { JepaError } from '../errors.js';
import { type Tensor, type TypedArray, tensor } from '../tensor/index.js';
import { flatten, rebuild } from '../tensor/tree.js';
import { expectFinite } from './expect.js';
import type { Observations } from './observations.js';

/** Clips that a model is asked of at a time. */
export const chunkClips = 32;

/**
 * Runs a compiled function over the leading axis in chunks of one fixed size, so that one program serves any number of
 * rows; the last chunk is filled up with zero rows whose results are dropped.
 * @param inputs materialised tensors with the same number of rows, or records of them
 * @returns the named outputs, joined along their leading axis
 */
export async function batched<Name extends string, Inputs extends readonly Observations[]>(
  run: (...chunk: Inputs) => Promise<Record<Name, Tensor>>,
  inputs: readonly [...Inputs],
  size: number,
  signal?: AbortSignal,
): Promise<Record<Name, Tensor>> {
  const { leaves } = flatten('worldModel', inputs);
  const rows = leaves[0].shape[0];
  if (rows < 1) throw new JepaError('ERR_JEPA_SHAPE', '[worldModel] expected at least one clip, got none');
  for (const input of leaves) {
    if (input.shape[0] !== rows)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[worldModel] expected ${rows} clips in every input, got shapes ${leaves.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ')}`,
      );
  }
  const hosts = await Promise.all(leaves.map((input) => input.data()));
  for (const [index, host] of hosts.entries()) expectFinite(leaves[index], host);
  const chunk = Math.min(size, rows);
  const joined = new Map<Name, { data: TypedArray; shape: readonly number[]; tensor: Tensor }>();
  for (let start = 0; start < rows; start += chunk) {
    if (signal?.aborted)
      throw new JepaError('ERR_JEPA_ABORTED', '[worldModel] stopped by its signal', { cause: signal.reason });
    const count = Math.min(chunk, rows - start);
    const parts = leaves.map((input, index) => rowsOf(input, hosts[index], start, count, chunk));
    const outputs = await run(...rebuild<Inputs>(inputs as Inputs, parts));
    for (const name of Object.keys(outputs) as Name[]) {
      const output = outputs[name];
      const values = await output.data();
      const width = output.size / chunk;
      let target = joined.get(name);
      if (!target) {
        const shape = [rows, ...output.shape.slice(1)];
        target = {
          data: new (values.constructor as new (length: number) => TypedArray)(rows * width),
          shape,
          tensor: output,
        };
        joined.set(name, target);
      }
      target.data.set(values.subarray(0, count * width), start * width);
    }
  }
  return Object.fromEntries(
    [...joined].map(
      ([
        name,
        {
          data,
          shape,
          tensor: { dtype },
        },
      ]) => [name, tensor(data, { shape, dtype })],
    ),
  ) as Record<Name, Tensor>;
}

function rowsOf(input: Tensor, host: TypedArray, start: number, count: number, chunk: number): Tensor {
  const width = input.size / input.shape[0];
  const shape = [chunk, ...input.shape.slice(1)];
  const part = host.subarray(start * width, (start + count) * width);
  if (count === chunk) return tensor(part, { shape, dtype: input.dtype });
  const filled = new (host.constructor as new (length: number) => TypedArray)(chunk * width);
  filled.set(part);
  return tensor(filled, { shape, dtype: input.dtype });
}
