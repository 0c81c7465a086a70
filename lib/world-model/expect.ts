import { mapModalities } from '../data/modalities.js';
import { JepaError, kindOf } from '../errors.js';
import { Tensor, type TypedArray } from '../tensor/index.js';
import type { WorldModelConfig } from './config.js';
import { frameOf, type Observations } from './observations.js';

/** What a model's methods take; each of these throws ERR_JEPA_SHAPE or ERR_JEPA_INVALID_ARGUMENT, saying what was expected and found. */

/** @returns the observations, in the order of the configuration where there are several */
export function expectObservations({ observation }: WorldModelConfig, observations: Observations): Observations {
  let extents: readonly number[] | undefined;
  return mapModalities('worldModel', observation, observations, (given, modality, name) => {
    const frame = frameOf(modality);
    const wanted = [...(extents ?? ['clips', 'frames']), ...frame.shape];
    if (!fits(given, frame.dtype, wanted)) throw misfit(`observations ${name}`, frame.dtype, wanted, given);
    extents ??= given.shape.slice(0, 2);
    return given;
  });
}

type Extents = readonly (number | string)[];

/** Whether a value, of whatever kind, is a tensor of that dtype and shape. */
function fits(given: unknown, dtype: string, wanted: Extents): given is Tensor {
  if (!(given instanceof Tensor) || given.dtype !== dtype) return false;
  return given.shape.length === wanted.length && !wanted.some(differs(given.shape));
}

function misfit(what: string, dtype: string, wanted: Extents, given: unknown): JepaError {
  return new JepaError(
    'ERR_JEPA_SHAPE',
    `[worldModel] expected ${what}${dtype} [${wanted.join(', ')}], got ${described(given)}`,
  );
}

/** What was given where a tensor was expected. */
function described(given: unknown): string {
  return given instanceof Tensor ? `${given.dtype} [${given.shape.join(', ')}]` : kindOf(given);
}

/** A tensor of any shape: those that the shape depends on come later. */
export function expectTensor(what: string, given: unknown): void {
  if (given instanceof Tensor) return;
  throw new JepaError('ERR_JEPA_SHAPE', `[worldModel] expected ${what} in a tensor, got ${described(given)}`);
}

/** Whether an extent of the wanted shape is another one; words stand for any. */
const differs =
  (shape: readonly number[]) =>
  (extent: number | string, axis: number): boolean =>
    typeof extent === 'number' && shape[axis] !== extent;

/** Actions for every clip, of more frames than are seen: otherwise there is nothing to predict. */
export function expectActions(
  { action }: WorldModelConfig,
  embeddings: Tensor,
  actions: Tensor,
  context: number,
): void {
  expectTensor('embeddings', embeddings);
  const [clips, frames] = embeddings.shape;
  const wanted = [clips, 'frames', action.size];
  if (!fits(actions, 'float32', wanted)) throw misfit('actions ', 'float32', wanted, actions);
  if (frames < context || actions.shape[1] <= context) {
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[worldModel] expected ${context} frames of context and more actions than that, got ${frames} frames and ${actions.shape[1]} actions`,
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
  embeddings: Tensor,
  actions: Tensor,
  least: number,
): void {
  expectTensor('embeddings', embeddings);
  const { shape } = embeddings;
  if (shape.length !== 3 || shape[2] !== embeddingSize || shape[1] < least)
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[worldModel] expected clips of at least ${least} frames, embeddings [clips, frames, ${embeddingSize}], got [${shape.join(', ')}]`,
    );
  const wanted = [shape[0], shape[1], action.size];
  if (!fits(actions, 'float32', wanted)) throw misfit('actions ', 'float32', wanted, actions);
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
