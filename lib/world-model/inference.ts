import { openLoop, type Rollout } from '../models/predictor.js';
import { add, div, exp, mean, slice, square, stack, sub } from '../ops/index.js';
import { compile, type Tensor } from '../tensor/index.js';
import type { InferenceOptions } from './config.js';
import { expectedLogError } from './expected-error.js';
import type { WorldModelNetwork } from './network.js';
import type { Observations } from './observations.js';
import { streamProgram } from './stream.js';

/** The compiled read-outs of a network; each is traced at its first use. */
export type Inference = ReturnType<typeof inference>;

/** Compiles what a trained network is asked: embeddings, predictor states, imagined futures, surprise, streams, critic's costs. */
export function inference(network: WorldModelNetwork, how: InferenceOptions = {}) {
  return {
    encode: compile((observations: Observations) => ({ embeddings: network.encode(observations) }), {
      ...how,
      name: 'encode',
    }),

    states: compile(
      (embeddings: Tensor, actions: Tensor) => {
        const known = network.predictor.teacherForced(embeddings, network.standardise(actions));
        return { states: known.states, embeddings: known.embeddings };
      },
      { ...how, name: 'states' },
    ),

    imagine: compile(
      (embeddings: Tensor, actions: Tensor, context: number) => {
        const standardised = network.standardise(actions);
        const open = openLoop(
          network.predictor,
          contextOf(network, embeddings, standardised, context),
          standardised,
          context,
        );
        return network.variance
          ? { embeddings: open.embeddings, logError: logError(network, open, standardised, context) }
          : { embeddings: open.embeddings, logError: undefined };
      },
      { ...how, name: 'imagine' },
    ),

    surprise: compile(
      (embeddings: Tensor, actions: Tensor, firstContext: number, lastContext: number) => {
        const standardised = network.standardise(actions);
        const known = contextOf(network, embeddings, standardised, lastContext);
        const frames = embeddings.shape[1];
        const raw: Tensor[] = [];
        const normalised: Tensor[] = [];
        const curves: Tensor[] = [];
        for (let context = firstContext; context <= lastContext; context++) {
          const open = openLoop(network.predictor, known, standardised, context);
          const errors = mean(square(sub(open.embeddings, slice(embeddings, 1, context, frames))), { axes: [2] });
          const relative = network.variance
            ? div(errors, exp(meanLogError(network, open, standardised, context)))
            : errors;
          raw.push(mean(errors, { axes: [1] }));
          normalised.push(mean(relative, { axes: [1] }));
          curves.push(slice(relative, 1, lastContext - context, frames - context));
        }
        const average = (parts: Tensor[]): Tensor =>
          div(
            parts.reduce((sum, part) => add(sum, part)),
            parts.length,
          );
        return { normalised: average(normalised), raw: average(raw), curve: average(curves) };
      },
      { ...how, name: 'surprise' },
    ),

    stream: streamProgram(network, how),

    critic: compile(
      (outcome: Tensor, goal: Tensor) => {
        if (!network.critic) throw new RangeError('planCosts lets no model without a critic through');
        return {
          cost: network.critic
            .forward(stack([outcome, goal], 1).reshape([outcome.shape[0], 2 * outcome.shape[1]]))
            .reshape([outcome.shape[0]]),
        };
      },
      { ...how, name: 'critic' },
    ),
  };
}

function contextOf(network: WorldModelNetwork, embeddings: Tensor, actions: Tensor, context: number): Rollout {
  return network.predictor.teacherForced(slice(embeddings, 1, 0, context), slice(actions, 1, 0, context));
}

function logError(network: WorldModelNetwork, open: Rollout, actions: Tensor, context: number): Tensor {
  const taken = slice(actions, 1, context - 1, context - 1 + open.inputs.shape[1]);
  return expectedLogError(network, open, taken, (k) => k + 1);
}

function meanLogError(network: WorldModelNetwork, open: Rollout, actions: Tensor, context: number): Tensor {
  const all = logError(network, open, actions, context);
  const last = all.shape[2] - 1;
  return slice(all, 2, last, last + 1).reshape([all.shape[0], all.shape[1]]);
}
