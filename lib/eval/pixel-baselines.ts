import type { ClipSet } from '../worlds/physics/clip.js';

const firstFrame = 3;

/**
 * Surprise that knows nothing but motion: mean squared difference between frames ('first'), or between a frame and the
 * straight continuation of the two before it ('second'). @returns [clips]
 */
export function pixelSurprise({ clips, frames, observations }: ClipSet, order: 'first' | 'second'): Float32Array {
  const size = observations.length / (clips * frames);
  return Float32Array.from({ length: clips }, (_, clip) => {
    let total = 0;
    for (let t = firstFrame; t < frames; t++) {
      const at = (clip * frames + t) * size;
      for (let i = at; i < at + size; i++) {
        const difference =
          order === 'first'
            ? observations[i] - observations[i - size]
            : observations[i] - 2 * observations[i - size] + observations[i - 2 * size];
        total += difference * difference;
      }
    }
    return total / (size * (frames - firstFrame));
  });
}
