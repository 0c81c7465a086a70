import { JepaError } from '../errors.js';
import type { WorldModel } from '../world-model/world-model.js';
import { imageSize } from '../worlds/physics/layout.js';

/**
 * A model of the physics suite's pictures, forces and clips.
 * @throws JepaError ERR_JEPA_CONFIG
 */
export function expectPhysicsModel(
  where: string,
  { config: { observation, action, contextFrames } }: WorldModel,
): void {
  const [size, seen] = [imageSize, observation.kind === 'image' ? observation : { height: 0, width: 0, channels: 0 }];
  if (seen.height === size && seen.width === size && seen.channels === 3 && action.size === 2 && contextFrames === 4)
    return;
  const got = observation.kind === 'image' ? `${seen.height} × ${seen.width} × ${seen.channels} pixels` : 'vectors';
  throw new JepaError(
    'ERR_JEPA_CONFIG',
    `[${where}] expected a model of ${size} × ${size} × 3 pixels, 2 actions and 4 frames of context, got one of ${got}, ${action.size} actions and ${contextFrames} frames`,
  );
}
