import type { Tensor } from '#lib/tensor/index.js';

export type Inputs = Record<string, Tensor>;
export type Attributes = Readonly<Record<string, never>>;
/** An op of the golden set as a call of the library: outputs by name. */
export type Call = (inputs: Inputs, attributes: Attributes) => Record<string, Tensor>;
/** Calls by op; those under `composed` are put together here from several of the library's. */
export interface Table {
  readonly direct: Readonly<Record<string, Call>>;
  readonly composed: Readonly<Record<string, Call>>;
}
