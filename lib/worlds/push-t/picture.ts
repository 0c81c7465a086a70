import { sinCos } from '../arithmetic.js';
import { type Canvas, type Colour, drawBox, drawDisc } from '../raster.js';
import { agentRadius, blockParts, tableSize, wallLow, wallRadius } from './table.js';

const tableColour: Colour = [245, 245, 245];
const wallColour: Colour = [90, 90, 90];
const blockColour: Colour = [90, 110, 140];
const goalColour: Colour = [170, 215, 170];
const agentColour: Colour = [65, 105, 225];

/**
 * Draws the table from above into [size, size, 3] bytes at `offset`: a view for small models, not the original's picture.
 * @param state the seven numbers of `stateNames` from `at`   @param goal where the block should lie, drawn below it
 */
export function drawTable(
  data: Uint8Array,
  offset: number,
  size: number,
  state: ArrayLike<number>,
  at = 0,
  goal?: ArrayLike<number>,
): void {
  const canvas: Canvas = { data, offset, size };
  const scale = size / tableSize;
  const middle = size / 2;
  const edge = (wallLow + wallRadius) * scale;
  box(canvas, middle, middle, middle, middle, wallColour);
  box(canvas, middle, middle, middle - edge, middle - edge, tableColour);
  if (goal) drawBlock(canvas, scale, goal, 0, goalColour);
  drawBlock(canvas, scale, state, at, blockColour);
  drawDisc(canvas, state[at] * scale, state[at + 1] * scale, agentRadius * scale, agentColour);
}

function box(canvas: Canvas, x: number, y: number, halfWidth: number, halfHeight: number, colour: Colour): void {
  drawBox(canvas, { x, y, halfWidth, halfHeight, axisX: 1, axisY: 0 }, colour);
}

function drawBlock(canvas: Canvas, scale: number, state: ArrayLike<number>, at: number, colour: Colour): void {
  const { sin, cos } = sinCos(state[at + 4]);
  for (const { left, right, top, bottom } of blockParts) {
    const x = (left + right) / 2;
    const y = (top + bottom) / 2;
    drawBox(
      canvas,
      {
        x: (state[at + 2] + x * cos - y * sin) * scale,
        y: (state[at + 3] + x * sin + y * cos) * scale,
        halfWidth: ((right - left) / 2) * scale,
        halfHeight: ((bottom - top) / 2) * scale,
        axisX: cos,
        axisY: sin,
      },
      colour,
    );
  }
}
