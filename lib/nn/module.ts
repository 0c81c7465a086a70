import type { HostTensor } from '../io/safetensors.js';
import { recordRead, type Tensor, Variable } from '../tensor/index.js';
import { readState, type StateDict, writeState } from './state-dict.js';

/** A module that maps one tensor to another, as {@link Sequential} strings them together. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

/**
 * Something with parameters. Own enumerable properties that are a {@link Variable}, a module, or an array of these are its
 * children; their names on disk are the property path in snake_case (`blocks.0.attn.qkv.weight`).
 * @example
 * class Head extends Module {
 *   readonly hidden = new Linear(64, 128, { seed: 0, name: 'head.hidden' });
 *   readonly output = new Linear(128, 10, { seed: 0, name: 'head.output' });
 *   forward(x: Tensor): Tensor { return this.output.forward(relu(this.hidden.forward(x))); }
 * }
 */
export class Module {
  #training = true;
  readonly #buffers = new Set<Variable>();

  /** Whether layers behave as in training (the default). Reading it inside `compile` makes it part of the program's signature. */
  get training(): boolean {
    return recordRead(() => this.#training);
  }

  train(training = true): this {
    for (const module of this.modules()) module.#training = training;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** This module and all below it, each once. */
  modules(): Module[] {
    const found = new Set<Module>();
    const visit = (module: Module): void => {
      if (found.has(module)) return;
      found.add(module);
      for (const [, child] of module.#children()) if (child instanceof Module) visit(child);
    };
    visit(this);
    return [...found];
  }

  /** What gradients are taken of, frozen ones included; each once, in the order of the properties. */
  parameters(): Variable[] {
    return [...this.namedParameters().values()];
  }

  namedParameters(): Map<string, Variable> {
    return this.#named(false);
  }

  /** State that no gradient changes, such as running statistics, by name. */
  buffers(): Map<string, Variable> {
    return this.#named(true);
  }

  /** Values of all parameters and buffers by their names on disk. */
  async stateDict(): Promise<Map<string, HostTensor>> {
    return readState(this.#state());
  }

  /**
   * Replaces parameters and buffers. Nothing is written unless everything fits.
   * @param strict refuse missing and unexpected names too (default); otherwise only what fits by name is loaded
   * @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH listing missing, unexpected and mis-shaped names
   */
  async loadStateDict(state: StateDict, { strict = true }: { readonly strict?: boolean } = {}): Promise<void> {
    await writeState(this.constructor.name, this.#state(), state, strict);
  }

  /** Excludes the parameters from every optimiser until {@link unfreeze}. */
  freeze(): this {
    for (const parameter of this.parameters()) parameter.trainable = false;
    return this;
  }

  unfreeze(): this {
    for (const parameter of this.parameters()) parameter.trainable = true;
    return this;
  }

  /** Frees the memory of all parameters and buffers. */
  dispose(): void {
    for (const variable of this.#state().values()) variable.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Declares a variable as state that is saved but never optimised. */
  protected buffer(variable: Variable): Variable {
    variable.trainable = false;
    this.#buffers.add(variable);
    return variable;
  }

  #named(buffers: boolean): Map<string, Variable> {
    const named = new Map<string, Variable>();
    const seen = new Set<Variable | Module>();
    const visit = (module: Module, prefix: string): void => {
      for (const [name, child] of module.#children()) {
        if (seen.has(child)) continue;
        seen.add(child);
        if (child instanceof Module) visit(child, `${prefix}${name}.`);
        else if (module.#buffers.has(child) === buffers) named.set(prefix + name, child);
      }
    };
    visit(this, '');
    return named;
  }

  #state(): Map<string, Variable> {
    return new Map([...this.namedParameters(), ...this.buffers()]);
  }

  *#children(): Generator<[string, Variable | Module]> {
    for (const [key, value] of Object.entries(this)) yield* descend(snakeCase(key), value);
  }
}

function* descend(name: string, value: unknown): Generator<[string, Variable | Module]> {
  if (value instanceof Variable || value instanceof Module) yield [name, value];
  else if (Array.isArray(value))
    for (const [index, element] of value.entries()) yield* descend(`${name}.${index}`, element);
}

function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
