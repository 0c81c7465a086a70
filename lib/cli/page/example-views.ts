import type { RolloutExample, ViolationExample } from '../../eval/examples.js';
import { room } from '../../worlds/physics/layout.js';
import type { PlayerView } from './clip-player.js';
import { dataUri, filmStrip } from './film-strip.js';
import type { ViolationView } from './violation.js';

/** A pair as a page shows it, its pixels as pictures. */
export function violationView({ possible, impossible, size, ...rest }: ViolationExample): ViolationView {
  const strip = (frames: Uint8Array): string => dataUri(filmStrip(frames, rest.frames, size, size));
  return { ...rest, possible: strip(possible), impossible: strip(impossible) };
}

/** A clip with the place imagined by the model, which sees its first frames only, over what happened. */
export function rolloutView({ scene, clip, frames, seen, size, truth, imagined }: RolloutExample): PlayerView {
  const places = (points: RolloutExample['truth']): ([number, number] | null)[] => [
    ...new Array<null>(seen).fill(null),
    ...points.map(([x, y]): [number, number] => [x / room.size, 1 - y / room.size]),
  ];
  const last = truth.length - 1;
  const apart = Math.hypot(truth[last][0] - imagined[last][0], truth[last][1] - imagined[last][1]);
  return {
    strip: dataUri(filmStrip(clip, frames, size, size)),
    pictures: frames,
    caption: `${apart.toFixed(2)} m apart at the end`,
    alternative: `A clip of the scene '${scene}'. After ${seen} frames the model sees nothing more; a ring shows where it imagines the disc. After ${truth.length} frames it is ${apart.toFixed(2)} m from the true place.`,
    paths: [
      { name: 'true', points: places(truth) },
      { name: 'imagined', points: places(imagined) },
    ],
  };
}
