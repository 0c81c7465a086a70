import { Worker } from 'node:worker_threads';
import { errorCodes, JepaError, type JepaErrorCode } from '../errors.js';
import type { BatchGenerator, GeneratorReply, GeneratorRequest } from './generator.js';

interface Job {
  readonly resolve: (batch: unknown) => void;
  readonly reject: (error: JepaError) => void;
}

/** Worker threads that compute batches by index. They keep the process alive only while they are asked for something. */
export class WorkerPool {
  readonly #members: { readonly worker: Worker; readonly jobs: Map<number, Job> }[] = [];
  #failure: JepaError | undefined;

  constructor({ module, name, options }: BatchGenerator, workers: number) {
    for (let i = 0; i < workers; i++) {
      const worker = new Worker(new URL('./generator-worker.js', import.meta.url), {
        workerData: { module: String(module), name, options },
        name: `jepa ${name}`,
        execArgv: process.execArgv.filter((option) => !option.startsWith('--input-type')), // `node --input-type=module -e …`
      });
      const jobs = new Map<number, Job>();
      worker.unref();
      worker.on('message', (reply: GeneratorReply) => {
        const job = jobs.get(reply.index);
        if (!job) return; // asked for before `terminate`, which needs the process to stay alive until the thread is gone
        jobs.delete(reply.index);
        if (jobs.size === 0) worker.unref();
        if ('error' in reply) job.reject(failure(name, reply.index, reply.error));
        else job.resolve(reply.batch);
      });
      worker.on('messageerror', (cause) =>
        this.#fail(
          new JepaError(
            'ERR_JEPA_DATASET',
            `[${name}] expected batches from a worker thread, but one cannot be received: ${cause.message}`,
            { cause },
          ),
        ),
      );
      worker.on('error', (cause) =>
        this.#fail(
          new JepaError(
            'ERR_JEPA_DATASET',
            `[${name}] expected batches from a worker thread, but it failed: ${cause.message}`,
            { cause },
          ),
        ),
      );
      worker.on('exit', (code) =>
        this.#fail(
          new JepaError(
            'ERR_JEPA_DATASET',
            `[${name}] expected batches from a worker thread, but it ended with exit code ${code}`,
          ),
        ),
      );
      this.#members.push({ worker, jobs });
    }
  }

  /** Goes to the worker with the least to do. Rejects with a JepaError if the batch cannot be had. */
  request(index: number): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const { worker, jobs } = this.#members.reduce((least, member) =>
      member.jobs.size < least.jobs.size ? member : least,
    );
    return new Promise((resolve, reject) => {
      jobs.set(index, { resolve, reject });
      worker.ref();
      worker.postMessage({ index } satisfies GeneratorRequest);
    });
  }

  async terminate(): Promise<void> {
    this.#fail(new JepaError('ERR_JEPA_DISPOSED', '[WorkerPool] expected a pool that has not been terminated'));
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #fail(error: JepaError): void {
    this.#failure ??= error;
    for (const { jobs } of this.#members) {
      for (const { reject } of jobs.values()) reject(this.#failure);
      jobs.clear();
    }
  }
}

function failure(
  name: string,
  index: number,
  { message, code, stack }: { readonly message: string; readonly code?: string; readonly stack?: string },
): JepaError {
  if (code !== undefined && code in errorCodes) return new JepaError(code as JepaErrorCode, message); // the library's own sentence
  return new JepaError(
    'ERR_JEPA_DATASET',
    `[${name}] expected batch ${index} from a worker thread, but its generator failed: ${message}`,
    { details: { stack } },
  );
}
