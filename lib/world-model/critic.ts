import { JepaError } from '../errors.js';
import { openLoop } from '../models/predictor.js';
import { CriticHead, type Outlook } from '../models/ranking-critic.js';
import { broadcastTo, slice } from '../ops/index.js';
import { compile, type Tensor, tensor } from '../tensor/index.js';
import { batched } from './batched.js';
import { expectActions } from './expect.js';
import { filled, type HeadKind, otherModel, readHead, writeHead } from './head-file.js';
import type { PlanJudge } from './judge.js';
import type { WorldModel } from './world-model.js';

const kind: HeadKind = {
  where: 'rankingCritic',
  format: 'jepa-ranking-critic',
  version: '1',
  called: 'a critic',
  short: 'a critic',
  help: 'train it: await trainCritic(world, choices)',
};
const chunkPlans = 64;

/**
 * Judges plans of one world model: what it expects them to cost against a goal, and how sure it is which is the best. Made by
 * {@link trainCritic}; the model itself stays as it is.
 * @example
 * const critic = await RankingCritic.load('physics.critic', world);
 * const ranked = await world.rank(frames, candidates, { goal, by: critic }); // [{ index, cost, confidence }]
 */
export class RankingCritic implements PlanJudge {
  readonly world: WorldModel;
  readonly head: CriticHead;
  /** What a cost of 1 of the head stands for, in units of the costs that it learnt. */
  readonly scale: number;
  /** Of the confidences, in units of the costs; undefined until it is fitted. */
  temperature?: number;
  readonly #outlook;
  readonly #judge;

  constructor(world: WorldModel, { scale, temperature }: { readonly scale: number; readonly temperature?: number }) {
    const { network, config } = world;
    this.world = world;
    this.scale = scale;
    this.temperature = temperature;
    this.head = new CriticHead({
      embeddingSize: config.embeddingSize,
      stateSize: network.predictor.stateSize,
      seed: config.seed,
    });
    const imagine = (embeddings: Tensor, actions: Tensor, context: number): Outlook => {
      const taken = network.standardise(actions);
      const known = network.predictor.teacherForced(slice(embeddings, 1, 0, context), slice(taken, 1, 0, context));
      const open = openLoop(network.predictor, known, taken, context);
      const row = (of: Tensor, k: number): Tensor => slice(of, 1, k, k + 1).reshape([of.shape[0], of.shape[2]]);
      const last = open.embeddings.shape[1] - 1;
      return {
        start: row(known.states, context - 1),
        state: row(open.states, last),
        embedding: row(open.embeddings, last),
      };
    };
    this.#outlook = compile((z: Tensor, actions: Tensor, context: number) => ({ ...imagine(z, actions, context) }), {
      name: 'outlook',
    });
    this.#judge = compile(
      (z: Tensor, actions: Tensor, goal: Tensor, context: number) => {
        const end = this.head.end(imagine(z, actions, context));
        return { cost: this.head.distance(end, broadcastTo(this.head.goal(goal), end.shape)) };
      },
      { name: 'ranking critic' },
    );
  }

  /** @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH for plans of another model, ERR_JEPA_SHAPE */
  async costs(
    world: WorldModel,
    seen: Tensor,
    candidates: Tensor,
    goal: Float32Array,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Float32Array> {
    if (world !== this.world) throw otherModel(kind);
    const [, context, width] = seen.shape;
    const count = candidates.shape[0];
    const start = (await seen.data()) as Float32Array;
    const known = new Float32Array(count * start.length);
    for (let index = 0; index < count; index++) known.set(start, index * start.length);
    const z = tensor(known, { shape: [count, context, width] });
    expectActions(world.config, z, candidates, context);
    const target = tensor(goal, { shape: [1, width] });
    const { cost } = await batched(
      (embeddings, actions) => this.#judge.call({ signal }, embeddings, actions, target, context),
      [z, candidates],
      chunkPlans,
      signal,
    );
    return ((await cost.data()) as Float32Array).map((value) => value * this.scale);
  }

  /** Where plans end, as training sees it: embeddings [N, T, D] of which the first `context` frames are seen, actions [N, T, A]. */
  async outlook(
    embeddings: Tensor,
    actions: Tensor,
    context: number,
    signal?: AbortSignal,
  ): Promise<Record<keyof Outlook, Tensor>> {
    return batched((z, a) => this.#outlook.call({ signal }, z, a, context), [embeddings, actions], chunkPlans, signal);
  }

  /** Writes one safetensors file. @throws JepaError ERR_JEPA_IO */
  async save(path: string): Promise<void> {
    await writeHead(path, kind, this, {
      scale: String(this.scale),
      ...(this.temperature === undefined ? {} : { temperature: String(this.temperature) }),
    });
  }

  /**
   * Reads a critic of `world`.
   * @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION, ERR_JEPA_CHECKPOINT_MISMATCH for one of another model
   */
  static async load(path: string, world: WorldModel): Promise<RankingCritic> {
    const { metadata, tensors } = await readHead(path, kind, world);
    const positive = (key: 'scale' | 'temperature'): number => {
      const value = Number(metadata[key]);
      if (value > 0 && value < Infinity) return value;
      throw new JepaError(
        'ERR_JEPA_CHECKPOINT_FORMAT',
        `[rankingCritic] expected a ${key} above 0, got '${metadata[key] ?? 'none'}' in ${path}`,
      );
    };
    const scale = positive('scale');
    const temperature = metadata.temperature === undefined ? undefined : positive('temperature');
    return filled(new RankingCritic(world, { scale, temperature }), tensors, path, kind);
  }

  /** Frees its parameters and programs; the model stays. */
  dispose(): void {
    this.head.dispose();
    this.#outlook.dispose();
    this.#judge.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
