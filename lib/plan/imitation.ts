import type { Clips } from '../data/clips.js';
import { JepaError } from '../errors.js';
import { gatheredRows } from '../io/joined.js';
import { checkOptions } from '../io/options.js';
import { MLP, mse } from '../nn/index.js';
import { add, concat, div, mul, sub } from '../ops/index.js';
import { compile, type Tensor, tensor } from '../tensor/index.js';
import { trainHead } from '../world-model/head-training.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { DecideBlock } from './goal-episodes.js';
import { expectWhole } from './settings.js';

const hidden = 128;

/** Who imitates, and how it is freed. */
export interface Imitation {
  readonly decide: DecideBlock;
  dispose(): void;
}

export interface ImitationOptions {
  readonly seed: number;
  /** Steps of training (default 300), a batch each. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

/**
 * Imitation to compare planning with: from the embeddings of the last frames, as many as the model's context, and of a later one, the block
 * of actions that was taken (goal-conditioned behaviour cloning with goals in hindsight, anywhere later in the clip). The encoder is the model's own.
 * @param batches of clips of recordings, one for each step
 * @throws JepaError ERR_JEPA_DATASET if there are fewer, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED
 * @example
 * const { decide, dispose } = await trainImitation(model, clipBatches(recordings, { frames: 8, frameSkip: 2, seed: 1 }), { seed: 1 });
 * const first = await playGoalEpisodes(world, episodes, decide, model.config.contextFrames, { blockSteps: 2 });
 */
export async function trainImitation(
  model: WorldModel,
  batches: Iterable<Clips> | AsyncIterable<Clips>,
  options: ImitationOptions,
): Promise<Imitation> {
  checkOptions('trainImitation', options, ['seed', 'steps', 'signal']);
  const { seed, steps = 300, signal } = options;
  expectWhole('trainImitation', { steps });
  const { embeddingSize: width, contextFrames: context, action } = model.config;
  const network = new MLP((context + 1) * width, hidden, action.size, { seed, name: 'imitation' });
  const [mean, std] = [tensor([...action.mean]), tensor([...action.std])];
  const decide = compile(
    (seen: Tensor, goal: Tensor) => add(mul(network.forward(concat([seen, goal], 1)), std), mean),
    { name: 'imitation.decide' },
  );
  const dispose = (): void => {
    decide.dispose();
    network.dispose();
  };
  const source = eachOf(batches);
  try {
    await trainHead(
      network,
      ({ inputs, actions }: Hindsight) => mse(network.forward(inputs), div(sub(actions, mean), std)),
      async () => {
        const { done, value } = await source.next();
        if (done)
          throw new JepaError('ERR_JEPA_DATASET', `[trainImitation] expected ${steps} batches of clips, got fewer`);
        const [observations] = model.tensors(value);
        const embeddings = (await (await model.encode(observations, { signal })).data()) as Float32Array;
        return hindsight(embeddings, value, context, width);
      },
      { name: 'imitation', steps, learningRate: 2e-3, signal },
    );
  } catch (error) {
    dispose();
    throw error;
  } finally {
    await source.return(undefined);
  }
  const embed = async (frames: Tensor, shape: readonly number[]): Promise<Tensor> => {
    const z = await (await model.encode(tensor(await frames.data(), { shape: [1, ...shape] }), { signal })).data();
    return tensor(z, { shape: [1, z.length] });
  };
  return {
    decide: async ({ frames, goal }) => {
      const block = await decide(await embed(frames, frames.shape), await embed(goal, [1, ...goal.shape]));
      return (await block.data()) as Float32Array;
    },
    dispose,
  };
}

async function* eachOf(batches: Iterable<Clips> | AsyncIterable<Clips>): AsyncGenerator<Clips, undefined> {
  yield* batches;
}

/** inputs [N, (context + 1) · D] embeddings side by side, the goal's last; actions [N, A] that were taken there */
type Hindsight = { readonly inputs: Tensor; readonly actions: Tensor };

/** Every frame of every clip that has a context before it, with every later one as its goal. */
function hindsight(
  embeddings: Float32Array,
  { clips, frames, actions }: Clips,
  context: number,
  width: number,
): Hindsight {
  const rows: number[] = [];
  const taken: number[] = [];
  for (let clip = 0; clip < clips; clip++)
    for (let at = context - 1; at < frames; at++)
      for (let goal = at + 1; goal < frames; goal++) {
        for (let back = context - 1; back >= 0; back--) rows.push(clip * frames + at - back);
        rows.push(clip * frames + goal);
        taken.push(clip * frames + at);
      }
  const size = actions.length / (clips * frames);
  return {
    inputs: tensor(gatheredRows(embeddings, width, rows), { shape: [taken.length, (context + 1) * width] }),
    actions: tensor(gatheredRows(actions, size, taken), { shape: [taken.length, size] }),
  };
}
