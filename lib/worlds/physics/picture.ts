import { type Canvas, type Colour, drawBox, drawDisc } from '../raster.js';
import { floorColour, otherColour, rampColour, rodColour, screenColour } from './colours.js';
import { frameBytes, imageSize, room } from './layout.js';
import type { Scene } from './scene.js';

const pixelsPerMetre = imageSize / room.size;
const rodHalfWidth = 0.02;

/** What moves in a picture. */
export interface Appearance {
  readonly x: number;
  readonly y: number;
  readonly otherX: number;
  readonly otherY: number;
  readonly radius: number;
  readonly colour: Colour;
  /** Disc A is not drawn. */
  readonly hidden: boolean;
}

/** Draws frames of one scene: a copy of its background, then what moves, then what stands before it. */
export class Picture {
  readonly #scene: Scene;
  readonly #background: Uint8Array;

  constructor(scene: Scene) {
    this.#scene = scene;
    const standing = [
      ...(scene.ramp ? [scene.ramp] : []),
      ...(scene.boxes ?? []).map((box) => ({ ...box, cos: 1, sin: 0 })),
    ];
    this.#background = standing.length > 0 ? emptyRoom.slice() : emptyRoom;
    const canvas: Canvas = { data: this.#background, offset: 0, size: imageSize };
    for (const { x, y, halfWidth, halfHeight, cos, sin } of standing)
      drawMetres(canvas, x, y, halfWidth, halfHeight, cos, sin, rampColour);
  }

  /** Writes [64, 64, 3] bytes at `offset`. */
  draw(data: Uint8Array, offset: number, { x, y, otherX, otherY, radius, colour, hidden }: Appearance): void {
    const { pivot, other, screen } = this.#scene;
    const canvas: Canvas = { data, offset, size: imageSize };
    data.set(this.#background, offset);
    if (pivot) {
      const dx = x - pivot.x;
      const dy = y - pivot.y;
      const length = Math.sqrt(dx * dx + dy * dy);
      drawMetres(
        canvas,
        pivot.x + dx / 2,
        pivot.y + dy / 2,
        length / 2,
        rodHalfWidth,
        dx / length,
        dy / length,
        rodColour,
      );
    }
    if (!hidden)
      drawDisc(canvas, x * pixelsPerMetre, (room.size - y) * pixelsPerMetre, radius * pixelsPerMetre, colour);
    if (other)
      drawDisc(
        canvas,
        otherX * pixelsPerMetre,
        (room.size - otherY) * pixelsPerMetre,
        other.radius * pixelsPerMetre,
        otherColour,
      );
    if (screen) drawMetres(canvas, screen.x, screen.y, screen.halfWidth, screen.halfHeight, 1, 0, screenColour);
  }
}

function drawMetres(
  canvas: Canvas,
  x: number,
  y: number,
  halfWidth: number,
  halfHeight: number,
  cos: number,
  sin: number,
  colour: Colour,
): void {
  const scaled = {
    x: x * pixelsPerMetre,
    y: (room.size - y) * pixelsPerMetre,
    halfWidth: halfWidth * pixelsPerMetre,
    halfHeight: halfHeight * pixelsPerMetre,
  };
  drawBox(canvas, { ...scaled, axisX: cos, axisY: -sin }, colour);
}

/** A vertical gradient and the floor: the background of most scenes. */
const emptyRoom = (() => {
  const data = new Uint8Array(frameBytes);
  for (let row = 0; row < imageSize; row++) {
    const grey = Math.trunc(235 - row * 0.6);
    for (let column = 0; column < imageSize; column++) data.set([grey, grey, grey + 8], (row * imageSize + column) * 3);
  }
  drawMetres({ data, offset: 0, size: imageSize }, room.size / 2, 0, room.size / 2, room.floor, 1, 0, floorColour);
  return data;
})();
