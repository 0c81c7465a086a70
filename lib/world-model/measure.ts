import { type HostObservations, mapEach, valuesOf } from '../data/modalities.js';
import { type Tensor, tensor } from '../tensor/index.js';
import { type Clips, clipTensors } from './clips.js';
import { expectFinite } from './expect.js';
import { emptyStream, horizonsAt, type StreamProgram } from './stream.js';
import type { WorldModel } from './world-model.js';

/** What one frame of one clip showed. */
export interface Measured {
  readonly clip: number;
  /** From 0. */
  readonly frame: number;
  /** By horizon 1, 2, 4 …, those that there are. */
  readonly errors: Float32Array;
  readonly embedding: Float32Array;
}

/** Runs the clips of a batch side by side, frame after frame, and yields what every frame of every clip shows, clip by clip. */
export async function* measure(
  { config, network }: WorldModel,
  advance: StreamProgram,
  clips: Clips<HostObservations>,
  horizons: readonly number[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Measured> {
  const [observations, actions] = clipTensors(config, clips);
  for (const of of [...valuesOf<Tensor>(observations), actions]) expectFinite(of, await of.data());
  const width = config.embeddingSize;
  const lookAhead = horizons.at(-1) as number;
  let state = emptyStream(network, clips.clips, lookAhead, width);
  for (let frame = 0; frame < clips.frames; frame++) {
    const before = Math.max(frame - 1, 0); // its action led here; what comes of the first frame's is not used
    const [observation, action] = clipTensors(config, {
      clips: clips.clips,
      frames: 1,
      observations: mapEach(clips.observations, (values) => frameFrom(clips, values, frame)),
      actions: frameFrom(clips, clips.actions, before),
    });
    const taken = tensor(await action.data(), { shape: [clips.clips, config.action.size] });
    const next = await advance.call({ signal }, observation, taken, state);
    const judged = horizonsAt(horizons, frame, config.contextFrames);
    const errors = (await next.errors.data()) as Float32Array;
    const embeddings = (await next.state.embedding.data()) as Float32Array;
    state = frame === 0 ? { ...state, embedding: next.state.embedding } : next.state;
    for (let clip = 0; clip < clips.clips; clip++)
      yield {
        clip,
        frame,
        errors: Float32Array.from(judged, (horizon) => errors[clip * lookAhead + horizon - 1]),
        embedding: embeddings.slice(clip * width, (clip + 1) * width),
      };
  }
}

/** One frame of each clip, from [clips, frames, …]. */
function frameFrom<Data extends Uint8Array | Float32Array>(
  { clips, frames }: Clips<HostObservations>,
  data: Data,
  frame: number,
): Data {
  const size = data.length / (clips * frames);
  const picked = data.slice(0, clips * size) as Data;
  for (let clip = 0; clip < clips; clip++) {
    const start = (clip * frames + frame) * size;
    picked.set(data.subarray(start, start + size), clip * size);
  }
  return picked;
}
