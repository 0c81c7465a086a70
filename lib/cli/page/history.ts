import type { TrainingEvent } from '../../train/events.js';

/** Events that are kept of a long run: more than a chart has points. */
const mostEvents = 4000;

/** Appends an event; where too many have come together, every second one of the most frequent type is forgotten. */
export function remember(events: TrainingEvent[], event: TrainingEvent): void {
  events.push(event);
  if (events.length <= mostEvents) return;
  const counts = new Map<TrainingEvent['type'], number>();
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  const [[frequent]] = [...counts].sort(([, a], [, b]) => b - a);
  let index = 0;
  const kept = events.filter(({ type }) => type !== frequent || index++ % 2 === 0);
  events.splice(0, events.length, ...kept);
}
