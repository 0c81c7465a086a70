import { broadcastTo, concat, exp, mean, mul, reshape, slice, square, sub } from '../ops/index.js';
import { compile, type Tensor, tensor } from '../tensor/index.js';
import type { InferenceOptions } from './config.js';
import { expectedLogError } from './expected-error.js';
import type { WorldModelNetwork } from './network.js';
import type { Observations } from './observations.js';

/** What is remembered of B streams of the same age. */
export interface StreamState {
  /** [B, H] the predictor's state after every frame but the last one. */
  readonly memory: Tensor;
  /** [B, D] of the last frame. */
  readonly embedding: Tensor;
  /** [B, L, H] and [B, L, D]: row j saw its last frame j + 1 frames before the last one, and has imagined the world up to it. */
  readonly states: Tensor;
  readonly imagined: Tensor;
}

export type StreamProgram = ReturnType<typeof streamProgram>;

/** 1, 2, 4 … up to a look-ahead. */
export function horizonsUpTo(lookAhead: number): readonly number[] {
  return Array.from({ length: Math.floor(Math.log2(lookAhead)) + 1 }, (_, index) => 2 ** index);
}

/** Those of the horizons whose imagination began with enough frames before it. @param index of the frame, from 0 */
export function horizonsAt(horizons: readonly number[], index: number, contextFrames: number): readonly number[] {
  return horizons.filter((horizon) => index - horizon + 1 >= contextFrames);
}

/** The state before any frame. */
export function emptyStream(
  { predictor }: WorldModelNetwork,
  streams: number,
  lookAhead: number,
  width: number,
): StreamState {
  const zeros = (...shape: number[]): Tensor =>
    tensor(new Float32Array(shape.reduce((product, extent) => product * extent, 1)), { shape });
  return {
    memory: zeros(streams, predictor.stateSize),
    embedding: zeros(streams, width),
    states: zeros(streams, lookAhead, predictor.stateSize),
    imagined: zeros(streams, lookAhead, width),
  };
}

/**
 * One frame further: every imagination takes the action, a new one begins at the last frame, the oldest one ends.
 * @returns the new state, and `errors` [B, L] of what was expected j + 1 frames ago: squared errors, each over the root of the one that the
 * model expected, mean over dimensions
 */
export function streamProgram(network: WorldModelNetwork, how: InferenceOptions) {
  return compile(
    /** @param observation [B, 1, …]   @param action [B, A] taken since the last frame */
    (observation: Observations, action: Tensor, state: StreamState) => {
      const [streams, lookAhead, width] = state.imagined.shape;
      /** The youngest L of the last frame's own row and the L older ones. */
      const rows = (own: Tensor, older: Tensor): Tensor => {
        const first = reshape(own, [streams, 1, own.shape[1]]);
        return lookAhead === 1 ? first : concat([first, slice(older, 1, 0, lookAhead - 1)], 1);
      };
      const flat = (x: Tensor): Tensor => reshape(x, [streams * lookAhead, x.shape[2]]);
      const standardised = network.standardise(action);
      const actions = broadcastTo(reshape(standardised, [streams, 1, -1]), [streams, lookAhead, action.shape[1]]);
      const inputs = rows(state.embedding, state.imagined);
      const next = network.predictor.step(flat(rows(state.memory, state.states)), flat(inputs), flat(actions));
      const states = reshape(next.state, [streams, lookAhead, -1]);
      const imagined = reshape(next.embedding, [streams, lookAhead, width]);
      const embedding = network.encode(observation); // [B, 1, D]
      const squared = square(sub(imagined, embedding));
      return {
        errors: mean(
          network.variance ? mul(squared, weights(network, { states, inputs, imagined, actions })) : squared,
          { axes: [2] },
        ),
        state: {
          memory: reshape(slice(states, 1, 0, 1), state.memory.shape),
          embedding: reshape(embedding, [streams, width]),
          states,
          imagined,
        },
      };
    },
    { ...how, name: 'stream' },
  );
}

/**
 * [B, L, D] one over the root of the squared error that the model expects of each dimension. Divided by the whole of it, a dimension that
 * hardly ever errs outweighs all others; not at all, the few that always err do. The root found most of what breaks a law.
 */
function weights(
  network: WorldModelNetwork,
  { states, inputs, imagined, actions }: Readonly<Record<'states' | 'inputs' | 'imagined' | 'actions', Tensor>>,
): Tensor {
  const all = expectedLogError(network, { states, inputs, embeddings: imagined }, actions, (row) => row + 1);
  return exp(mul(slice(all, 2, 0, imagined.shape[2]), -0.5));
}
