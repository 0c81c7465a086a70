import type { Episodes } from '../../data/episodes.js';
import { JepaError } from '../../errors.js';
import { drawnEpisodes } from '../drawn-episodes.js';
import type { GoalEpisode, GoalEpisodesOptions } from '../goal-environment.js';
import { palette } from '../physics/colours.js';
import { imageSize } from '../physics/layout.js';
import { Picture } from '../physics/picture.js';
import { Random } from '../random.js';
import { sample } from '../space.js';
import { Bucket, throwSteps } from './environment.js';
import { ballRadius, bucketScene } from './scene.js';

/**
 * Random throws to learn from: what was seen in each frame, and the throw at the first. Most miss.
 * @throws JepaError ERR_JEPA_MISSING_PEER if the physics engine is not installed
 * @example const world = await WorldModel.fit(await bucket.recordThrows({ seed: 1, count: 4000 }), { clipFrames: 13, contextFrames: 1 });
 */
export async function recordThrows({
  seed,
  count,
  frames = throwSteps + 1,
}: {
  readonly seed: number;
  readonly count: number;
  /** Frames of an episode (default 13, until a throw has come to its end). */
  readonly frames?: number;
}): Promise<Episodes> {
  for (const [name, value, least] of [
    ['count', count, 1],
    ['frames', frames, 2],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[recordThrows] expected ${name} to be a whole number from ${least}, got ${value}`,
      );
  const world = await Bucket.create();
  const [pictures, places, actions]: [Picture[], Float32Array[], Float32Array[]] = [[], [], []];
  for (let index = 0; index < count; index++) {
    const random = new Random(seed, `bucket throw ${index}`);
    const done = new Float32Array(frames * 2);
    done.set(sample(world.actionSpace, random) as Float32Array);
    const seen = new Float32Array(frames * 2);
    let { info } = world.reset({ seed: random.bits() });
    const [[ballX], bucketX] = [info?.ball as number[], info?.bucket as number];
    for (let frame = 0; frame < frames; frame++) {
      seen.set(info?.ball as number[], 2 * frame);
      if (frame < frames - 1) ({ info } = world.step(done.subarray(2 * frame, 2 * frame + 2)));
    }
    pictures.push(new Picture(bucketScene(ballX, bucketX)));
    places.push(seen);
    actions.push(done);
  }
  world.close();
  const still = { otherX: 0, otherY: 0, radius: ballRadius, colour: palette[0], hidden: false };
  return drawnEpisodes({
    imageSize,
    frameRate: world.frameRate,
    actionSize: 2,
    actions,
    draw: (data, offset, episode, frame) =>
      pictures[episode].draw(data, offset, {
        ...still,
        x: places[episode][2 * frame],
        y: places[episode][2 * frame + 1],
      }),
  });
}

/** Episodes of an evaluation: ball and bucket anywhere in their ranges, one throw each. */
export function bucketEpisodes({ split, seed, count }: GoalEpisodesOptions): GoalEpisode[] {
  return Array.from({ length: count }, (_, index) => ({
    reset: { seed: new Random(seed, `bucket ${split} ${index}`).bits() },
    before: new Float32Array(0),
    budget: throwSteps,
  }));
}
