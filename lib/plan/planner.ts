import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { WorldModel } from '../world-model/world-model.js';
import { type CemOptions, CemSolver } from './cem.js';
import type { Objective, Solution } from './contract.js';
import { type LatentState, latentDynamics } from './latent-dynamics.js';
import { distanceAlongHorizon } from './objective.js';

export interface PlannerOptions extends CemOptions {
  readonly objective?: Objective;
}

/**
 * Receding-horizon planning from pictures: plans to the goal's embedding, remembers the rest of its plan, and starts the next search there.
 * @example
 * const planner = new Planner(world, { horizon: 5, bounds: [-1, 1] });
 * const { actions } = await planner.plan(frames, goalFrame, { actions: taken }); // the last T frames, T − 1 actions between them
 * robot.send(actions.subarray(0, world.config.action.size));
 */
export class Planner {
  readonly model: WorldModel;
  readonly #solver: CemSolver<LatentState>;
  #plan: Float32Array | undefined;
  #goal: { readonly frame: Tensor; readonly embedding: Tensor } | undefined;
  #calls = 0;

  constructor(model: WorldModel, { objective = distanceAlongHorizon, ...options }: PlannerOptions = {}) {
    this.model = model;
    this.#solver = new CemSolver(latentDynamics(model), objective, options);
  }

  /** Forgets plan and goal: a new episode begins. @param calls first call number, which keys the random numbers */
  reset(calls = 0): void {
    this.#plan = undefined;
    this.#goal = undefined;
    this.#calls = calls;
  }

  /**
   * @param seen the frames seen last, oldest first, [T, H, W, C] (or [T, size]), at least the model's `contextFrames`: without them a model with
   *   memory knows no velocity. For a model whose `contextFrames` is 1, one observation without the axis T will do
   * @param goalFrame the wanted observation [H, W, C]
   * @param options.actions [T − 1, A] float32 actions taken between the seen frames, in the world's units
   * @param options.executed actions of the last plan carried out since (default 1)
   * @returns actions [horizon, A]; carry out the first one or few, then plan again
   * @throws JepaError ERR_JEPA_CONFIG for fewer frames than the model needs, ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED
   */
  async plan(
    seen: Tensor,
    goalFrame: Tensor,
    options: { readonly actions?: Tensor; readonly executed?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Solution> {
    checkOptions('Planner.plan', options, ['actions', 'executed', 'signal']);
    const { actions, executed = 1, signal } = options;
    if (!Number.isInteger(executed) || executed < 0)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[Planner] expected executed to be a non-negative integer, got ${executed}`,
      );
    const state = await this.#stateOf(seen, actions, signal);
    if (this.#goal?.frame !== goalFrame)
      this.#goal = { frame: goalFrame, embedding: await this.#embed(goalFrame, signal) };
    const solution = await this.#solver.solve({
      state,
      goal: this.#goal.embedding,
      warmStart: this.#plan && shifted(this.#plan, executed * this.#solver.actionSize),
      call: this.#calls++,
      signal,
    });
    this.#plan = solution.actions;
    return solution;
  }

  /** What the predictor remembers of all seen frames but the last, and the embedding of the last. */
  async #stateOf(seen: Tensor, actions: Tensor | undefined, signal?: AbortSignal): Promise<LatentState> {
    const { config, network } = this.model;
    const single = seen.shape.length === (config.observation.kind === 'image' ? 3 : 1);
    const frames = single ? 1 : seen.shape[0];
    if (frames < config.contextFrames)
      throw new JepaError(
        'ERR_JEPA_CONFIG',
        `[Planner] expected the last ${config.contextFrames} frames [T, …] and options.actions [T − 1, ${config.action.size}] for a model with contextFrames ${config.contextFrames}, got ${frames} of shape [${seen.shape.join(', ')}]`,
      );
    const taken = actions?.shape ?? [0, config.action.size];
    if (taken.join() !== `${frames - 1},${config.action.size}`)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[Planner] expected options.actions [${frames - 1}, ${config.action.size}], those between ${frames} frames, got ${actions ? `[${taken.join(', ')}]` : 'none'}`,
      );
    const width = config.embeddingSize;
    const clip = tensor(await seen.data(), {
      shape: single ? [1, 1, ...seen.shape] : [1, ...seen.shape],
      dtype: seen.dtype,
    });
    const all = (await (await this.model.encode(clip, { signal })).data()) as Float32Array;
    const embedding = tensor(all.slice((frames - 1) * width), { shape: [1, width] });
    const size = network.predictor.initialState(1).shape[1];
    if (frames === 1 || !actions) return { memory: tensor(new Float32Array(size), { shape: [1, size] }), embedding };
    const { states } = await this.model.states(
      tensor(all.slice(0, (frames - 1) * width), { shape: [1, frames - 1, width] }),
      tensor(await actions.data(), { shape: [1, ...taken], dtype: actions.dtype }),
      { signal },
    );
    const remembered = (await states.data()) as Float32Array;
    return { memory: tensor(remembered.slice((frames - 2) * size), { shape: [1, size] }), embedding };
  }

  /** Frees the search's program; the model stays. */
  dispose(): void {
    this.#solver.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #embed(frame: Tensor, signal?: AbortSignal): Promise<Tensor> {
    const clip = tensor(await frame.data(), { shape: [1, 1, ...frame.shape], dtype: frame.dtype });
    const embedding = await this.model.encode(clip, { signal });
    return tensor(await embedding.data(), { shape: [1, this.model.config.embeddingSize] });
  }
}

/** The plan without what has been carried out, filled up with rest. */
function shifted(plan: Float32Array, count: number): Float32Array {
  const next = new Float32Array(plan.length);
  next.set(plan.subarray(Math.min(count, plan.length)));
  return next;
}
