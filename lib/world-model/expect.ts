import { mapModalities } from '../data/modalities.js';
import { JepaError } from '../errors.js';
import type { Tensor, TypedArray } from '../tensor/index.js';
import type { WorldModelConfig } from './config.js';
import { frameOf, type Observations } from './observations.js';

/** What a model's methods take; each of these throws ERR_JEPA_SHAPE or ERR_JEPA_INVALID_ARGUMENT, saying what was expected and found. */

/** @returns the observations, in the order of the configuration where there are several */
export function expectObservations({ observation }: WorldModelConfig, observations: Observations): Observations {
  let extents: readonly number[] | undefined;
  return mapModalities('worldModel', observation, observations, (given, modality, name) => {
    const { shape, dtype } = given;
    const frame = frameOf(modality);
    const wanted = [...(extents ?? ['clips', 'frames']), ...frame.shape];
    extents ??= shape.slice(0, 2);
    if (shape.length !== wanted.length || dtype !== frame.dtype || wanted.some(differs(shape)))
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[worldModel] expected observations ${name}${frame.dtype} [${wanted.join(', ')}], got ${dtype} [${shape.join(', ')}]`,
      );
    return given;
  });
}

/** Whether an extent of the wanted shape is another one; words stand for any. */
const differs =
  (shape: readonly number[]) =>
  (extent: number | string, axis: number): boolean =>
    typeof extent === 'number' && shape[axis] !== extent;

/** Actions for every clip, of more frames than are seen: otherwise there is nothing to predict. */
export function expectActions(
  { action }: WorldModelConfig,
  { shape: embeddings }: Tensor,
  { shape, dtype }: Tensor,
  context: number,
): void {
  if (shape.length !== 3 || shape[2] !== action.size || shape[0] !== embeddings[0] || dtype !== 'float32') {
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[worldModel] expected actions float32 [${embeddings[0]}, frames, ${action.size}], got ${dtype} [${shape.join(', ')}]`,
    );
  }
  if (embeddings[1] < context || shape[1] <= context) {
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[worldModel] expected ${context} frames of context and more actions than that, got ${embeddings[1]} frames and ${shape[1]} actions`,
    );
  }
}

/**
 * In training the encoder normalises by the batch it is given, here one filled up with zero rows, and moves its running statistics
 * towards it: what it says would depend on what else was asked, and asking would change the model.
 */
export function expectEvaluation({ training }: { readonly training: boolean }): void {
  if (!training) return;
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    '[worldModel] expected a model in evaluation mode: await training.finish(batches) first',
  );
}

/** Embeddings and actions of the same clips, frame by frame. */
export function expectClips(
  { action, embeddingSize }: WorldModelConfig,
  { shape }: Tensor,
  actions: Tensor,
  least: number,
): void {
  if (shape.length !== 3 || shape[2] !== embeddingSize || shape[1] < least)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[worldModel] expected clips of at least ${least} frames, embeddings [clips, frames, ${embeddingSize}], got [${shape.join(', ')}]`,
    );
  const wanted = [shape[0], shape[1], action.size];
  if (actions.dtype !== 'float32' || actions.shape.join() !== wanted.join())
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[worldModel] expected actions float32 [${wanted.join(', ')}], got ${actions.dtype} [${actions.shape.join(', ')}]`,
    );
}

/** Numbers of frames seen before a prediction. */
export function expectContexts(first: number, last: number): void {
  if (Number.isInteger(first) && Number.isInteger(last) && 1 <= first && first <= last) return;
  const got = first === last ? `${first}` : `${first} to ${last}`;
  throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[worldModel] expected a context of 1 or more frames, got ${got}`);
}

/** What plans are compared by. */
export function expectJudge(by: string, hasCritic: boolean): void {
  if (by !== 'latent' && by !== 'path' && by !== 'critic')
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[worldModel] expected by to be 'latent', 'path' or 'critic', got '${by}'`,
    );
  if (by === 'critic' && !hasCritic)
    throw new JepaError('ERR_JEPA_CONFIG', '[worldModel] expected a model with a critic, got one with heads.critic 0');
}

/** A NaN that goes in comes out as a distance, a rank or an average that looks like a number: it is refused where it can be named. */
export function expectFinite({ shape }: Tensor, host: TypedArray): void {
  if (!(host instanceof Float32Array)) return;
  const at = host.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  let rest = at;
  const place = [...shape].reverse().map((extent) => {
    const index = rest % extent;
    rest = (rest - index) / extent;
    return index;
  });
  throw new JepaError(
    'ERR_JEPA_NON_FINITE',
    `[worldModel] expected finite inputs, got ${host[at]} at [${place.reverse().join(', ')}] of [${shape.join(', ')}]`,
  );
}
