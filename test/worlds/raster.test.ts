import { describe, expect, it } from 'vitest';
import { Random } from '#lib/worlds/random.js';
import { drawBox, drawDisc } from '#lib/worlds/raster.js';

const size = 32;
const background = 200;
const fresh = () => ({ data: new Uint8Array(3 * size * size).fill(background), offset: 0, size });

/** Share of each pixel that lies inside, from 32 × 32 samples. */
function coverage(inside: (x: number, y: number) => boolean): Float64Array {
  const samples = 32;
  return Float64Array.from({ length: size * size }, (_, i) => {
    let hits = 0;
    for (let a = 0; a < samples; a++)
      for (let b = 0; b < samples; b++)
        if (inside((i % size) + (a + 0.5) / samples, Math.floor(i / size) + (b + 0.5) / samples)) hits++;
    return hits / samples ** 2;
  });
}

function compare(data: Uint8Array, cover: Float64Array, colour: readonly number[], slack: number): void {
  let total = 0;
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) {
      const wanted = background + (colour[c] - background) * cover[i];
      const error = Math.abs(data[i * 3 + c] - wanted) / Math.abs(colour[c] - background);
      expect(error, `pixel ${i % size}, ${Math.floor(i / size)}`).toBeLessThan(slack);
      total += data[i * 3 + c] - wanted;
    }
  }
  expect(Math.abs(total / (size * size * 3))).toBeLessThan(1.5);
}

describe('rasteriser against supersampling in float64', () => {
  // The distance rule equals the covered area where the edge runs along the axes; a slanted edge or a corner differs by under a fifth of a pixel.
  it('draws discs', () => {
    const random = new Random(3);
    for (let i = 0; i < 20; i++) {
      const [x, y, radius] = [random.uniform(-2, 34), random.uniform(-2, 34), random.uniform(1.5, 9)];
      const canvas = fresh();
      drawDisc(canvas, x, y, radius, [20, 90, 10]);
      compare(
        canvas.data,
        coverage((px, py) => (px - x) ** 2 + (py - y) ** 2 <= radius ** 2),
        [20, 90, 10],
        0.2,
      );
    }
  });

  it('draws boxes at any angle', () => {
    const random = new Random(4);
    for (let i = 0; i < 20; i++) {
      const [x, y, angle] = [random.uniform(0, 32), random.uniform(0, 32), random.uniform(-4, 4)];
      const shape = {
        x,
        y,
        halfWidth: random.uniform(2, 20),
        halfHeight: random.uniform(2, 6),
        axisX: Math.cos(angle),
        axisY: Math.sin(angle),
      };
      const canvas = fresh();
      drawBox(canvas, shape, [20, 90, 10]);
      const inside = (px: number, py: number) =>
        Math.abs((px - x) * shape.axisX + (py - y) * shape.axisY) <= shape.halfWidth &&
        Math.abs((py - y) * shape.axisX - (px - x) * shape.axisY) <= shape.halfHeight;
      compare(canvas.data, coverage(inside), [20, 90, 10], 0.3);
    }
  });

  it('is exact on whole pixels and writes nowhere else', () => {
    const data = new Uint8Array(size * size * 3 + 20).fill(7);
    drawBox({ data, offset: 10, size }, { x: 8, y: 4, halfWidth: 2, halfHeight: 1, axisX: 1, axisY: 0 }, [255, 0, 100]);
    for (let i = 0; i < size * size; i++) {
      const covered = i % size >= 6 && i % size < 10 && Math.floor(i / size) >= 3 && Math.floor(i / size) < 5;
      expect(Array.from(data.subarray(10 + i * 3, 13 + i * 3))).toEqual(covered ? [255, 0, 100] : [7, 7, 7]);
    }
    drawDisc({ data, offset: 10, size }, -5, 40, 3, [0, 0, 0]);
    drawDisc({ data, offset: 10, size }, 40, -40, 12, [0, 0, 0]);
    expect(data.subarray(0, 10).every((v) => v === 7) && data.subarray(data.length - 10).every((v) => v === 7)).toBe(
      true,
    );
  });
});
