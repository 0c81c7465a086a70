import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spearman } from '#lib/eval/index.js';
import { sealed } from '#lib/io/digest.js';
import { readSafetensors, writeSafetensors } from '#lib/io/safetensors.js';
import {
  distanceAtEnd,
  Planner,
  type StepDistance,
  TemporalDistance,
  trainTemporalDistance,
  trainTwoRoomWaypoints,
  twoRoomModel,
  WaypointGraph,
  type WaypointGraphOptions,
} from '#lib/plan/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import type { Clips } from '#lib/world-model/clips.js';
import { Random } from '#lib/worlds/random.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { sensorConfig, shaken } from '../world-model/small.js';

const sensor = { ...sensorConfig, contextFrames: 1 };

/** Twelve places on a ring that is not closed: the first and the last are neighbours to the eye, and eleven steps apart. */
const places = 12;
const look = (place: number): number[] => [
  Math.cos((2 * Math.PI * place) / places),
  Math.sin((2 * Math.PI * place) / places),
  0,
];

/** Clips of someone who staggers from place to place and never takes the whole way. */
function* staggering(batches: number): Generator<Clips> {
  const [clips, frames] = [32, 4];
  for (let index = 0; index < batches; index++) {
    const random = new Random(index, 'staggering');
    const observations: number[] = [];
    for (let clip = 0; clip < clips; clip++) {
      let place = random.below(places);
      for (let frame = 0; frame < frames; frame++) {
        observations.push(...look(place));
        place = Math.max(0, Math.min(places - 1, place + random.sign()));
      }
    }
    yield {
      clips,
      frames,
      observations: Float32Array.from(observations),
      actions: new Float32Array(clips * frames * 2),
    };
  }
}

/** Steps on a line of numbers: one there, three back. */
const line: StepDistance = {
  async steps(from, to) {
    const [a, b] = [await from.data(), await to.data()] as [Float32Array, Float32Array];
    return Float32Array.from([...a].flatMap((x) => [...b].map((y) => (y >= x ? y - x : 3 * (x - y)))));
  },
};
const at = (...values: number[]): Tensor => tensor(Float32Array.from(values), { shape: [values.length, 1] });
const placeOf = async (x: Tensor): Promise<number> => (await x.data())[0] as number;

describe('trainTemporalDistance', () => {
  it('counts the steps of ways that no clip went, where the straight way is closed', async () => {
    const world = await shaken(sensor);
    const losses: number[] = [];
    const settings = { steps: 1500, pairs: 128, seed: 2, onStep: (_: number, loss: number) => losses.push(loss) };
    const distance = await trainTemporalDistance(world, staggering(8), settings);
    expect(losses.length).toBe(1500);
    const all = Float32Array.from({ length: places }, (_, place) => place);
    const seen = tensor(Float32Array.from([...all].flatMap(look)), { shape: [1, places, 3] });
    const embeddings = (await world.encode(seen)).reshape([places, sensor.embeddingSize]);
    const steps = await distance.steps(embeddings, embeddings);
    const truth = Float32Array.from({ length: places ** 2 }, (_, i) => Math.abs((i % places) - Math.floor(i / places)));
    expect(spearman(steps, truth)).toBeGreaterThan(0.97);
    expect(steps[places - 1]).toBeGreaterThan(7); // neighbours to the eye
    expect(Math.max(...steps.filter((_, i) => truth[i] === 1))).toBeLessThan(1.2);

    const path = join(temporaryFolder(), 'ring.distance');
    await distance.save(path);
    const loaded = await TemporalDistance.load(path, world);
    expect(await loaded.steps(embeddings, embeddings)).toEqual(steps);
    const other = await shaken({ ...sensor, seed: 9 });
    await expect(TemporalDistance.load(path, other)).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_MISMATCH' });
    const { metadata, tensors } = await readSafetensors(path);
    const [[, first]] = tensors;
    (first.data as Float32Array)[0] += 1;
    await writeSafetensors(path, tensors, metadata);
    await expect(TemporalDistance.load(path, world)).rejects.toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_FORMAT' });
    (first.data as Float32Array)[0] = Number.NaN;
    const { sha256: _, ...plain } = metadata;
    await writeSafetensors(path, tensors, sealed(plain, tensors));
    await expect(TemporalDistance.load(path, world)).rejects.toMatchObject({
      code: 'ERR_JEPA_CHECKPOINT_FORMAT',
      message: expect.stringMatching(/^\[temporalDistance\] expected \S+ of finite numbers, got NaN in /),
    });
  });

  it('takes what it needs of endless clips, and refuses those without a step', async () => {
    const world = await shaken(sensor);
    const few = { steps: 2, pairs: 4, batches: 3 };
    let taken = 0;
    const counted = function* () {
      for (const clips of staggering(Number.POSITIVE_INFINITY)) {
        taken++;
        yield clips;
      }
    };
    const z = tensor(
      Float32Array.from({ length: 12 }, (_, i) => i / 9),
      { shape: [2, 6] },
    );
    const one = await (await trainTemporalDistance(world, counted(), few)).steps(z, z);
    expect(taken).toBe(3);
    expect(await (await trainTemporalDistance(world, staggering(9), few)).steps(z, z)).toEqual(one);
    const other = await trainTemporalDistance(world, staggering(9), { ...few, seed: 1 });
    expect(await other.steps(z, z)).not.toEqual(one);
    const still = { clips: 2, frames: 1, observations: new Float32Array(6), actions: new Float32Array(4) };
    await expect(trainTemporalDistance(world, [still], few)).rejects.toMatchObject({
      code: 'ERR_JEPA_DATASET',
      message:
        '[trainTemporalDistance] expected clips of two frames or more, got 2 frames of which none follows another',
    });
    await expect(trainTemporalDistance(world, [], { ...few, scale: 0 })).rejects.toThrow('scale to be above 0, got 0');
    await expect(trainTemporalDistance(world, [], { step: 2 } as never)).rejects.toThrow(/did you mean 'steps'/);
    const signal = AbortSignal.abort();
    await expect(trainTemporalDistance(world, staggering(1), { ...few, signal })).rejects.toMatchObject({
      code: 'ERR_JEPA_ABORTED',
    });
  });

  it('makes an objective that plans can be searched by', async () => {
    const world = await shaken(sensor);
    const distance = await trainTemporalDistance(world, staggering(2), { steps: 20, pairs: 16 });
    const planner = new Planner(world, { horizon: 1, numSamples: 16, iterations: 2, objective: distance.objective });
    const [frame, goal] = [0, 3].map((place) => tensor(Float32Array.from(look(place)), { shape: [3] }));
    const { actions, cost } = await planner.plan(frame, goal);
    const clip = tensor(Float32Array.of(...actions, 0, 0), { shape: [1, 2, 2] });
    const { embeddings } = await world.rollout(frame.reshape([1, 1, 3]), clip, { context: 1 });
    const wanted = (await world.encode(goal.reshape([1, 1, 3]))).reshape([1, sensor.embeddingSize]);
    const [steps] = await distance.steps(embeddings.reshape([1, sensor.embeddingSize]), wanted);
    expect(cost).toBeCloseTo(steps, 4);
    await expect(distance.steps(at(1), wanted)).rejects.toMatchObject({
      code: 'ERR_JEPA_SHAPE',
      message: '[TemporalDistance] expected embeddings [N, 6], got [1, 1]',
    });
  });
});

describe('WaypointGraph', () => {
  it('gives the farthest node within reach of the shortest way', async () => {
    const graph = await WaypointGraph.build(line, at(0, 1, 2, 3, 4, 5, 6, 7), { longestEdge: 1, reach: 2.5 });
    const goal = at(7.5);
    expect(await placeOf(await graph.next(at(0.5), goal))).toBe(3);
    expect(await placeOf(await graph.next(at(4), goal))).toBe(6);
    expect(await graph.next(at(5), goal)).toBe(goal);
  });

  it('takes a detour where there is no short edge', async () => {
    // A square whose left side is missing: from 0 to 3 by 1 and 2, though they lie beside each other.
    const beside: StepDistance = {
      async steps(from, to) {
        const [a, b] = [await from.data(), await to.data()] as [Float32Array, Float32Array];
        return Float32Array.from(
          [...a].flatMap((x) => [...b].map((y) => (Math.abs(x - y) === 3 ? 2.5 : Math.abs(x - y)))),
        );
      },
    };
    const graph = await WaypointGraph.build(beside, at(0, 1, 2, 3), { longestEdge: 1, reach: 1 });
    expect(await placeOf(await graph.next(at(0), at(3)))).toBe(1);
  });

  it('goes straight where no way is known: the way back is three times as long, or nothing is near', async () => {
    const graph = await WaypointGraph.build(line, at(0, 1, 2, 3, 4), { longestEdge: 1, reach: 2 });
    const behind = at(0);
    expect(await graph.next(at(4), behind)).toBe(behind);
    const goal = at(4);
    expect(await graph.next(at(-9), goal)).toBe(goal);
  });

  it('keeps some of what it is given, the same for the same seed', async () => {
    const all = tensor(
      Float32Array.from({ length: 40 }, (_, i) => i),
      { shape: [4, 10, 1] },
    );
    const nodes = async (seed: number) => [
      ...(await (await WaypointGraph.build(line, all, { count: 6, seed })).nodes.data()),
    ];
    expect(new Set(await nodes(1)).size).toBe(6);
    expect(await nodes(1)).toEqual(await nodes(1));
    expect(await nodes(2)).not.toEqual(await nodes(1));
  });

  it.each([
    [{ count: 0 }, 'count to be a positive integer, got 0'],
    [{ reach: 0 }, 'reach to be above 0, got 0'],
    [{ longestEdge: Number.NaN }, 'longestEdge to be above 0, got NaN'],
    [{ nodes: 3 }, "got 'nodes'"],
  ])('%j is refused', async (options, message) => {
    await expect(WaypointGraph.build(line, at(0, 1), options as WaypointGraphOptions)).rejects.toThrow(message);
    await expect(WaypointGraph.build(line, tensor([1]))).rejects.toMatchObject({ code: 'ERR_JEPA_SHAPE' });
  });

  it('is what a planner plans to', async () => {
    const world = await shaken(sensor);
    const options = { horizon: 2, numSamples: 16, iterations: 2, objective: distanceAtEnd, seed: 5 };
    const [frame, goal, between] = [0, 6, 2].map((place) => tensor(Float32Array.from(look(place)), { shape: [3] }));
    const waypoint = (await world.encode(between.reshape([1, 1, 3]))).reshape([1, sensor.embeddingSize]);
    const asked: Tensor[] = [];
    const waypoints = {
      next: async (_: Tensor, wanted: Tensor) => {
        asked.push(wanted);
        return waypoint;
      },
    };
    const planner = new Planner(world, { ...options, waypoints });
    const straight = new Planner(world, options);
    expect((await planner.plan(frame, goal)).actions).toEqual((await straight.plan(frame, between)).actions);
    await planner.plan(frame, goal);
    expect(asked[1]).toBe(asked[0]); // so that the way to a goal is searched once
  });
});

describe('Two-Room', () => {
  it('has waypoints from its training clips, as many as are kept', async () => {
    const model = twoRoomModel(1);
    const { distance, waypoints } = await trainTwoRoomWaypoints(model, { seed: 1, steps: 2 });
    expect(waypoints.nodes.shape).toEqual([300, model.config.embeddingSize]);
    distance.dispose();
  });
});
