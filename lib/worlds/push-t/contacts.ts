import { agentRadius, blockParts, centreOfMass, wallHigh, wallLow, wallRadius } from './table.js';

/** Where the block is: its centre of mass, and the unit vector of its own x axis. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly cos: number;
  readonly sin: number;
}

/** A point where something touches the block. */
export interface Touch {
  /** Which two shapes touch, and at which of their corners: the same touch has the same names in the next step. */
  readonly pair: string;
  readonly corners: string;
  readonly byAgent: boolean;
  /** Unit vector into the block. */
  readonly normalX: number;
  readonly normalY: number;
  /** The touched point of the block, from its centre of mass. */
  readonly leverX: number;
  readonly leverY: number;
  /** px between the surfaces along the normal, negative where they overlap. */
  readonly gap: number;
}

type Point = readonly [x: number, y: number];

const dot = ([ax, ay]: Point, [bx, by]: Point): number => ax * bx + ay * by;
const rotated = ([x, y]: Point, { cos, sin }: Pose): Point => [x * cos - y * sin, x * sin + y * cos];
const minus = ([ax, ay]: Point, [bx, by]: Point): Point => [ax - bx, ay - by];
const times = ([x, y]: Point, factor: number): Point => [x * factor, y * factor];
const between = ([ax, ay]: Point, [bx, by]: Point, t: number): Point => [ax + (bx - ax) * t, ay + (by - ay) * t];
const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/** Outward normals of a part's edges in its own coordinates: top, right, bottom, left; edge i leads from corner i to corner i + 1. */
const edgeNormals: readonly Point[] = [
  [0, -1],
  [1, 0],
  [0, 1],
  [-1, 0],
];

/** Corners of each part from the centre of mass, in the order of the edges. */
const corners: readonly (readonly Point[])[] = blockParts.map(({ left, right, top, bottom }) => [
  [left, top - centreOfMass],
  [right, top - centreOfMass],
  [right, bottom - centreOfMass],
  [left, bottom - centreOfMass],
]);

/** No point of the block is farther from its centre of mass than this, px. */
const blockReach = Math.max(...corners.flat().map((corner) => Math.sqrt(dot(corner, corner))));
/** Nor does it touch a wall whose middle is farther from it. */
const besideWall = blockReach + wallRadius;

/**
 * All places where the agent or a wall touches the block, in the order in which their impulses are sought: ten rounds do not settle a block
 * wedged between walls, so the order shows there. Chipmunk takes it from a tree of bounding boxes that changes as they move; here the
 * stem comes first, and for each part the agent before the walls.
 */
export function touches(pose: Pose, agentX: number, agentY: number): Touch[] {
  const all: Touch[] = [];
  const agentNear = Math.max(Math.abs(agentX - pose.x), Math.abs(agentY - pose.y)) <= blockReach + agentRadius;
  const wallsNear =
    Math.min(pose.x, pose.y) - wallLow <= besideWall || wallHigh - Math.max(pose.x, pose.y) <= besideWall;
  if (!agentNear && !wallsNear) return all;
  for (let part = blockParts.length - 1; part >= 0; part--) {
    const touch = agentNear && agentTouch(part, pose, agentX, agentY);
    if (touch) all.push(touch);
    if (!wallsNear) continue;
    for (let wall = 0; wall < walls.length; wall++) all.push(...wallTouches(part, wall, pose));
  }
  return all;
}

/** A disc and a box: the nearest point of the box to the disc's centre, or of its outline where the centre is inside. */
function agentTouch(part: number, pose: Pose, x: number, y: number): Touch | undefined {
  const [topLeft, , bottomRight] = corners[part];
  const [dx, dy] = [x - pose.x, y - pose.y];
  const centre: Point = [dx * pose.cos + dy * pose.sin, dy * pose.cos - dx * pose.sin];
  let nearest: Point = [clamp(centre[0], topLeft[0], bottomRight[0]), clamp(centre[1], topLeft[1], bottomRight[1])];
  const inward = minus(nearest, centre);
  let distance = Math.sqrt(dot(inward, inward));
  if (distance > agentRadius) return undefined;
  let normal = times(inward, 1 / distance);
  if (distance === 0) {
    const depths = edgeNormals.map((outward, edge) => dot(outward, minus(corners[part][edge], centre)));
    const depth = Math.min(...depths);
    const outward = edgeNormals[depths.indexOf(depth)];
    nearest = [centre[0] + outward[0] * depth, centre[1] + outward[1] * depth];
    normal = times(outward, -1);
    distance = -depth;
  }
  const [normalX, normalY] = rotated(normal, pose);
  const [leverX, leverY] = rotated(nearest, pose);
  return {
    pair: `agent ${part}`,
    corners: '',
    byAgent: true,
    normalX,
    normalY,
    leverX,
    leverY,
    gap: distance - agentRadius,
  };
}

/** Each from its first to its second end. */
const walls: readonly (readonly [Point, Point])[] = [
  [
    [wallLow, wallHigh],
    [wallLow, wallLow],
  ],
  [
    [wallLow, wallLow],
    [wallHigh, wallLow],
  ],
  [
    [wallHigh, wallLow],
    [wallHigh, wallHigh],
  ],
  [
    [wallLow, wallHigh],
    [wallHigh, wallHigh],
  ],
];

/**
 * A thick line and a box: along the axis that separates them most (or along which they overlap least), the ends of the line and of the
 * box's nearest edge, each projected onto the other. Corners beyond the end of a line count as beside it.
 */
function wallTouches(part: number, wall: number, pose: Pose): Touch[] {
  const [from, to] = walls[wall];
  const along = times(minus(to, from), 1 / (wallHigh - wallLow));
  const across: Point = [along[1], -along[0]];
  if (Math.abs(dot(across, minus([pose.x, pose.y], from))) > besideWall) return [];
  const box = corners[part].map((corner): Point => {
    const [x, y] = rotated(corner, pose);
    return [x + pose.x, y + pose.y];
  });
  let [separation, normal]: [number, Point] = [Number.NEGATIVE_INFINITY, across];
  const consider = (axis: Point): void => {
    const nearestOfBox = Math.min(...box.map((corner) => dot(axis, corner)));
    const apart = nearestOfBox - Math.max(dot(axis, from), dot(axis, to));
    if (apart > separation) [separation, normal] = [apart, axis];
  };
  consider(across);
  consider(times(across, -1));
  for (const outward of edgeNormals) consider(times(rotated(outward, pose), -1));
  if (separation > wallRadius) return [];

  const facing = edgeNormals.map((outward) => -dot(rotated(outward, pose), normal));
  const edge = facing.indexOf(Math.max(...facing));
  const forward = dot(across, normal) > 0;
  const [wallFrom, wallTo] = forward ? [from, to] : [to, from];
  const [boxFrom, boxTo] = [box[edge], box[(edge + 1) % box.length]];
  const place = (point: Point): number => point[0] * normal[1] - point[1] * normal[0];
  const ontoWall = (point: Point): Point =>
    between(wallFrom, wallTo, clamp((place(point) - place(wallFrom)) / (place(wallTo) - place(wallFrom)), 0, 1));
  const ontoBox = (point: Point): Point =>
    between(boxFrom, boxTo, clamp((place(point) - place(boxFrom)) / (place(boxTo) - place(boxFrom)), 0, 1));
  const ends: readonly [Point, Point, string][] = [
    [ontoWall(boxTo), ontoBox(wallFrom), `${forward} ${(edge + 1) % box.length}`],
    [ontoWall(boxFrom), ontoBox(wallTo), `${!forward} ${edge}`],
  ];
  return ends.flatMap(([onWall, onBox, names]) => {
    const gap = dot(minus(onBox, onWall), normal) - wallRadius;
    if (gap > 0) return [];
    return {
      pair: `wall ${wall} ${part}`,
      corners: names,
      byAgent: false,
      normalX: normal[0],
      normalY: normal[1],
      leverX: onBox[0] - pose.x,
      leverY: onBox[1] - pose.y,
      gap,
    };
  });
}
