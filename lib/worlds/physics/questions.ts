import { Random } from '../random.js';
import { type ClipSpecification, simulateClip } from './clip.js';
import { clipFrames, stateSize } from './layout.js';
import { drawScene, type SceneRanges, screen } from './scene.js';
import { clipSeed, type Split } from './seeds.js';
import { stagings, type Violation } from './violations.js';

/** What an evaluation asks for. Item i of a question is one to eight clips, functions of (question, split, seed, i) alone. */
export type Question =
  | { readonly set: 'clips'; readonly ranges?: 'training' | 'fast' | 'large' }
  | { readonly set: 'violation'; readonly violation: Violation }
  | { readonly set: 'counterfactual' }
  | { readonly set: 'candidates' };

/** Force plans for one start. */
export const candidatePlans = 8;

/** Outside of what training shows. */
const otherRanges: Readonly<Record<'training' | 'fast' | 'large', SceneRanges>> = {
  training: {},
  fast: { speed: [3.2, 4.5] },
  large: { radius: [0.36, 0.48] },
};

export const clipsPerItem = ({ set }: Question): number =>
  ({ clips: 1, violation: 2, counterfactual: 2, candidates: candidatePlans })[set];

/** The clips of item i: [clip], [possible, impossible], [one force, another], or eight plans from one start. The engine must be loaded. */
export function specificationsOf(question: Question, split: Split, seed: number, item: number): ClipSpecification[] {
  switch (question.set) {
    case 'clips': {
      const ranges = question.ranges ?? 'training';
      return [{ seed: clipSeed(split, seed, `clips ${ranges}`, item), ranges: otherRanges[ranges] }];
    }
    case 'violation': {
      const possible = possibleClip(question.violation, split, seed, item);
      return [possible, { ...possible, violation: question.violation }];
    }
    case 'counterfactual': {
      const start = { seed: clipSeed(split, seed, 'counterfactual', item), kind: 'push' } as const;
      const lift = 0.1 * (item % 3);
      return [
        { ...start, forces: { force: [0.9, lift] } },
        { ...start, forces: { force: [-0.9 + 0.6 * (item % 2), lift] } },
      ];
    }
    case 'candidates': {
      const start = { seed: clipSeed(split, seed, 'candidates', item), kind: 'push' } as const;
      const random = new Random(start.seed, 'plans');
      return Array.from({ length: candidatePlans }, (_, k) => {
        const force = [
          -1.2 + (2.4 * k) / (candidatePlans - 1) + random.uniform(-0.1, 0.1),
          random.uniform(0, 0.6),
        ] as const;
        return { ...start, forces: { force } };
      });
    }
  }
}

function possibleClip(violation: Violation, split: Split, seed: number, item: number): ClipSpecification {
  if (violation === 'permanence-occluded') return hiddenInTime(split, seed, item);
  const { scenes, frame } = stagings[violation];
  const clip: ClipSpecification = {
    seed: clipSeed(split, seed, `violation ${violation}`, item),
    kind: scenes[item % scenes.length],
    ...(frame ? { eventFrame: frame } : {}),
  };
  if (violation !== 'action-violation') return clip;
  const random = new Random(clip.seed, 'push');
  return { ...clip, forces: { force: [random.sign() * random.uniform(0.6, 1.2), random.uniform(0, 0.6)] } };
}

/** Seeds that one item may try; about a quarter of them will do. */
const attempts = 256;

/** The first clip in which the disc is wholly behind the screen after frame 2 and out again by frame 13; the event is when it is first hidden. */
function hiddenInTime(split: Split, seed: number, item: number): ClipSpecification {
  for (let attempt = 0; ; attempt++) {
    const clip: ClipSpecification = {
      seed: clipSeed(split, seed, 'violation permanence-occluded', item * attempts + attempt),
      kind: 'occlude',
    };
    const eventFrame = hiddenFrame(simulateClip(clip), drawScene(clip.seed, 'occlude').disc.radius);
    if (eventFrame !== undefined) return { ...clip, eventFrame };
  }
}

/** Between the screen's edge and a disc that counts as hidden or as out. */
const margin = 0.03;

function hiddenFrame(states: Float32Array, radius: number): number | undefined {
  let hidden: number | undefined;
  for (let frame = 0; frame < clipFrames; frame++) {
    const across = Math.abs(states[frame * stateSize] - screen.x);
    const y = states[frame * stateSize + 1];
    const top = screen.y + screen.halfHeight;
    if (hidden === undefined && across + radius < screen.halfWidth - margin && y + radius < top - margin)
      hidden = frame;
    else if (hidden !== undefined && (across > screen.halfWidth + margin || y > top + margin))
      return hidden > 2 && frame <= 13 ? hidden : undefined;
  }
  return undefined;
}
