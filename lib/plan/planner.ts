import { mapModalities, valuesOf } from '../data/modalities.js';
import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { Tensor, tensor } from '../tensor/index.js';
import { frameOf, type Observations, withLeadingAxes } from '../world-model/observations.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { Dynamics, Objective, Solver, Waypoints } from './contract.js';
import { type CemOptions, CemSolver, type IcemOptions, IcemSolver } from './cross-entropy.js';
import { type GradientOptions, GradientSolver } from './gradient.js';
import { type LatentState, latentDynamics } from './latent-dynamics.js';
import { type MppiOptions, MppiSolver, type PredictiveSamplingOptions, PredictiveSamplingSolver } from './mppi.js';
import { distanceAlongHorizon } from './objective.js';
import { type Plan, type PlanCall, RecedingHorizon, type RecedingHorizonOptions } from './receding-horizon.js';
import { expectWhole, refuse } from './settings.js';

/** Searches by name, and what each is told. */
interface Methods {
  readonly cem: CemOptions;
  readonly icem: IcemOptions;
  readonly mppi: MppiOptions;
  readonly 'predictive-sampling': PredictiveSamplingOptions;
  readonly gradient: GradientOptions;
}
type MethodOptions = { [Name in keyof Methods]: { readonly method: Name } & Methods[Name] }[keyof Methods];

/** The type of the options says which belong to a method, and each solver checks its own. */
type Search = new (dynamics: Dynamics<LatentState>, objective: Objective, options?: never) => Solver<LatentState>;
const solvers: Readonly<Record<string, Search>> = {
  cem: CemSolver,
  icem: IcemSolver,
  mppi: MppiSolver,
  'predictive-sampling': PredictiveSamplingSolver,
  gradient: GradientSolver,
};

/** The search, 'cem' by default, with its own options; the objective; what is done when time is up or something is wrong. */
export type PlannerOptions = (MethodOptions | ({ readonly method?: 'cem' } & CemOptions)) &
  RecedingHorizonOptions & {
    /** Default {@link distanceAlongHorizon}. */
    readonly objective?: Objective;
    /** Where to go first if the goal is farther than a plan, such as a {@link WaypointGraph} (default: straight to the goal). */
    readonly waypoints?: Waypoints;
    /** Actions that are under way when the last frame is seen: `plan` is told them as `pending`, and plans from where they lead (default 0). */
    readonly latency?: number;
  };

export interface PlannerCall extends Omit<PlanCall, 'pending'> {
  /** [T − 1, A] float32 actions taken between the seen frames, in the world's units. */
  readonly actions?: Tensor;
  /** [latency, A] float32 actions sent that happen after the last frame, oldest first. */
  readonly pending?: Tensor;
}

const callOptions = ['actions', 'pending', 'executed', 'observedAt', 'signal', 'until', 'onRound', 'noise'];

/**
 * Receding-horizon planning from pictures: plans to the goal's embedding, remembers the rest of its plan, and starts the next search there.
 * @example
 * const world = await WorldModel.load('arm.jepa');
 * const planner = new Planner(world, { horizon: 5, bounds: [-1, 1], budget: 20 });
 * const seen = zeros([4, 64, 64, 3], 'uint8'); // the last frames, oldest first
 * const taken = zeros([3, 2]); // the actions between them
 * const goal = zeros([64, 64, 3], 'uint8');
 * const { actions } = await planner.plan(seen, goal, { actions: taken });
 * const next = actions.subarray(0, world.config.action.size); // carry it out, then plan again
 */
export class Planner {
  readonly model: WorldModel;
  readonly #solver: Solver<LatentState>;
  readonly #planning: RecedingHorizon<LatentState>;
  readonly #latency: number;
  readonly #waypoints?: Waypoints;
  #goal: { readonly frame: Observations; readonly embedding: Tensor } | undefined;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(model: WorldModel, options: PlannerOptions = {}) {
    const {
      objective = distanceAlongHorizon,
      waypoints,
      method = 'cem',
      latency = 0,
      warmStart,
      budget,
      maxAge,
      ...rest
    } = options;
    const { safeAction, ...search } = rest;
    if (!Object.hasOwn(solvers, method))
      refuse('Planner', `method among ${Object.keys(solvers).join(', ')}`, `'${method}'`);
    if (latency !== 0) expectWhole('Planner', { latency });
    this.model = model;
    this.#latency = latency;
    this.#waypoints = waypoints;
    this.#solver = new solvers[method](latentDynamics(model), objective, search as never);
    this.#planning = new RecedingHorizon(this.#solver, { warmStart, budget, maxAge, safeAction });
  }

  /** Forgets plan and goal: a new episode begins. @param calls first call number, which keys the random numbers */
  reset(calls = 0): void {
    this.#planning.reset(calls);
    this.#goal = undefined;
  }

  /**
   * @param seen the frames seen last, oldest first, [T, H, W, C] (or [T, size]), at least the model's `contextFrames`: without them a model with
   *   memory knows no velocity; of several modalities each by name. For a model whose `contextFrames` is 1, one observation without the axis T will do
   * @param goalFrame the wanted observation [H, W, C]
   * @param options.executed actions of the last plan carried out since, or under way (default 1)
   * @returns actions [horizon, A]; carry out the first one or few, then plan again. `status` says whether to trust them
   * @throws JepaError ERR_JEPA_CONFIG for fewer frames than the model needs, ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED
   */
  async plan(seen: Observations, goalFrame: Observations, options: PlannerCall = {}): Promise<Plan> {
    checkOptions('Planner.plan', options, callOptions);
    const { actions, pending, ...call } = options;
    for (const given of [...valuesOf(seen), ...valuesOf(goalFrame), actions, pending]) expectTensor(given);
    this.#expectFrames(seen, actions);
    const wanted = [this.#latency, this.model.config.action.size];
    const got = pending?.shape ?? [0, wanted[1]];
    if (got.join() !== wanted.join())
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[Planner] expected options.pending [${wanted.join(', ')}], the actions sent that are still under way, got ${pending ? `[${got.join(', ')}]` : 'none'}`,
      );
    const underWay = pending && ((await pending.data()) as Float32Array);
    return this.#planning.plan(
      async (signal) => {
        if (this.#goal?.frame !== goalFrame)
          this.#goal = { frame: goalFrame, embedding: await this.#embed(goalFrame, signal) };
        const state = await this.#stateOf(seen, actions, signal);
        const { embedding: goal } = this.#goal;
        return { state, goal: (await this.#waypoints?.next(state.embedding, goal, { signal })) ?? goal };
      },
      { ...call, pending: underWay },
    );
  }

  #expectFrames(seen: Observations, actions: Tensor | undefined): void {
    const { config } = this.model;
    const frames = this.#framesOf(seen);
    const [{ shape }] = valuesOf(seen);
    if (frames < config.contextFrames)
      throw new JepaError(
        'ERR_JEPA_CONFIG',
        `[Planner] expected the last ${config.contextFrames} frames [T, …] and options.actions [T − 1, ${config.action.size}] for a model with contextFrames ${config.contextFrames}, got ${frames} of shape [${shape.join(', ')}]`,
      );
    const taken = actions?.shape ?? [0, config.action.size];
    if (taken.join() !== `${frames - 1},${config.action.size}`)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[Planner] expected options.actions [${frames - 1}, ${config.action.size}], those between ${frames} frames, got ${actions ? `[${taken.join(', ')}]` : 'none'}`,
      );
  }

  /** 1 for an observation without the axis of time. */
  #framesOf(seen: Observations): number {
    return this.#single(seen) ? 1 : valuesOf(seen)[0].shape[0];
  }

  #single(seen: Observations): boolean {
    const { observation } = this.model.config;
    const isFrame = mapModalities('Planner', observation, seen, ({ shape }, modality) => {
      return shape.length === frameOf(modality).shape.length;
    });
    return valuesOf(isFrame).every((single) => single);
  }

  /** What the predictor remembers of all seen frames but the last, and the embedding of the last. */
  async #stateOf(seen: Observations, actions: Tensor | undefined, signal?: AbortSignal): Promise<LatentState> {
    const { config, network } = this.model;
    const frames = this.#framesOf(seen);
    const width = config.embeddingSize;
    const clip = await withLeadingAxes(seen, this.#single(seen) ? 2 : 1);
    const all = (await (await this.model.encode(clip, { signal })).data()) as Float32Array;
    const embedding = tensor(all.slice((frames - 1) * width), { shape: [1, width] });
    const size = network.predictor.initialState(1).shape[1];
    if (frames === 1 || !actions) return { memory: tensor(new Float32Array(size), { shape: [1, size] }), embedding };
    const { states } = await this.model.states(
      tensor(all.slice(0, (frames - 1) * width), { shape: [1, frames - 1, width] }),
      tensor(await actions.data(), { shape: [1, ...actions.shape], dtype: actions.dtype }),
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

  async #embed(frame: Observations, signal?: AbortSignal): Promise<Tensor> {
    const embedding = await this.model.encode(await withLeadingAxes(frame, 2), { signal });
    return tensor(await embedding.data(), { shape: [1, this.model.config.embeddingSize] });
  }
}

function expectTensor(given: unknown): void {
  if (given === undefined || given instanceof Tensor) return;
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    `[Planner] expected what was seen, the goal and actions as tensors, got ${typeof given === 'object' ? (given?.constructor?.name ?? 'null') : typeof given}`,
    { help: ['make them of arrays: tensor(pixels, { shape: [frames, height, width, channels] })'] },
  );
}
