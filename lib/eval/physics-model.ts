import { JepaError } from '../errors.js';
import { describedObservation } from '../world-model/observations.js';
import type { WorldModel } from '../world-model/world-model.js';
import { imageSize } from '../worlds/physics/layout.js';

const pictures = { kind: 'image', height: imageSize, width: imageSize, channels: 3 } as const;

/** Whether a model is of the physics suite's pictures and forces. */
export function isPhysicsModel({ config: { observation, action } }: WorldModel): boolean {
  return describedObservation(observation) === describedObservation(pictures) && action.size === 2;
}

/**
 * A model of the physics suite's pictures, forces and clips.
 * @param context how many frames of it, where that matters   @throws JepaError ERR_JEPA_CONFIG
 */
export function expectPhysicsModel(where: string, model: WorldModel, context = 4): void {
  const { observation, action, contextFrames } = model.config;
  const [wanted, seen] = [pictures, observation].map(describedObservation);
  if (isPhysicsModel(model) && contextFrames === context) return;
  throw new JepaError(
    'ERR_JEPA_CONFIG',
    `[${where}] expected a model of ${wanted}, 2 actions and ${context} frames of context, got one of ${seen}, ${action.size} actions and ${contextFrames} frames`,
    {
      help: [
        'a model of the physics suite is needed: `jepa train --run DIR` trains one, `jepa demo` too',
        'a model of another world is measured in that world: evaluatePlanning, docs/planning.md',
      ],
    },
  );
}
