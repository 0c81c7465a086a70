import { encodePng } from '../../io/png-writer.js';

/** A picture [height, width, 3]. */
export interface Picture {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Frames [count, height, width, 3] side by side in one picture. */
export function filmStrip(frames: Uint8Array, count: number, height: number, width: number): Picture {
  const pixels = new Uint8Array(count * width * height * 3);
  const row = width * 3;
  for (let t = 0; t < count; t++)
    for (let y = 0; y < height; y++) {
      const from = (t * height + y) * row;
      pixels.set(frames.subarray(from, from + row), (y * count + t) * row);
    }
  return { pixels, height, width: count * width };
}

/** Pixels [n, channels] as [n, 3]: grey of one or two channels, the first three of more. */
export function inColour(pixels: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return pixels;
  const count = pixels.length / channels;
  return Uint8Array.from({ length: 3 * count }, (_, i) => {
    const colour = channels < 3 ? 0 : i % 3;
    return pixels[Math.floor(i / 3) * channels + colour];
  });
}

/** As a page shows it without a request. */
export function dataUri({ pixels, height, width }: Picture): string {
  return `data:image/png;base64,${encodePng(pixels, width, height).toString('base64')}`;
}
