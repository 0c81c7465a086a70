import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { latest } from '../nn/latest.js';
import { add, cast, mul, reshape, slice } from '../ops/index.js';
import { assign, recordRead, type Tensor, type TensorLike, tensor, Variable, variable } from '../tensor/index.js';

/** Parameters that share settings; what a group leaves out is the optimiser's. */
export interface ParameterGroup {
  readonly parameters: Iterable<Variable>;
  /** Fixed for this group, whatever the schedule of the others: 0 for biases and norms. */
  readonly weightDecay?: number;
  /** Factor on the learning rate (default 1). */
  readonly learningRateScale?: number;
}

/** What `update` takes per step. Tensors, so that nothing is compiled anew when they change. */
export interface UpdateOptions {
  readonly learningRate: TensorLike;
  /** Replaces the weight decay of every group that has none of its own. */
  readonly weightDecay?: TensorLike;
}

/** One parameter, its place in the order of all, and its group's settings. */
export interface Member {
  readonly parameter: Variable;
  readonly index: number;
  readonly weightDecay?: number;
  readonly learningRateScale: number;
}

/** @throws JepaError ERR_JEPA_INVALID_ARGUMENT if there are no parameters, or one is in two groups */
export function membersOf(optimiser: string, parameters: Iterable<Variable> | readonly ParameterGroup[]): Member[] {
  const members: Member[] = [];
  const seen = new Set<Variable>();
  for (const entry of parameters) {
    const group: ParameterGroup = entry instanceof Variable ? { parameters: [entry] } : entry;
    if (!(entry instanceof Variable))
      checkOptions(`${optimiser} group`, group, ['parameters', 'weightDecay', 'learningRateScale']);
    for (const parameter of group.parameters) {
      if (seen.has(parameter))
        throw new JepaError(
          'ERR_JEPA_INVALID_ARGUMENT',
          `[${optimiser}] expected every parameter once, got '${parameter.name}' twice`,
        );
      seen.add(parameter);
      members.push({
        parameter,
        index: members.length,
        weightDecay: group.weightDecay,
        learningRateScale: group.learningRateScale ?? 1,
      });
    }
  }
  if (members.length === 0)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[${optimiser}] expected parameters, got none`);
  return members;
}

/** A parameter that is updated in this program, with its gradient. */
export interface Update extends Member {
  readonly gradient: Tensor;
}

/**
 * Trainable parameters that have a gradient. The others are left alone entirely: no decay, no moments, no step (as PyTorch does).
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT if there is none at all
 */
export function updatesOf(
  optimiser: string,
  members: readonly Member[],
  gradients: ReadonlyMap<Tensor, Tensor>,
): Update[] {
  const updates = members.flatMap((member) => {
    const gradient = recordRead(() => member.parameter.trainable) ? gradients.get(member.parameter) : undefined;
    return gradient ? [{ ...member, gradient }] : [];
  });
  if (updates.length === 0) {
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${optimiser}] expected a gradient for at least one of its ${members.length} trainable parameters, got none`,
      {
        help: ['does the loss depend on them, and were they given to valueAndGrad?'],
      },
    );
  }
  return updates;
}

/** Numbers that differ between parameters, kept as vectors over all of them so that one small node computes them all. */
export class PerParameter {
  readonly members: readonly Member[];
  /** int32 [P]: how often each parameter has been updated. */
  readonly step: Variable;

  constructor(optimiser: string, members: readonly Member[]) {
    this.members = members;
    this.step = variable(new Int32Array(members.length), {
      name: `${optimiser}.step`,
      dtype: 'int32',
      trainable: false,
    });
  }

  /** Counts a step of the given parameters. @returns float32 [P], from 1 */
  advance(updates: readonly Update[]): Tensor {
    const counted = new Int32Array(this.members.length);
    for (const { index } of updates) counted[index] = 1;
    return cast(assign(this.step, add(latest(this.step), tensor(counted))), 'float32');
  }

  /** Learning rates [P]. */
  rates(learningRate: TensorLike): Tensor {
    return mul(tensor(Float32Array.from(this.members, (member) => member.learningRateScale)), learningRate);
  }

  /** Weight decays [P]: a group's own, else the step's, else the optimiser's. */
  decays(option: number, scheduled: TensorLike | undefined): Tensor {
    const shared = scheduled ?? option;
    const own = tensor(
      Float32Array.from(this.members, (member) => member.weightDecay ?? (typeof shared === 'number' ? shared : 0)),
    );
    if (typeof shared === 'number') return own;
    return add(
      own,
      mul(tensor(Float32Array.from(this.members, (member) => (member.weightDecay === undefined ? 1 : 0))), shared),
    );
  }

  /** Number `index` of a vector, to be broadcast over a parameter. */
  at(vector: Tensor, index: number): Tensor {
    return reshape(slice(vector, 0, index, index + 1), []);
  }
}
