import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { png } from './png.js';

/** Deterministic bytes that differ everywhere. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length }, () => {
    state = (state * 48271) % 2147483647;
    return state & 255;
  });
}

/** A .npy file of float32 [rows, columns], after NumPy's description of the format (version 1.0). */
export function npy(values: readonly number[], rows: number, columns: number): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const header = Buffer.from(`${text.padEnd(117)}\n`, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  const data = Buffer.from(Float32Array.from(values).buffer);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, header, data]);
}

/** Writes episodes as folders of PNG files and actions.npy: a spot that moves as it is pushed. Returns what is in them. */
export function writeRecording(
  folder: string,
  lengths: readonly number[],
  { height = 8, width = 8 } = {},
): { frames: Uint8Array[]; actions: number[][] } {
  const frames: Uint8Array[] = [];
  const actions: number[][] = [];
  for (const [episode, length] of lengths.entries()) {
    const path = join(folder, `episode-${episode}`);
    mkdirSync(path, { recursive: true });
    const random = noise(2 * length, episode);
    const pushes = Array.from({ length: 2 * length }, (_, index) => random[index] / 128 - 1);
    const seen = new Uint8Array(length * height * width * 3).fill(20);
    let [x, y] = [width / 2, height / 2];
    for (let frame = 0; frame < length; frame++) {
      const at = ((frame * height + Math.floor(y)) * width + Math.floor(x)) * 3;
      seen.set([250, frame, 40 * episode], at);
      const pixels = seen.subarray(frame * height * width * 3, (frame + 1) * height * width * 3);
      writeFileSync(join(path, `frame-${frame}.png`), png(pixels, height, width, 3));
      x = Math.min(width - 1, Math.max(0, x + pushes[2 * frame]));
      y = Math.min(height - 1, Math.max(0, y + pushes[2 * frame + 1]));
    }
    writeFileSync(join(path, 'actions.npy'), npy(pushes, length, 2));
    frames.push(seen);
    actions.push([...Float32Array.from(pushes)]);
  }
  return { frames, actions };
}
