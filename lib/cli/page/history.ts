import type { TrainingEvent } from '../../train/events.js';

/** Step events that are kept of a long run: more than a chart has points. */
const mostSteps = 4000;

/** Appends an event; where too many have come together, every second step is forgotten, as often as needed. */
export function remember(events: TrainingEvent[], event: TrainingEvent): void {
  events.push(event);
  if (events.length <= mostSteps) return;
  let steps = 0;
  const kept = events.filter(({ type }) => type !== 'step' || steps++ % 2 === 0);
  events.splice(0, events.length, ...kept);
}
