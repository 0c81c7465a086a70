import { expect, it } from 'vitest';
import { compile, KeypointFeatures, mul, normal, softArgmax, type Tensor, tensor } from '#lib/index.js';
import { gelu } from '../nn/reference.js';

/** Pixels of a window of two by two, from its corner. */
const square = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];

/** A picture [size, size, 1] of one bright square of two pixels, its corner at (x, y). */
function spot(size: number, x: number, y: number): Uint8Array {
  const picture = new Uint8Array(size * size);
  for (const [dx, dy] of square) picture[(y + dy) * size + x + dx] = 255;
  return picture;
}

it('projects the places where the channels of the last convolution are large', async () => {
  const [size, channels, outputs] = [8, 3, 2];
  const features = new KeypointFeatures({
    height: size,
    width: size,
    channels: 1,
    layers: [
      { channels: 2, kernel: 2, stride: 2, padding: 0 },
      { channels, kernel: 1, stride: 1, padding: 0 },
    ],
    pixelScale: 1 / 64,
    pixelOffset: -1,
    embeddingSize: outputs,
    seed: 5,
  });
  const pictures = [spot(size, 0, 2), spot(size, 3, 4), spot(size, 6, 6)];
  const pixels = tensor(Uint8Array.from(pictures.flatMap((picture) => [...picture])), {
    shape: [pictures.length, size, size, 1],
  });
  const weights: Record<string, Float64Array> = {};
  for (const [name, parameter] of features.namedParameters()) weights[name] = Float64Array.from(await parameter.read());
  const seen = Array.from(await features.features(pixels).data());

  const cells = size / 2;
  const expected = pictures.flatMap((picture) => {
    const maps = Array.from({ length: cells * cells }, (_, cell) => {
      const [row, column] = [Math.floor(cell / cells), cell % cells];
      const hidden = [0, 1].map((channel) => {
        let sum = weights['convolutions.0.bias'][channel];
        for (const [i, j] of square)
          sum +=
            weights['convolutions.0.weight'][channel * 4 + 2 * i + j] *
            (picture[(2 * row + i) * size + 2 * column + j] / 64 - 1);
        return gelu(sum);
      });
      return Array.from(
        { length: channels },
        (_, channel) =>
          weights['convolutions.1.bias'][channel] +
          hidden.reduce((sum, h, i) => sum + h * weights['convolutions.1.weight'][2 * channel + i], 0),
      );
    });
    const places = Array.from({ length: channels }, (_, channel) => {
      const shares = maps.map((map) => Math.exp(3 * map[channel]));
      const all = shares.reduce((a, b) => a + b);
      const at = (coordinate: (cell: number) => number) =>
        shares.reduce((sum, share, cell) => sum + (share / all) * ((2 * coordinate(cell)) / (cells - 1) - 1), 0);
      return [at((cell) => cell % cells), at((cell) => Math.floor(cell / cells))];
    }).flat();
    return Array.from(weights['projection.bias'], (bias, output) =>
      places.reduce((sum, place, i) => sum + place * weights['projection.weight'][output * places.length + i], bias),
    );
  });
  for (const [i, value] of expected.entries()) expect(Math.abs(seen[i] - value)).toBeLessThan(1e-5);
});

it('places keep their digits where products are in bfloat16', async () => {
  const maps = mul(normal([2, 3, 5, 7], { seed: 4 }), 3);
  const exact = (await softArgmax(maps).data()) as Float32Array;
  const places = await compile((x: Tensor) => softArgmax(x), { precision: 'bfloat16' })(maps);
  const rounded = (await places.data()) as Float32Array;
  expect(Math.max(...exact.map((value, i) => Math.abs(value - rounded[i])))).toBeLessThan(1e-6);
});
