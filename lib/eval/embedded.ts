import { type Tensor, tensor } from '../tensor/index.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { ClipSet } from '../worlds/physics/clip.js';
import { physicsClips } from '../worlds/physics/evaluation.js';
import { actionSize, stateSize } from '../worlds/physics/layout.js';

/** Clips as a model has seen them: embeddings and actions; states only for scoring. */
export interface EmbeddedClips {
  readonly clips: number;
  readonly frames: number;
  /** [clips, frames, D] */
  readonly embeddings: Tensor;
  /** [clips, frames, A] */
  readonly actions: Tensor;
  /** [clips, frames, 12] */
  readonly states: Float32Array;
}

export async function embed(model: WorldModel, set: ClipSet, signal?: AbortSignal): Promise<EmbeddedClips> {
  const { clips, frames, states } = set;
  const [observations, actions] = model.tensors(set);
  return { clips, frames, embeddings: await model.encode(observations, { signal }), actions, states };
}

/** Some sets as one. */
async function joinEmbedded(sets: readonly EmbeddedClips[]): Promise<EmbeddedClips> {
  const [{ frames }] = sets;
  const clips = sets.reduce((total, set) => total + set.clips, 0);
  const width = sets[0].embeddings.shape[2];
  const embeddings = new Float32Array(clips * frames * width);
  const actions = new Float32Array(clips * frames * actionSize);
  const states = new Float32Array(clips * frames * stateSize);
  let at = 0;
  for (const set of sets) {
    embeddings.set((await set.embeddings.data()) as Float32Array, at * frames * width);
    actions.set((await set.actions.data()) as Float32Array, at * frames * actionSize);
    states.set(set.states, at * frames * stateSize);
    at += set.clips;
  }
  return {
    clips,
    frames,
    embeddings: tensor(embeddings, { shape: [clips, frames, width] }),
    actions: tensor(actions, { shape: [clips, frames, actionSize] }),
    states,
  };
}

const trainingChunks = 5;

/** Training clips, which read-outs and rivals are fitted to, embedded in parts so that pixels need not all be held. */
export async function embedTrainingClips(
  model: WorldModel,
  seed: number,
  count: number,
  signal?: AbortSignal,
): Promise<EmbeddedClips> {
  const parts: EmbeddedClips[] = [];
  for (let chunk = 0; chunk < trainingChunks; chunk++) {
    const clips = await physicsClips({
      split: 'train',
      seed: seed * trainingChunks + chunk,
      count: Math.ceil(count / trainingChunks),
      signal,
    });
    parts.push(await embed(model, clips, signal));
  }
  return joinEmbedded(parts);
}
