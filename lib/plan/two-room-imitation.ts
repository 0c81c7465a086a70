import { MLP, mse } from '../nn/index.js';
import { concat } from '../ops/index.js';
import { adamW } from '../optim/index.js';
import { compile, scalar, type Tensor, tensor, valueAndGrad } from '../tensor/index.js';
import type { WorldModel } from '../world-model/world-model.js';
import { blockSize, twoRoomTrainingBatch } from '../worlds/two-room/training.js';
import { type DecideBlock, imageSize } from './two-room-episodes.js';

const [clips, frames, hidden] = [32, 6, 128];

/** Who imitates, and how it is freed. */
export interface TwoRoomImitation {
  readonly decide: DecideBlock;
  dispose(): void;
}

/**
 * Imitation to compare planning with: from the embeddings of a picture and of a later one, the block of actions that the expert of the
 * training data took (goal-conditioned behaviour cloning with goals in hindsight, up to 25 steps ahead). The encoder is the model's own.
 * @throws JepaError ERR_JEPA_ABORTED
 */
export async function trainTwoRoomImitation(
  model: WorldModel,
  { seed, steps = 300, signal }: { readonly seed: number; readonly steps?: number; readonly signal?: AbortSignal },
): Promise<TwoRoomImitation> {
  const width = model.config.embeddingSize;
  const network = new MLP(2 * width, hidden, blockSize, { seed, name: 'imitation' });
  const optimiser = adamW(network.parameters(), { clipNorm: 1 });
  const step = compile(
    (seen: Tensor, goal: Tensor, actions: Tensor, learningRate: Tensor) => {
      const { value: loss, gradients } = valueAndGrad(
        () => mse(network.forward(concat([seen, goal], 1)), actions),
        network.parameters(),
      );
      optimiser.update(gradients, { learningRate });
      return { loss };
    },
    { name: 'imitation' },
  );
  const decide = compile((seen: Tensor, goal: Tensor) => network.forward(concat([seen, goal], 1)), {
    name: 'imitation.decide',
  });
  const dispose = (): void => {
    decide.dispose();
    network.dispose();
  };
  try {
    for (let index = 0; index < steps; index++) {
      const batch = twoRoomTrainingBatch({ seed, clips, frames, imageSize }, index);
      const [observations] = model.tensors(batch);
      const embeddings = (await (await model.encode(observations, { signal })).data()) as Float32Array;
      const [seen, goal, actions] = hindsight(embeddings, batch.actions, width);
      const learningRate = scalar(2e-3 * (1 - index / steps));
      await step.call({ signal }, seen, goal, actions, learningRate);
    }
  } catch (error) {
    dispose();
    throw error;
  } finally {
    step.dispose();
    optimiser.dispose();
  }
  const embed = async (frame: Tensor): Promise<Tensor> => {
    const z = await model.encode(tensor(await frame.data(), { shape: [1, 1, ...frame.shape] }), { signal });
    return tensor(await z.data(), { shape: [1, width] });
  };
  return {
    decide: async (seen, goal) => (await (await decide(await embed(seen), await embed(goal))).data()) as Float32Array,
    dispose,
  };
}

/** Every frame of every clip with every later one as its goal: embeddings twice, and the actions taken at the first. */
function hindsight(embeddings: Float32Array, actions: Float32Array, width: number): [Tensor, Tensor, Tensor] {
  const rows: [at: number, goal: number][] = [];
  for (let clip = 0; clip < clips; clip++)
    for (let at = 0; at < frames; at++)
      for (let goal = at + 1; goal < frames; goal++) rows.push([clip * frames + at, clip * frames + goal]);
  const pick = (from: Float32Array, size: number, which: 0 | 1): Tensor => {
    const all = new Float32Array(rows.length * size);
    for (const [row, pair] of rows.entries())
      all.set(from.subarray(pair[which] * size, (pair[which] + 1) * size), row * size);
    return tensor(all, { shape: [rows.length, size] });
  };
  return [pick(embeddings, width, 0), pick(embeddings, width, 1), pick(actions, blockSize, 0)];
}
