import { JepaError } from '../errors.js';
import { Quasimetric } from '../models/quasimetric.js';
import { add, unsqueeze } from '../ops/index.js';
import { compile, type Tensor } from '../tensor/index.js';
import { batched } from '../world-model/batched.js';
import { filled, type HeadKind, readHead, writeHead } from '../world-model/head-file.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { Objective, StepDistance } from './contract.js';

const name = 'TemporalDistance';
const kind: HeadKind = {
  where: 'temporalDistance',
  format: 'jepa-temporal-distance',
  version: '1',
  called: 'a temporal distance',
  short: 'a distance',
  help: 'train it: await trainTemporalDistance(world, clips)',
};
const chunkRows = 64;

/**
 * How many steps lie between what two embeddings of a world model show, by the shortest way: a wall between them counts. Made by
 * {@link trainTemporalDistance}; the model itself stays as it is. Take it as a planner's objective, or for a {@link WaypointGraph}.
 * @example
 * const distance = await TemporalDistance.load('arm.distance', world);
 * const planner = new Planner(world, { objective: distance.objective, horizon: 5 });
 */
export class TemporalDistance implements StepDistance {
  readonly world: WorldModel;
  readonly head: Quasimetric;
  /** Steps to the goal, summed over the horizon: where the straight way is closed, straight-line distance leads astray, and this does not. */
  readonly objective: Objective;
  readonly #between;

  constructor(world: WorldModel) {
    const { embeddingSize, seed } = world.config;
    const head = new Quasimetric({ embeddingSize, seed });
    this.world = world;
    this.head = head;
    this.objective = {
      cost: (trajectory, goal) => {
        const there = head.place(goal);
        return trajectory
          .map((position) => head.distance(head.place(position), there))
          .reduce((total, steps) => add(total, steps));
      },
    };
    this.#between = compile(
      (from: Tensor, to: Tensor) => ({
        steps: head.distance(unsqueeze(head.place(from), 1), unsqueeze(head.place(to), 0)),
      }),
      { name: 'temporal distance' },
    );
  }

  /**
   * Steps from each embedding to each other one, in frames of the clips that it learnt from.
   * @param from [N, D]   @param to [M, D]   @returns [N, M]
   * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_NON_FINITE, ERR_JEPA_ABORTED
   */
  async steps(from: Tensor, to: Tensor, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    for (const { shape } of [from, to])
      if (shape.length !== 2 || shape[1] !== this.world.config.embeddingSize)
        throw new JepaError(
          'ERR_JEPA_SHAPE',
          `[${name}] expected embeddings [N, ${this.world.config.embeddingSize}], got [${shape.join(', ')}]`,
        );
    const run = (rows: Tensor) => this.#between.call({ signal }, rows, to);
    const { steps } = await batched(run, [from], chunkRows, signal);
    return (await steps.data()) as Float32Array;
  }

  /** Writes one safetensors file. @throws JepaError ERR_JEPA_IO */
  async save(path: string): Promise<void> {
    await writeHead(path, kind, this);
  }

  /**
   * Reads a distance between embeddings of `world`.
   * @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION, ERR_JEPA_CHECKPOINT_MISMATCH for one of another model
   */
  static async load(path: string, world: WorldModel): Promise<TemporalDistance> {
    const { tensors } = await readHead(path, kind, world);
    return filled(new TemporalDistance(world), tensors, path, kind);
  }

  /** Frees its parameters and program; the model stays. */
  dispose(): void {
    this.head.dispose();
    this.#between.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
