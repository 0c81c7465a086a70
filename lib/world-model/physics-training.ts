import type { Dataset } from '../data/dataset.js';
import { PhysicsDataset } from '../worlds/physics/dataset.js';
import { candidateForcePlans } from '../worlds/physics/evaluation.js';
import { physicsTrainingBatch } from '../worlds/physics/training.js';
import { hashText } from '../worlds/random.js';
import type { RankingCritic } from './critic.js';
import { type CriticTrainingOptions, type PlanChoices, trainCritic } from './critic-training.js';
import type { ObjectiveOptions } from './objective.js';
import type { PresetOptions } from './preset.js';
import { type ClipBatch, WorldModelTraining } from './training.js';
import type { WorldModelTrainingOptions } from './training-settings.js';
import { WorldModel } from './world-model.js';

/** As presets have them, but for what sees, keypoints by default, and a GRU, which has `velocity` by default. */
export interface PhysicsTrainingOptions extends Pick<PresetOptions, 'encoder' | 'predictor' | 'velocity'> {
  readonly preset: 'tiny' | 'small';
  readonly seed: number;
  readonly clips: number;
  readonly workers: number;
  readonly objective?: Partial<ObjectiveOptions>;
  /** Of the model's training; the default `frozenFraction` is {@link physicsFrozenFraction}. */
  readonly training?: Omit<WorldModelTrainingOptions, 'objective'>;
}

/** Share of the steps that teach prediction alone. */
export const physicsFrozenFraction = 0.45;

/** Batches that normalisation statistics are estimated from: 768 clips, before those of training in the endless sequence. */
const statisticsBatches = 48;

/**
 * Mean and standard deviation of the forces in training batches, N. Most clips are passive, so both are far from those of a pushed disc;
 * the numbers are a property of the suite, checked by a test.
 */
export const forceStatistics = { mean: [0, 0.2], std: [0.45, 0.4] } as const;

/** A world model of the physics suite with its objective and its endless data: what `jepa demo` and `jepa train` train. */
export function physicsTraining({
  preset,
  seed,
  clips,
  workers,
  encoder = 'keypoints',
  predictor = 'recurrent',
  velocity = predictor === 'recurrent',
  ...options
}: PhysicsTrainingOptions): {
  readonly model: WorldModel;
  readonly training: WorldModelTraining;
  /** Endless, with some (48) batches apart to estimate normalisation statistics from. */
  readonly dataset: Dataset<ClipBatch> & { statisticsBatches(count?: number): Promise<ClipBatch[]> };
} {
  const model = WorldModel.create(preset, {
    observation: { kind: 'image', height: 64, width: 64, channels: 3 },
    action: {
      size: 2,
      names: ['force x', 'force y'],
      units: ['N', 'N'],
      mean: [...forceStatistics.mean],
      std: [...forceStatistics.std],
    },
    frameRate: 15,
    seed,
    encoder,
    predictor,
    velocity,
  });
  const training = { frozenFraction: physicsFrozenFraction, ...options.training };
  const source = { seed, clips, twinGroups: 1 };
  const endless = new PhysicsDataset({ ...source, workers });
  return {
    model,
    training: new WorldModelTraining(model, { ...training, objective: options.objective }),
    dataset: {
      get index() {
        return Math.max(0, endless.index - statisticsBatches);
      },
      seek: (index) => endless.seek(index + statisticsBatches),
      [Symbol.asyncIterator]: () => endless[Symbol.asyncIterator](),
      statisticsBatches: (count = statisticsBatches) =>
        Promise.all(Array.from({ length: count }, (_, index) => physicsTrainingBatch(source, index))),
    },
  };
}

/** Starts whose plans are simulated at a time. */
const startsOfPart = 20;

/** Seed of a part of a critic's choices, whatever their number: parts of different seeds share no starts. */
export function seedOfPart(seed: number, part: number): number {
  return hashText(`critic ${seed} ${part}`);
}

/**
 * A critic of a physics model, trained on plans of the training split and their true costs: eight force plans each of `starts` starts
 * (default 800), simulated here. Another seed gives other starts; more choices of a seed begin with the same ones.
 * @throws JepaError as {@link trainCritic}; ERR_JEPA_MISSING_PEER without the physics engine
 * @example
 * const model = await WorldModel.pretrained('physics');
 * const critic = await physicsCritic(model, { seed: 7, choices: 100, steps: 200 }); // for model.rank(frames, plans, { by: critic })
 */
export async function physicsCritic(
  world: WorldModel,
  {
    seed,
    choices = 800,
    costs = true,
    ...options
  }: CriticTrainingOptions & {
    readonly seed: number;
    /** Starts that are simulated. */
    readonly choices?: number;
    /** Whether it learns from the simulator's costs (default), or from what the model sees of the outcomes. */
    readonly costs?: boolean;
  },
): Promise<RankingCritic> {
  const parts = Math.ceil(choices / startsOfPart);
  async function* simulated(): AsyncGenerator<PlanChoices> {
    for (let part = 0; part < parts; part++) {
      const plans = await candidateForcePlans({
        split: 'train',
        seed: seedOfPart(seed, part),
        count: Math.min(startsOfPart, choices - part * startsOfPart),
        signal: options.signal,
      });
      yield costs ? plans : { starts: plans.starts, plans: plans.plans, clips: plans.clips };
    }
  }
  return trainCritic(world, simulated(), { seed, ...options });
}
