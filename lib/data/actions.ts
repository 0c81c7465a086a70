import { JepaError } from '../errors.js';
import type { HostTensor } from '../io/host-tensor.js';
import { fromBfloat16, fromFloat16 } from '../tensor/index.js';
import type { Episodes } from './episodes.js';

/** Numbers of any dtype as float32, without their shape. */
export function toFloat32({ dtype, data }: HostTensor): Float32Array {
  if (dtype === 'float32') return data as Float32Array;
  if (dtype === 'float16') return Float32Array.from(data, fromFloat16);
  return dtype === 'bfloat16' ? Float32Array.from(data, fromBfloat16) : Float32Array.from(data);
}

/**
 * Actions of episodes as float32 [frames, A] each. Where the last frame has no action, and where one is NaN (as recorders write for what was
 * not taken), it is 0; without any, there is one action that is always 0.
 * @throws JepaError ERR_JEPA_SHAPE naming the episode whose actions do not belong to its frames
 */
export function actionsOf(
  where: string,
  list: readonly { readonly name: string; readonly frames: number; readonly actions?: HostTensor }[],
): Pick<Episodes, 'actions' | 'actionSize'> {
  const first = list.find(({ actions }) => actions)?.actions;
  const actionSize = first ? sizeOf(first) : 1;
  const actions = list.map(({ name, frames, actions }) => {
    const taken = new Float32Array(frames * actionSize);
    if (!first) return taken;
    const rows = actions?.shape[0] ?? 0;
    if (!actions || sizeOf(actions) !== actionSize || (rows !== frames && rows !== frames - 1))
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[${where}] expected actions [${frames}, ${actionSize}] (or one row less) for the ${frames} frames of ${name}, got ${actions ? `[${actions.shape.join(', ')}]` : 'none'}`,
      );
    taken.set(toFloat32(actions));
    for (let index = 0; index < taken.length; index++) if (Number.isNaN(taken[index])) taken[index] = 0;
    return taken;
  });
  return { actions, actionSize };
}

/** Numbers a row. */
function sizeOf({ shape }: HostTensor): number {
  return shape.slice(1).reduce((product, extent) => product * extent, 1);
}
