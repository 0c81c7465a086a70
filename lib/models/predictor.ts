import type { Module } from '../nn/module.js';
import { concat, slice, stack } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

/** One step of a predictor: its new state [B, H] and the embedding it expects next [B, D]. */
export interface Prediction {
  readonly state: Tensor;
  readonly embedding: Tensor;
}

/** What a predictor did over several frames, aligned: at index k it saw `inputs`, was in `states`, expected `embeddings`. */
export interface Rollout {
  /** [B, K, H] the predictor's state after it has seen the input. */
  readonly states: Tensor;
  /** [B, K, D] the embeddings it was given (teacher forcing) or had predicted itself (open loop). */
  readonly inputs: Tensor;
  /** [B, K, D] the embeddings it expects one frame later. */
  readonly embeddings: Tensor;
}

/** Predicts embeddings from embeddings and actions; every architecture of a world model's dynamics offers these. */
export interface Predictor extends Module {
  /** Width H of its state; 0: it remembers nothing. */
  readonly stateSize: number;
  initialState(batch: number): Tensor;
  /** @param state [B, H]   @param embedding [B, D]   @param action [B, A]: the action taken at that frame */
  step(state: Tensor, embedding: Tensor, action: Tensor): Prediction;
  /** @param embeddings [B, K, D]   @param actions [B, K, A] */
  teacherForced(embeddings: Tensor, actions: Tensor): Rollout;
}

/** Frame `t` of [B, T, F] as [B, F]. */
export function frame(sequence: Tensor, t: number): Tensor {
  const [batch, , width] = sequence.shape;
  return slice(sequence, 1, t, t + 1).reshape([batch, width]);
}

/**
 * Goes on from a teacher-forced context without seeing any further frame: prediction k feeds prediction k + 1.
 * @param context teacher-forced pass over at least `frames` frames
 * @param actions [B, T, A] actions of the whole clip; action t is taken at frame t
 * @param frames  number of context frames c; predicts frames c … T−1, and T itself when `steps` says so
 */
export function openLoop(
  predictor: Predictor,
  context: Rollout,
  actions: Tensor,
  frames: number,
  steps = actions.shape[1] - frames,
): Rollout {
  let state = frame(context.states, frames - 1);
  let embedding = frame(context.embeddings, frames - 1);
  const states = [state];
  const inputs = [frame(context.inputs, frames - 1)];
  const embeddings = [embedding];
  for (let k = 1; k < steps; k++) {
    inputs.push(embedding);
    ({ state, embedding } = predictor.step(state, embedding, frame(actions, frames + k - 1)));
    states.push(state);
    embeddings.push(embedding);
  }
  return { states: stack(states, 1), inputs: stack(inputs, 1), embeddings: stack(embeddings, 1) };
}

/** [B, K, F] sequences joined along their last axis, as heads take them. */
export function features(...parts: Tensor[]): Tensor {
  return concat(parts, -1);
}
