import type { TrainingEvent } from '../train/events.js';
import { duration } from './duration.js';

/** How far a training of clips is, in one line. */
export function describeStep(event: TrainingEvent & { readonly type: 'step' }): string {
  const { step, steps, metrics, samplesPerSecond, secondsLeft } = event;
  const frozen = metrics.frozen ? ', encoder frozen' : '';
  return `step ${step}/${steps}  loss ${metrics.loss.toFixed(3)}${frozen}  ${samplesPerSecond.toFixed(0)} frames/s  ${duration(secondsLeft)} left`;
}

/** Talk on stderr: one line that is rewritten on a terminal, a line every few seconds elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #interval: number;
  #last = Number.NEGATIVE_INFINITY;
  #open = false;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#interval = stream.isTTY ? 100 : 5000;
  }

  /** A passing state: shown if it is time. */
  update(text: string): void {
    const now = performance.now();
    if (now - this.#last < this.#interval) return;
    this.#last = now;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[2K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
      this.#open = true;
    } else this.#stream.write(`${text}\n`);
  }

  /** A line that stays. */
  say(text: string): void {
    if (this.#open) this.#stream.write('\r\u001b[2K');
    this.#open = false;
    this.#stream.write(`${text}\n`);
    this.#last = Number.NEGATIVE_INFINITY;
  }
}
