import type { HostTensor } from '../io/safetensors.js';
import { latest } from '../nn/latest.js';
import { readState, writeState } from '../nn/state-dict.js';
import { assign, guardFinite, type Tensor, type Variable, variable } from '../tensor/index.js';
import { clipFactor, globalNorm } from './clip.js';
import {
  type Member,
  membersOf,
  type ParameterGroup,
  PerParameter,
  type Update,
  type UpdateOptions,
  updatesOf,
} from './parameter-groups.js';

/** What every optimiser does around its formula: groups, the global norm, per-parameter step counts, and its state by name. */
export abstract class Optimiser {
  protected readonly perParameter: PerParameter;
  readonly #name: string;
  readonly #clipNorm: number | undefined;
  readonly #slots: readonly ReadonlyMap<string, Variable>[];

  /** @param slots names of the float32 state that each parameter has, of its own shape, 0 at first */
  constructor(
    name: string,
    parameters: Iterable<Variable> | readonly ParameterGroup[],
    slots: readonly string[],
    clipNorm: number | undefined,
  ) {
    const members = membersOf(name, parameters);
    this.#name = name;
    this.#clipNorm = clipNorm;
    this.perParameter = new PerParameter(name, members);
    this.#slots = members.map(({ parameter }) => new Map(slots.map((slot) => [slot, zerosLike(parameter, slot)])));
  }

  /**
   * Updates the parameters by their gradients, inside `compile`. Parameters without a gradient are left alone.
   * @returns norm of all gradients together, before clipping; the step fails as a whole if it is not finite
   * @throws JepaError ERR_JEPA_ASSIGN_OUTSIDE_COMPILE, ERR_JEPA_INVALID_ARGUMENT if no parameter has a gradient
   */
  update(gradients: ReadonlyMap<Tensor, Tensor>, options: UpdateOptions): { gradNorm: Tensor } {
    const updates = updatesOf(this.#name, this.perParameter.members, gradients);
    const gradNorm = globalNorm(updates.map(({ gradient }) => gradient));
    guardFinite(gradNorm, 'gradient norm');
    this.apply(updates, this.#clipNorm === undefined ? undefined : clipFactor(gradNorm, this.#clipNorm), options);
    return { gradNorm };
  }

  /** State by name: `step` [P], and `0.exp_avg` … in the order of the parameters. */
  async stateDict(): Promise<Map<string, HostTensor>> {
    return readState(this.#state());
  }

  /** @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH */
  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    await writeState(this.#name, this.#state(), state);
  }

  dispose(): void {
    for (const variable of this.#state().values()) variable.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The formula: assigns new values to the parameters and their slots. @param clip factor on every gradient */
  protected abstract apply(updates: readonly Update[], clip: Tensor | undefined, options: UpdateOptions): void;

  /** Assigns a parameter's slot its next value. @returns that value */
  protected revise(member: Member, name: string, next: (before: Tensor) => Tensor): Tensor {
    const slot = this.#slots[member.index].get(name) as Variable;
    return assign(slot, next(latest(slot)));
  }

  #state(): Map<string, Variable> {
    const entries = this.#slots.flatMap((slots, index) =>
      [...slots].map(([name, variable]): [string, Variable] => [`${index}.${name}`, variable]),
    );
    return new Map([['step', this.perParameter.step], ...entries]);
  }
}

function zerosLike(parameter: Variable, slot: string): Variable {
  return variable(new Float32Array(parameter.size), {
    name: `${parameter.name}.${slot}`,
    shape: parameter.shape,
    trainable: false,
  });
}
