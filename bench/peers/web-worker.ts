// The browser's Worker on Node's, as far as jax-js needs it for its threads: a script from a blob, messages both ways.
import { resolveObjectURL } from 'node:buffer';
import { Worker as Thread } from 'node:worker_threads';

const before = `
const { parentPort } = require('node:worker_threads');
globalThis.self = globalThis;
self.postMessage = (data) => parentPort.postMessage(data);
parentPort.on('message', (data) => self.onmessage({ data }));
`;

class WebWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | undefined;
  onerror: ((event: { readonly message: string }) => void) | undefined;
  readonly #thread: Promise<Thread>;

  constructor(url: string) {
    this.#thread = (async () => {
      const source = await resolveObjectURL(url)?.text();
      const thread = new Thread(before + source, { eval: true });
      thread.on('message', (data: unknown) => this.onmessage?.({ data }));
      thread.on('error', ({ message }) => this.onerror?.({ message }));
      return thread;
    })();
  }

  postMessage(data: unknown): void {
    void this.#thread.then((thread) => thread.postMessage(data));
  }
}

/** Gives Node.js what a browser has, with so many processors. */
export function likeABrowser(threads: number): void {
  Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: threads }, configurable: true });
  Object.defineProperty(globalThis, 'Worker', { value: WebWorker, configurable: true });
}
