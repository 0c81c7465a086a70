import { type ClipSet, emptyClips, writeClip } from './clip.js';
import { loadEngine } from './engine.js';
import { clipsPerItem, type Question, specificationsOf } from './questions.js';
import type { Split } from './seeds.js';

// What the worker threads of a generation call by name.
export { physicsTrainingBatch } from './training.js';

/** Items of a question, in parts of `itemsPerPart`. */
export interface PartsOfAnswer {
  readonly question: Question;
  readonly split: Split;
  readonly seed: number;
  readonly items: number;
  readonly itemsPerPart: number;
}

/** Part `index`: its items' clips, item by item. */
export async function physicsPart(
  { question, split, seed, items, itemsPerPart }: PartsOfAnswer,
  index: number,
): Promise<ClipSet> {
  await loadEngine();
  const firstItem = index * itemsPerPart;
  const last = Math.min(items, firstItem + itemsPerPart);
  const each = clipsPerItem(question);
  const clips = emptyClips((last - firstItem) * each);
  for (let item = firstItem; item < last; item++) {
    const first = (item - firstItem) * each;
    for (const [member, specification] of specificationsOf(question, split, seed, item).entries()) {
      writeClip(specification, clips, first + member);
    }
  }
  return clips;
}
