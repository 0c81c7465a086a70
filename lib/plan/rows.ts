/** Plans of B worlds on the host: [B, steps, actionSize]. */
export class ActionRows {
  readonly steps: number;

  constructor(
    readonly values: Float32Array,
    readonly problems: number,
    readonly actionSize: number,
  ) {
    this.steps = values.length / (problems * actionSize);
  }

  /** Without the first so many actions. */
  from(step: number): ActionRows {
    return this.#cut(Math.min(step, this.steps), this.steps);
  }

  /** [B, actionSize] one action of each. */
  at(step: number): Float32Array {
    return this.#cut(step, step + 1).values;
  }

  /** So many steps of each: what is missing is an action [actionSize]. */
  padded(steps: number, action: Float32Array): Float32Array {
    const all = new Float32Array(this.problems * steps * this.actionSize);
    for (let at = 0; at < all.length; at += this.actionSize) all.set(action, at);
    for (let problem = 0; problem < this.problems; problem++) {
      const own = this.values.subarray(
        problem * this.steps * this.actionSize,
        (problem + 1) * this.steps * this.actionSize,
      );
      all.set(own.subarray(0, steps * this.actionSize), problem * steps * this.actionSize);
    }
    return all;
  }

  #cut(start: number, end: number): ActionRows {
    const width = this.steps * this.actionSize;
    const parts = Array.from({ length: this.problems }, (_, problem) =>
      this.values.subarray(problem * width + start * this.actionSize, problem * width + end * this.actionSize),
    );
    const values = new Float32Array(parts.reduce((total, { length }) => total + length, 0));
    parts.reduce((at, part) => {
      values.set(part, at);
      return at + part.length;
    }, 0);
    return new ActionRows(values, this.problems, this.actionSize);
  }
}
