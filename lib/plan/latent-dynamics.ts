import type { Tensor } from '../tensor/index.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { Dynamics } from './contract.js';

/** A world model's imagination: the predictor's memory and the embedding it stands at. */
export type LatentState = { readonly memory: Tensor; readonly embedding: Tensor };

/**
 * The dynamics that a world model has learned, imagined in the precision that the model was made or loaded with. Actions are given in the
 * world's units and standardised inside.
 * @example
 * const model = twoRoomModel(7);
 * const dynamics = latentDynamics(model);
 * new CemSolver(dynamics, distanceAtEnd, { horizon: 5, bounds: [-1, 1] }).actionSize; // 10
 */
export function latentDynamics(model: WorldModel): Dynamics<LatentState> {
  const { network, config } = model;
  return {
    actionSize: config.action.size,
    step({ memory, embedding }, action) {
      const next = network.predictor.step(memory, embedding, network.standardise(action));
      return { memory: next.state, embedding: next.embedding };
    },
    position: ({ embedding }) => embedding,
    inference: model.inference,
  };
}
