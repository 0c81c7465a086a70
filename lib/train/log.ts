import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { ioError, writeFileAtomically } from '../io/atomic-file.js';
import type { TrainingEvent } from './events.js';

/** A run's events as JSON lines: what happened up to its latest checkpoint, once, however often the run was interrupted. */
export class TrainingLog {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The events up to a step. */
  async read(step: number): Promise<TrainingEvent[]> {
    return (await this.#lines(step)).map((line) => JSON.parse(line) as TrainingEvent);
  }

  /** Drops what lies beyond a step, since it is about to happen again, and the half of a line that a killed process left. */
  async rewind(step: number): Promise<void> {
    const kept = await this.#lines(step);
    if (kept.length > 0 || existsSync(this.path))
      await writeFileAtomically(
        this.path,
        kept.map((line) => `${line}\n`),
      );
  }

  async append(event: TrainingEvent): Promise<void> {
    await appendFile(this.path, `${JSON.stringify(event)}\n`).catch((cause: unknown) => {
      throw ioError('write', this.path, cause);
    });
  }

  /** Whole lines up to a step; of step 0, nothing has happened. */
  async #lines(step: number): Promise<string[]> {
    const text = await readFile(this.path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return '';
      throw ioError('read', this.path, cause);
    });
    return text.split('\n').filter((line) => {
      const at = stepOf(line);
      return at !== undefined && at <= step && step > 0;
    });
  }
}

function stepOf(line: string): number | undefined {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === 'number' ? step : undefined;
  } catch {
    return undefined;
  }
}
