import { JepaError } from '../errors.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { WorldModel } from '../world-model/world-model.js';
import { type CemOptions, CemSolver } from './cem.js';
import type { Objective, Solution, Solver } from './contract.js';
import { type LatentState, latentDynamics } from './latent-dynamics.js';
import { distanceAlongHorizon } from './objective.js';

export interface PlannerOptions extends CemOptions {
  readonly objective?: Objective;
}

/**
 * Receding-horizon planning from pictures: plans to the goal's embedding, remembers the rest of its plan, and starts the next search there.
 * @example
 * const planner = new Planner(world, { horizon: 5, bounds: [-1, 1] });
 * const { actions } = await planner.plan(frame, goalFrame);
 * robot.send(actions.subarray(0, world.config.action.size));
 */
export class Planner {
  readonly model: WorldModel;
  readonly #solver: Solver<LatentState>;
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
   * @param frame one observation [H, W, C]   @param goalFrame the wanted observation   @param options.executed actions carried out since the last call (default 1)
   * @returns actions [horizon, A]; carry out the first one or few, then plan again
   */
  async plan(
    frame: Tensor,
    goalFrame: Tensor,
    { executed = 1, signal }: { readonly executed?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Solution> {
    if (!Number.isInteger(executed) || executed < 0)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[Planner] expected executed to be a non-negative integer, got ${executed}`,
      );
    const embedding = await this.#embed(frame, signal);
    if (this.#goal?.frame !== goalFrame)
      this.#goal = { frame: goalFrame, embedding: await this.#embed(goalFrame, signal) };
    const width = this.model.network.predictor.initialState(1).shape[1];
    const memory = tensor(new Float32Array(width), { shape: [1, width] });
    const solution = await this.#solver.solve({
      state: { memory, embedding },
      goal: this.#goal.embedding,
      warmStart: this.#plan && shifted(this.#plan, executed * this.#solver.actionSize),
      call: this.#calls++,
      signal,
    });
    this.#plan = solution.actions;
    return solution;
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
