import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { physicsCritic } from '../world-model/physics-training.js';
import { refreshStatistics } from '../world-model/statistics.js';
import { WorldModelTraining } from '../world-model/training.js';
import { WorldModel } from '../world-model/world-model.js';
import { PhysicsDataset } from '../worlds/physics/dataset.js';
import { physicsClips } from '../worlds/physics/evaluation.js';
import type { Split } from '../worlds/physics/seeds.js';
import { physicsTrainingBatch } from '../worlds/physics/training.js';
import { type ActionRankResults, evaluateActionRanking } from './action-rank.js';
import { PixelAutoencoder } from './autoencoder.js';
import { type CounterfactualResults, evaluateCounterfactuals } from './counterfactual.js';
import { type EmbeddedClips, embed, embedTrainingClips } from './embedded.js';
import { type PhysicsExamples, rolloutExamples, violationExamples } from './examples.js';
import { expectPhysicsModel } from './physics-model.js';
import { evaluateProbes, type ProbeResults } from './probes.js';
import { evaluateRollouts, type RolloutResults, type RolloutScores } from './rollouts.js';
import { evaluateViolations, type Scorer, type ViolationResults } from './violations.js';

/** The `physics` part of a results file. */
export interface PhysicsResults {
  readonly violations: ViolationResults;
  readonly counterfactual: CounterfactualResults;
  readonly actionRank: ActionRankResults;
  readonly probes: ProbeResults;
  /** Besides, eight frames ahead with faster and larger discs than training shows. */
  readonly rollout: RolloutResults & Readonly<Record<'fast' | 'large', RolloutScores>>;
  /** Training that the rivals had, so that rows can be judged. */
  readonly rivals: {
    readonly autoencoderSteps: number;
    readonly autoencoderFlops: number;
    readonly equalComputeSteps: number;
  };
}

export interface PhysicsEvaluationOptions {
  /** 'validation' to choose settings by, 'test' to report. */
  readonly split: Exclude<Split, 'train'>;
  readonly seed: number;
  /** Share of the full set sizes (default 1): 200 pairs a law, 300 twins, 100 starts, 600 clips. */
  readonly scale?: number;
  /** Steps of the autoencoder's training (default 220, under half a minute on two cores). */
  readonly autoencoderSteps?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

/** Sees to it that something is freed at the end. */
type Own = <Owned extends { dispose(): void }>(owned: Owned) => Owned;

/**
 * The whole examination of a world model of the physics suite, floors and rivals included.
 * @throws JepaError ERR_JEPA_CONFIG for a model of another world, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED,
 *   ERR_JEPA_MISSING_PEER without the physics engine
 * @example const { results } = await evaluatePhysics(model, { split: 'test', seed: 7 });
 */
export async function evaluatePhysics(
  model: WorldModel,
  options: PhysicsEvaluationOptions,
): Promise<{ results: PhysicsResults; examples: PhysicsExamples }> {
  checkOptions('evaluatePhysics', options, ['split', 'seed', 'scale', 'autoencoderSteps', 'signal', 'onProgress']);
  const { scale = 1 } = options;
  if (!(scale > 0 && scale <= 1))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[evaluatePhysics] expected a scale above 0 and at most 1, got ${scale}`,
    );
  expectPhysicsModel('evaluatePhysics', model);
  const owned: { dispose(): void }[] = [];
  try {
    return await examine(model, options, (one) => {
      owned.push(one);
      return one;
    });
  } finally {
    for (const one of owned) one.dispose();
  }
}

async function examine(
  model: WorldModel,
  { split, seed, scale = 1, autoencoderSteps = 220, signal, onProgress }: PhysicsEvaluationOptions,
  own: Own,
): Promise<{ results: PhysicsResults; examples: PhysicsExamples }> {
  const sized = (count: number): number => Math.max(8, Math.round(count * scale));
  onProgress?.('training the pixel autoencoder');
  const { autoencoder, equal, steps } = await rivals(
    model,
    seed,
    Math.max(2, Math.round(autoencoderSteps * scale)),
    own,
    { signal, onProgress },
  );
  onProgress?.('the untrained network');
  const untrained = await untrainedModel(model, seed, own);
  const scorer = (which: WorldModel): Scorer => surpriseOf(which, signal);
  const violations = await evaluateViolations(
    {
      model: scorer(model),
      modelAtEqualCompute: scorer(equal),
      untrained: scorer(untrained),
      autoencoder: scorer(autoencoder.model),
    },
    { split, seed, pairs: sized(200), signal, onProgress },
  );
  onProgress?.('probes');
  const train = await embedTrainingClips(model, seed, sized(1500), signal);
  const { probes, rollout, rollouts } = await readOuts(model, train, { split, seed, sized, signal });
  onProgress?.('counterfactuals');
  const counterfactual = await evaluateCounterfactuals(model, { split, seed, count: sized(300), signal });
  onProgress?.('training a critic of plans');
  const critic = own(await physicsCritic(model, { seed, choices: sized(800), steps: sized(1000), signal }));
  onProgress?.('ranking actions');
  const actionRank = await evaluateActionRanking(model, {
    split,
    seed,
    starts: sized(100),
    autoencoder,
    demonstrations: train,
    critic,
    signal,
  });
  const violationPictures = await violationExamples(model, split, seed, signal);
  return {
    results: {
      violations,
      counterfactual,
      actionRank,
      probes,
      rollout,
      rivals: {
        autoencoderSteps: steps.autoencoder,
        autoencoderFlops: autoencoder.flops,
        equalComputeSteps: steps.equal,
      },
    },
    examples: { violations: violationPictures, rollouts },
  };
}

const surpriseOf =
  (model: WorldModel, signal?: AbortSignal): Scorer =>
  async (clips) => {
    const { embeddings, actions } = await embed(model, clips, signal);
    return model.surpriseOf(embeddings, actions, { signal });
  };

/** What can be read out of embeddings, and of those that are imagined: probes fitted to `train`, and rollouts in metres. */
async function readOuts(
  model: WorldModel,
  train: EmbeddedClips,
  {
    split,
    seed,
    sized,
    signal,
  }: Pick<PhysicsEvaluationOptions, 'split' | 'seed' | 'signal'> & { readonly sized: (count: number) => number },
): Promise<Pick<PhysicsResults, 'probes' | 'rollout'> & Pick<PhysicsExamples, 'rollouts'>> {
  const clips = await physicsClips({ split, seed, count: sized(600), signal });
  const test = await embed(model, clips, signal);
  const { results: probes, readPositions } = await evaluateProbes(model, train, test, { seed, signal });
  const { results, paths } = await evaluateRollouts(model, test, readPositions, { signal });
  const beyond = async (ranges: 'fast' | 'large'): Promise<RolloutScores> => {
    const others = await physicsClips({ split, seed, count: sized(300), ranges, signal });
    return (await evaluateRollouts(model, await embed(model, others, signal), readPositions, { signal })).results.k8;
  };
  return {
    probes,
    rollout: { ...results, fast: await beyond('fast'), large: await beyond('large') },
    rollouts: rolloutExamples(model, clips, paths),
  };
}

/** The autoencoder, and a world model that had the same number of operations. */
async function rivals(
  model: WorldModel,
  seed: number,
  autoencoderSteps: number,
  own: Own,
  { signal, onProgress }: Pick<PhysicsEvaluationOptions, 'signal' | 'onProgress'>,
): Promise<{ autoencoder: PixelAutoencoder; equal: WorldModel; steps: { autoencoder: number; equal: number } }> {
  const autoencoder = own(new PixelAutoencoder(model.config));
  await autoencoder.train(new PhysicsDataset({ seed, signal }), autoencoderSteps, {
    signal,
    onStep: (step) => onProgress?.(`training the pixel autoencoder: step ${step}/${autoencoderSteps}`),
  });
  const equal = own(new WorldModel(model.config));
  const training = own(new WorldModelTraining(equal));
  const dataset = new PhysicsDataset({ seed, signal });
  const kept = [];
  let steps = 0;
  let step = 0;
  for await (const batch of dataset) {
    if (step === 0) steps = Math.max(1, Math.round(autoencoder.flops / (await training.flops(batch))));
    await training.step(batch, step, { steps, signal });
    if (kept.length < 32) kept.push(batch);
    step++;
    onProgress?.(`training a model with the same compute: step ${step}/${steps}`);
    if (step >= steps) break;
  }
  await training.finish(kept);
  return { autoencoder, equal, steps: { autoencoder: autoencoderSteps, equal: steps } };
}

/** The same architecture with random weights, its normalisation fitted to data: what motion energy alone gives. */
async function untrainedModel(model: WorldModel, seed: number, own: Own): Promise<WorldModel> {
  const untrained = own(new WorldModel({ ...model.config, seed: model.config.seed + 1 }));
  const batches = await Promise.all(Array.from({ length: 8 }, (_, index) => physicsTrainingBatch({ seed }, index)));
  await refreshStatistics(
    untrained.network,
    batches.map((batch) => untrained.tensors(batch)[0]),
  );
  return untrained;
}
