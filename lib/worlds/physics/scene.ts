import { pi, sinCos } from '../arithmetic.js';
import { Random } from '../random.js';
import { density, room, type SceneKind, sceneKinds } from './layout.js';

export interface Disc {
  readonly x: number;
  readonly y: number;
  readonly velocityX: number;
  readonly velocityY: number;
  readonly radius: number;
}

export interface SceneBox {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
}

/** What stands where when a clip begins. Lengths in m, y up. */
export interface Scene {
  readonly kind: SceneKind;
  /** Disc A, the one that forces act on and that events happen to. */
  readonly disc: Disc;
  /** Disc B. */
  readonly other?: Disc;
  readonly ramp?: {
    readonly x: number;
    readonly y: number;
    readonly halfWidth: number;
    readonly halfHeight: number;
    readonly angle: number;
    readonly cos: number;
    readonly sin: number;
  };
  /** A rigid rod from this point to disc A. */
  readonly pivot?: { readonly x: number; readonly y: number };
  /** What else stands in the room: upright boxes. */
  readonly boxes?: readonly SceneBox[];
  /** A screen before the scene. */
  readonly screen?: { readonly x: number; readonly y: number; readonly halfWidth: number; readonly halfHeight: number };
}

/** Inclusive ranges; those outside of the training ranges are for tests of generalisation. */
export interface SceneRanges {
  /** Speed, m/s (default 0.5 … 2.5). */
  readonly speed?: readonly [number, number];
  /** Radius, m (default 0.15 … 0.3). */
  readonly radius?: readonly [number, number];
}

/** Reaches below the floor's edge: a screen that ended above it would leave a row of half-covered pixels that betray what is behind. */
export const screen = { x: 2, y: 0.75, halfWidth: 0.45, halfHeight: 0.8 } as const;

/** Mass of a disc, kg. */
export const massOf = (radius: number): number => density * pi * radius * radius;

/** Draws a scene; a function of its arguments alone. */
export function drawScene(
  seed: number,
  kind: SceneKind | undefined,
  { speed = [0.5, 2.5], radius = [0.15, 0.3] }: SceneRanges = {},
): Scene {
  const random = new Random(seed, 'scene');
  const chosen = sceneKinds[random.below(sceneKinds.length)];
  const scene = kind ?? chosen;
  const radiusA = random.uniform(...radius);
  const radiusB = random.uniform(...radius);
  const standing = { x: random.uniform(0.6, 3.4), y: random.uniform(1.6, 3.5), velocityX: 0, velocityY: 0 };
  const velocity = random.uniform(...speed) * random.sign();
  const floorA = room.floor + radiusA;
  const floorB = room.floor + radiusB;
  const disc = (parts: Partial<Disc>): Disc => inRoom({ ...standing, ...parts, radius: radiusA });
  const other = (x: number): Disc => inRoom({ x, y: floorB, velocityX: 0, velocityY: 0, radius: radiusB });

  switch (scene) {
    case 'fall':
      return { kind: scene, disc: disc({}) };
    case 'projectile':
      return {
        kind: scene,
        disc: disc({ y: random.uniform(0.8, 2.2), velocityX: velocity, velocityY: random.uniform(0, 2.5) }),
      };
    case 'bounce':
      return { kind: scene, disc: disc({ velocityX: velocity / 2, velocityY: -random.uniform(0, 2) }) };
    case 'ramp': {
      const angle = random.uniform(0.25, 0.6) * random.sign();
      const ramp = { x: 2, y: 0.8, halfWidth: 1.4, halfHeight: 0.06, angle, ...sinCos(angle) };
      const uphill = angle > 0 ? 1 : -1;
      return { kind: scene, ramp, disc: disc({ x: 2 + uphill * random.uniform(0.3, 1), y: random.uniform(2.2, 3.2) }) };
    }
    case 'collide':
      return {
        kind: scene,
        disc: disc({ x: random.uniform(0.5, 1.2), y: floorA, velocityX: Math.abs(velocity) + 0.5 }),
        other: other(random.uniform(2.2, 3.4)),
      };
    case 'push': {
      const pushed = disc({ x: random.uniform(0.8, 3.2), y: floorA });
      const gap = Math.max(random.uniform(0.7, 1.1), radiusA + radiusB + 0.05);
      const paired = random.chance(0.5);
      return { kind: scene, disc: pushed, ...(paired ? { other: other(pushed.x + (pushed.x < 2 ? gap : -gap)) } : {}) };
    }
    case 'pendulum': {
      const pivot = { x: 2, y: 3.2 };
      const length = random.uniform(0.8, 1.6);
      const { sin, cos } = sinCos(random.uniform(0.4, 1.3) * random.sign());
      return { kind: scene, pivot, disc: disc({ x: pivot.x + length * sin, y: pivot.y - length * cos }) };
    }
    case 'occlude': {
      const x = random.uniform(0.4, 0.9);
      const velocityX = random.uniform(1.6, 3);
      const fromRight = random.chance(0.5);
      return {
        kind: scene,
        screen,
        disc: disc({ x: fromRight ? room.size - x : x, y: floorA, velocityX: fromRight ? -velocityX : velocityX }),
      };
    }
  }
}

/** Large discs of the generalisation tests are moved out of walls; the training ranges never need it. */
function inRoom(disc: Disc): Disc {
  const nearest = room.wall + disc.radius + 0.01;
  const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
  return {
    ...disc,
    x: clamp(disc.x, nearest, room.size - nearest),
    y: clamp(disc.y, room.floor + disc.radius, room.size - room.ceiling - disc.radius - 0.01),
  };
}
