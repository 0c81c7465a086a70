import type { Episodes } from '../data/episodes.js';

export interface DrawnEpisodesOptions {
  /** px of a picture's side */
  readonly imageSize: number;
  readonly frameRate: number;
  readonly actionSize: number;
  /** [frames, actionSize] of each episode */
  readonly actions: readonly Float32Array[];
  /** Writes the picture [imageSize, imageSize, 3] of an episode's frame at `offset`. */
  readonly draw: (data: Uint8Array, offset: number, episode: number, frame: number) => void;
}

/** Recordings of a simulated world whose pictures are drawn when they are asked for: states take little memory, pictures much. */
export function drawnEpisodes({ imageSize, frameRate, actionSize, actions, draw }: DrawnEpisodesOptions): Episodes {
  const frameBytes = imageSize * imageSize * 3;
  return {
    observation: { kind: 'image', height: imageSize, width: imageSize, channels: 3 },
    frameRate,
    actionSize,
    actions,
    lengths: actions.map(({ length }) => length / actionSize),
    async observe(episode, start, count, stride) {
      const data = new Uint8Array(count * frameBytes);
      for (let index = 0; index < count; index++) draw(data, index * frameBytes, episode, start + index * stride);
      return data;
    },
  };
}
