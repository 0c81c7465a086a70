/** Progress of a run by the wall clock, stalls included. Decides nothing: schedules count steps. */
export class Rate {
  readonly #start = performance.now();
  #samples = 0;
  #steps = 0;

  add(samples: number): void {
    this.#samples += samples;
    this.#steps++;
  }

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get perSecond(): number {
    return this.#samples / Math.max(this.seconds, 1e-9);
  }

  /** Seconds that this many further steps will take at the mean pace so far. */
  secondsFor(steps: number): number {
    return this.#steps === 0 ? Number.NaN : (steps * this.seconds) / this.#steps;
  }
}
