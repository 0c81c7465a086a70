import { Random } from '../random.js';
import type { Colour } from '../raster.js';
import { clipFrames } from './layout.js';

export const palette: readonly Colour[] = [
  [220, 60, 50],
  [60, 110, 220],
  [60, 170, 80],
  [230, 180, 40],
];
export const otherColour: Colour = [40, 40, 40];
export const rampColour: Colour = [90, 120, 90];
export const floorColour: Colour = [110, 90, 70];
export const screenColour: Colour = [150, 150, 160];
export const rodColour: Colour = [60, 60, 60];

/**
 * Disc A's colour at each frame. Colour is a declared nuisance: with `flicker`, 70 % of the clips start in any colour and all
 * of them take another with probability 0.7 at each frame. Nothing physical depends on it.
 * @param changeAt frame of a single change to another palette colour: the control that should not surprise
 */
export function drawColours(
  seed: number,
  { flicker = false, changeAt }: { readonly flicker?: boolean; readonly changeAt?: number },
): Colour[] {
  const random = new Random(seed, 'colours');
  const first = random.below(palette.length);
  const second = (first + 1 + random.below(palette.length - 1)) % palette.length;
  const nuisance = new Random(seed, 'nuisance');
  let colour = flicker && nuisance.chance(0.7) ? anyColour(nuisance) : palette[first];
  return Array.from({ length: clipFrames }, (_, frame) => {
    if (flicker && nuisance.chance(0.7)) colour = anyColour(nuisance);
    if (frame === changeAt) colour = palette[second];
    return colour;
  });
}

/** One of the palette or, as often, any hue. */
const anyColour = (random: Random): Colour =>
  random.chance(0.5) ? palette[random.below(palette.length)] : hue(random);

/** A random hue with saturation .55–.85 and value 150–230. */
function hue(random: Random): Colour {
  const h = random.uniform(0, 6);
  const saturation = random.uniform(0.55, 0.85);
  const value = random.uniform(150, 230);
  const sector = Math.floor(h);
  const fraction = h - sector;
  const low = value * (1 - saturation);
  const falling = value * (1 - saturation * fraction);
  const rising = value * (1 - saturation * (1 - fraction));
  const wheel: readonly Colour[] = [
    [value, rising, low],
    [falling, value, low],
    [low, value, rising],
    [low, falling, value],
    [rising, low, value],
    [value, low, falling],
  ];
  return wheel[sector];
}
