import { checkIndex } from './check.js';
import type { Dataset } from './dataset.js';

/** A dataset made of a function that opens an iterator at any index: it adds the position. */
export class Cursor<T> implements Dataset<T> {
  #index = 0;
  #seeks = 0;

  /**
   * @param where what errors name
   * @param open an iterator from an index on, apart from any other. An iterator may go on after `next` has failed: that sample is lost.
   */
  constructor(
    readonly where: string,
    readonly open: (index: number) => AsyncIterator<T>,
  ) {}

  get index(): number {
    return this.#index;
  }

  seek(index: number): void {
    this.#index = checkIndex(this.where, index);
    this.#seeks++;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const seeks = this.#seeks;
      const iterator = this.open(this.#index);
      try {
        while (this.#seeks === seeks) {
          const next = await iterator.next();
          if (this.#seeks !== seeks) break;
          if (next.done) return;
          this.#index++;
          yield next.value;
        }
      } finally {
        await iterator.return?.();
      }
    }
  }
}
