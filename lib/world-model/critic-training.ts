import type { HostObservations } from '../data/modalities.js';
import { JepaError, shown } from '../errors.js';
import { gatheredRows, joined } from '../io/joined.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { rankingLoss, smoothL1 } from '../nn/losses/index.js';
import { add, broadcastTo, mul, permute, reshape } from '../ops/index.js';
import { compile, type Tensor, tensor } from '../tensor/index.js';
import { Random } from '../worlds/random.js';
import type { Clips } from './clips.js';
import { fitTemperature, type RankedChoice } from './confidence.js';
import { RankingCritic } from './critic.js';
import { expectEvaluation } from './expect.js';
import { trainHead } from './head-training.js';
import type { WorldModel } from './world-model.js';

/** Plans of some starts with what came of them. */
export interface PlanChoices {
  readonly starts: number;
  /** Plans of each start; the same for all choices of a training. */
  readonly plans: number;
  /** starts · plans clips, those of a start beside each other: the same seen frames, then what each plan did. */
  readonly clips: Clips<HostObservations>;
  /**
   * [starts, plans, plans] cost of plan i's outcome when plan j's outcome is the goal, in any unit. Without them, the distance between the
   * embeddings of the two last frames: then nothing is needed that the model does not see itself.
   */
  readonly costs?: Float32Array;
}

export interface CriticTrainingOptions {
  /** Updates (default 1,000), each of `starts` starts with all their plans as goals. */
  readonly steps?: number;
  /** Starts of an update (default 32). */
  readonly starts?: number;
  /** Peak learning rate of AdamW (default 2e-3), after 50 updates of warm-up, then a cosine. */
  readonly learningRate?: number;
  readonly weightDecay?: number;
  /** Weight of the regression of costs, smooth-L1 (default 1). */
  readonly regression?: number;
  /** Weight of {@link rankingLoss} over the plans of a start (default 1). */
  readonly ranking?: number;
  /** Share of the starts that are not learnt from: the temperature of the confidences is fitted to them (default 0.15). */
  readonly heldOut?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, loss: number) => void;
}

const defaults = {
  steps: 1000,
  starts: 32,
  learningRate: 2e-3,
  weightDecay: 1e-2,
  regression: 1,
  ranking: 1,
  heldOut: 0.15,
  seed: 0,
};

/** What is kept of choices: rows of features, plan by plan. */
interface Examples {
  readonly plans: number;
  readonly starts: number;
  readonly rows: Readonly<Record<'start' | 'state' | 'embedding' | 'goal', { width: number; data: Float32Array }>>;
  /** [starts, plans, plans] over `scale` */
  readonly costs: Float32Array;
}

/**
 * Trains a critic of plans on choices whose outcomes are known; the world model is only asked, never changed. Equal seeds give equal critics.
 * @param choices parts of any size; pixels of a part are dropped when it has been embedded
 * @throws JepaError ERR_JEPA_DATASET for choices without two plans or enough starts, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED
 * @example const critic = await trainCritic(world, [await physics.candidateForcePlans({ split: 'train', seed: 1, count: 400 })]);
 */
export async function trainCritic(
  world: WorldModel,
  choices: AsyncIterable<PlanChoices> | Iterable<PlanChoices>,
  options: CriticTrainingOptions = {},
): Promise<RankingCritic> {
  checkOptions('trainCritic', options, [...Object.keys(defaults), 'signal', 'onStep']);
  const { signal, onStep, ...given } = options;
  const settings = withDefaults(defaults, given);
  checkSettings(settings);
  expectEvaluation(world.network);
  const parts: Examples[] = [];
  const asked = new RankingCritic(world, { scale: 1 });
  try {
    for await (const part of choices) parts.push(await examplesOf(world, asked, part, signal));
  } finally {
    asked.dispose();
  }
  const all = together(parts);
  const heldOut = Math.max(1, Math.round(all.starts * settings.heldOut));
  if (all.plans < 2 || all.starts - heldOut < 1)
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[trainCritic] expected two starts or more with two plans or more, got ${all.starts} starts with ${all.plans} plans`,
    );
  const scale = Math.max(all.costs.reduce((sum, cost) => sum + cost, 0) / all.costs.length, 1e-6);
  const examples = { ...all, costs: all.costs.map((cost) => cost / scale) };
  const critic = new RankingCritic(world, { scale });
  try {
    await learn(critic, examples, all.starts - heldOut, settings, { signal, onStep });
    critic.temperature = fitTemperature(await judged(critic, examples, all.starts - heldOut)) * scale;
    return critic;
  } catch (error) {
    critic.dispose();
    throw error;
  }
}

async function learn(
  { head }: RankingCritic,
  examples: Examples,
  learnt: number,
  { starts, regression, ranking, seed, ...settings }: typeof defaults,
  watch: Pick<CriticTrainingOptions, 'signal' | 'onStep'>,
): Promise<void> {
  const random = new Random(seed, 'critic');
  await trainHead(
    head,
    ({ batch, costs }: ReturnType<typeof batchOf>) => {
      const expected = pairCosts(head, batch);
      const byGoal = (of: Tensor): Tensor => permute(of, [0, 2, 1]); // plans of one start under one goal
      return add(
        mul(smoothL1(expected, costs, { beta: 0.1 }), regression),
        mul(rankingLoss(byGoal(expected), byGoal(costs)), ranking),
      );
    },
    () =>
      batchOf(
        examples,
        Array.from({ length: Math.min(starts, learnt) }, () => random.below(learnt)),
      ),
    { ...settings, ...watch, name: 'critic step' },
  );
}

/** [S, P, P] cost of plan i's imagined end when plan j's true end is the goal. */
function pairCosts(head: RankingCritic['head'], batch: Record<keyof Examples['rows'], Tensor>): Tensor {
  const [end, goal] = [head.end(batch), head.goal(batch.goal)];
  const [starts, plans, width] = end.shape;
  const pairs = [starts, plans, plans, width];
  return head.distance(
    broadcastTo(reshape(end, [starts, plans, 1, width]), pairs),
    broadcastTo(reshape(goal, [starts, 1, plans, width]), pairs),
  );
}

/** The choices from start `first` on as the critic orders them, one for each goal. */
async function judged({ head }: RankingCritic, examples: Examples, first: number): Promise<RankedChoice[]> {
  const { plans } = examples;
  const starts = Array.from({ length: examples.starts - first }, (_, index) => first + index);
  const program = compile((batch: Record<keyof Examples['rows'], Tensor>) => ({ costs: pairCosts(head, batch) }));
  const { batch, costs } = batchOf(examples, starts);
  const predicted = await program(batch)
    .then((asked) => asked.costs.data())
    .finally(() => program.dispose());
  const truth = await costs.data();
  const column = (of: ArrayLike<number>, start: number, goal: number): number[] =>
    Array.from({ length: plans }, (_, plan) => of[(start * plans + plan) * plans + goal]);
  return starts.flatMap((_, start) =>
    Array.from({ length: plans }, (__, goal) => ({
      predicted: column(predicted as Float32Array, start, goal),
      truth: column(truth as Float32Array, start, goal),
    })),
  );
}

async function examplesOf(
  world: WorldModel,
  critic: RankingCritic,
  { starts, plans, clips, costs }: PlanChoices,
  signal?: AbortSignal,
): Promise<Examples> {
  const [observations, actions] = world.tensors(clips);
  const embeddings = await world.encode(observations, { signal });
  const [count, frames, width] = embeddings.shape;
  if (count !== starts * plans || (costs && costs.length !== starts * plans * plans))
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[trainCritic] expected ${starts} starts · ${plans} plans clips and costs [${starts}, ${plans}, ${plans}], got ${count} clips and ${costs?.length ?? 'no'} costs`,
    );
  const z = (await embeddings.data()) as Float32Array;
  const goal = new Float32Array(count * width);
  for (let clip = 0; clip < count; clip++)
    goal.set(z.subarray(((clip + 1) * frames - 1) * width, (clip + 1) * frames * width), clip * width);
  const { start, state, embedding } = await critic.outlook(embeddings, actions, world.config.contextFrames, signal);
  const row = async (of: Tensor) => ({ width: of.shape[1], data: (await of.data()) as Float32Array });
  return {
    plans,
    starts,
    rows: {
      start: await row(start),
      state: await row(state),
      embedding: await row(embedding),
      goal: { width, data: goal },
    },
    costs: costs ?? embeddingDistances(goal, starts, plans, width),
  };
}

/** [starts, plans, plans] root mean squared distance between the embeddings that plans ended in. */
function embeddingDistances(ends: Float32Array, starts: number, plans: number, width: number): Float32Array {
  return Float32Array.from({ length: starts * plans * plans }, (_, at) => {
    const one = Math.floor(at / plans) * width;
    const other = (Math.floor(at / (plans * plans)) * plans + (at % plans)) * width;
    let total = 0;
    for (let d = 0; d < width; d++) total += (ends[one + d] - ends[other + d]) ** 2;
    return Math.sqrt(total / width);
  });
}

function batchOf(
  { rows, plans, costs }: Examples,
  starts: readonly number[],
): { batch: Record<keyof Examples['rows'], Tensor>; costs: Tensor } {
  const of = ({ width, data }: { width: number; data: Float32Array }): Tensor =>
    tensor(gatheredRows(data, plans * width, starts), { shape: [starts.length, plans, width] });
  return {
    batch: { start: of(rows.start), state: of(rows.state), embedding: of(rows.embedding), goal: of(rows.goal) },
    costs: tensor(gatheredRows(costs, plans * plans, starts), { shape: [starts.length, plans, plans] }),
  };
}

function together(parts: readonly Examples[]): Examples {
  if (parts.length === 0 || parts.some(({ plans }) => plans !== parts[0].plans))
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[trainCritic] expected choices with as many plans each, got ${parts.map(({ plans }) => plans).join(', ') || 'none'}`,
    );
  const row = (name: keyof Examples['rows']) => ({
    width: parts[0].rows[name].width,
    data: joined(parts.map(({ rows }) => rows[name].data)),
  });
  return {
    plans: parts[0].plans,
    starts: parts.reduce((total, { starts }) => total + starts, 0),
    rows: { start: row('start'), state: row('state'), embedding: row('embedding'), goal: row('goal') },
    costs: joined(parts.map(({ costs }) => costs)),
  };
}

function checkSettings({ heldOut, ...settings }: typeof defaults): void {
  const whole = ['steps', 'starts'];
  for (const [name, value] of Object.entries(settings)) {
    const holds =
      name === 'seed'
        ? Number.isSafeInteger(value)
        : whole.includes(name)
          ? Number.isInteger(value) && value >= 1
          : value >= 0;
    if (holds && Number.isFinite(value)) continue;
    const expected =
      name === 'seed' ? 'an integer' : whole.includes(name) ? 'a whole number, 1 or more' : 'a number, 0 or more';
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[trainCritic] expected ${name} to be ${expected}, got ${shown(value)}`,
    );
  }
  if (!(heldOut > 0 && heldOut < 1))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[trainCritic] expected heldOut between 0 and 1, got ${String(heldOut)}`,
    );
}
