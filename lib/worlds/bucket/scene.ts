import { room } from '../physics/layout.js';
import type { Scene } from '../physics/scene.js';

/** m; the bucket has no bottom but the floor. */
export const ballRadius = 0.15;
const bucket = { halfWidth: 0.4, height: 0.5, wall: 0.04 } as const;

/** Where ball and bucket stand at first: their middles, m. */
export const ballRange = [0.4, 1] as const;
export const bucketRange = [1.8, 3.4] as const;

export const restingHeight = room.floor + ballRadius;

/** The room of the physics suite with a ball at rest on the floor and an open bucket of two walls. */
export function bucketScene(ballX: number, bucketX: number): Scene {
  const wall = (x: number) => ({
    x,
    y: room.floor + bucket.height / 2,
    halfWidth: bucket.wall,
    halfHeight: bucket.height / 2,
  });
  return {
    kind: 'projectile',
    disc: { x: ballX, y: restingHeight, velocityX: 0, velocityY: 0, radius: ballRadius },
    boxes: [wall(bucketX - bucket.halfWidth), wall(bucketX + bucket.halfWidth)],
  };
}

/** Whether a ball's middle is between the walls and below their upper edge. */
export const inBucket = (x: number, y: number, bucketX: number): boolean =>
  Math.abs(x - bucketX) < bucket.halfWidth && y < room.floor + bucket.height;
