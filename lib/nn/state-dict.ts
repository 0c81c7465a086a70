import { JepaError } from '../errors.js';
import type { HostTensor } from '../io/safetensors.js';
import type { Variable } from '../tensor/index.js';

/** Parameters and buffers by name: what a module or an optimiser reads from and writes to a file. */
export type StateDict = ReadonlyMap<string, HostTensor>;

/** Values of variables by name, as of now: later steps do not change them. */
export async function readState(variables: ReadonlyMap<string, Variable>): Promise<Map<string, HostTensor>> {
  const entries = [...variables].map(
    async ([name, variable]): Promise<[string, HostTensor]> => [
      name,
      { dtype: variable.dtype, shape: variable.shape, data: await variable.read() },
    ],
  );
  return new Map(await Promise.all(entries));
}

/**
 * Writes a state into variables by name, wholly or not at all.
 * @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH
 */
export async function writeState(
  owner: string,
  variables: ReadonlyMap<string, Variable>,
  state: StateDict,
  strict = true,
): Promise<void> {
  const missing = strict ? [...variables.keys()].filter((name) => !state.has(name)) : [];
  const unexpected = strict ? [...state.keys()].filter((name) => !variables.has(name)) : [];
  const misshaped: string[] = [];
  const writes: (() => Promise<void>)[] = [];
  for (const [name, variable] of variables) {
    const found = state.get(name);
    if (!found) continue;
    const [expected, got] = [describe(variable), describe(found)];
    if (expected === got) writes.push(() => variable.write(found.data));
    else misshaped.push(`${name}: expected ${expected}, got ${got}`);
  }
  if (missing.length + unexpected.length + misshaped.length > 0) {
    const list = (label: string, names: string[]): string[] =>
      names.length === 0
        ? []
        : [`${label}: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ` and ${names.length - 12} more` : ''}`];
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_MISMATCH',
      `[loadStateDict] expected a state of this ${owner}, got another one`,
      {
        help: [...list('missing', missing), ...list('unexpected', unexpected), ...list('mis-shaped', misshaped)],
        details: { missing, unexpected, misshaped },
      },
    );
  }
  await Promise.all(writes.map((write) => write()));
}

function describe({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): string {
  return `${dtype} [${shape.join(', ')}]`;
}

/**
 * Several states as one, each name with its part in front: what a checkpoint of a whole run holds.
 * @example joinStateDicts({ model: await model.stateDict(), optimiser: await optimiser.stateDict() })
 */
export function joinStateDicts(parts: Readonly<Record<string, StateDict>>): Map<string, HostTensor> {
  return new Map(
    Object.entries(parts).flatMap(([part, state]) =>
      [...state].map(([name, value]): [string, HostTensor] => [`${part}.${name}`, value]),
    ),
  );
}

/**
 * The parts of a joined state.
 * @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH for a name of no part
 * @example
 * const { model } = splitStateDict(joinStateDicts({ model: await new Linear(2, 1).stateDict() }), ['model']);
 * [...model.keys()].sort(); // ["bias", "weight"]
 */
export function splitStateDict<Part extends string>(
  state: StateDict,
  parts: readonly Part[],
): Record<Part, Map<string, HostTensor>> {
  const split = Object.fromEntries(parts.map((part) => [part, new Map<string, HostTensor>()])) as Record<
    Part,
    Map<string, HostTensor>
  >;
  for (const [name, value] of state) {
    const part = parts.find((candidate) => name.startsWith(`${candidate}.`));
    if (part === undefined)
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_MISMATCH',
        `[splitStateDict] expected names that begin with ${parts.map((candidate) => `'${candidate}.'`).join(', ')}, got '${name}'`,
      );
    split[part].set(name.slice(part.length + 1), value);
  }
  return split;
}
