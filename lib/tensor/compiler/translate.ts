import { JepaError } from '../../errors.js';
import { ByteWriter } from '../byte-writer.js';
import { isFloat, numberFrom } from '../dtype.js';
import { attributesKey, type Node, type OpDefinition, siteOf } from '../op.js';
import { sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Passes } from '../trace.js';
import { Variable } from '../variable.js';
import { broadcastView, Graph, keyOf, satisfies, type Value } from './ir.js';
import { placed, sideBySide } from './place.js';

/** From so many elements on, scattered ones are rearranged before an elementwise pass reads them. */
const scattered = 4096;

/** An elementwise op without inputs: every element is the number in its attributes. */
export const fill: OpDefinition<number> = {
  name: 'fill',
  outputs: () => [],
  emit: (emitter, _registers, value, _inputs, output) =>
    isFloat(output.dtype) ? emitter.float(value) : emitter.int(value),
};

/**
 * Turns tensors into a graph of memory operations. Views become strides, equal nodes one node, constants numbers.
 * @param placeholders the program's inputs, in order
 */
export class Translator {
  readonly graph = new Graph();
  readonly variables: Variable[] = [];
  readonly #passes: Passes;
  readonly #values = new Map<Tensor, Value>();
  readonly #shared = new Map<string, Value[]>();

  constructor(placeholders: readonly Tensor[], passes: Passes) {
    this.#passes = passes;
    for (const [slot, tensor] of placeholders.entries())
      this.#values.set(tensor, this.graph.dense(tensor, { kind: 'input', slot }));
  }

  /** Translates everything that these tensors depend on. */
  translate(roots: readonly Tensor[]): void {
    for (const node of reachable(roots, this.#values)) this.#node(node);
    for (const root of roots) this.valueOf(root);
  }

  valueOf(tensor: Tensor): Value {
    const known = this.#values.get(tensor);
    if (known) return known;
    const value = this.#leaf(tensor);
    this.#values.set(tensor, value);
    return value;
  }

  /** The storage of a variable. */
  variable(variable: Variable): Value {
    return this.valueOf(variable);
  }

  #leaf(tensor: Tensor): Value {
    if (tensor instanceof Variable) {
      this.variables.push(tensor);
      return this.graph.dense(tensor, { kind: 'variable', slot: this.variables.length - 1, variable: tensor });
    }
    const { host } = tensor;
    if (!host) {
      tensor.checkUsable();
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        '[compile] expected tensors with values or inputs of this function, got a placeholder of another compiled function',
      );
    }
    const value = this.graph.dense(tensor, { kind: 'constant', host });
    return tensor.size === 1 ? { ...value, constant: numberFrom(tensor.dtype, host[0]) } : value;
  }

  #node(node: Node): void {
    const { op, attributes, repetition } = node;
    this.graph.repetition = repetition;
    const inputs = node.inputs.map((input) => this.valueOf(input));
    const shareable = this.#passes.share;
    const key = shareable
      ? `${repetition ?? ''} ${op.name} ${attributesKey(attributes)} ${inputs.map(keyOf).join(' ')} ${node.outputs.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`).join(' ')}`
      : '';
    let outputs = shareable ? this.#shared.get(key) : undefined;
    if (!outputs) {
      outputs = this.#compute(node, inputs);
      if (shareable) this.#shared.set(key, outputs);
    }
    for (const [index, output] of node.outputs.entries()) this.#values.set(output, outputs[index]);
  }

  #compute(node: Node, inputs: readonly Value[]): Value[] {
    const { op, attributes, inputs: tensors, outputs } = node;
    const [first] = outputs;
    if (op.view) {
      const view = op.view(inputs[0], attributes) ?? op.view(this.#dense(inputs[0]), attributes);
      if (!view) throw new JepaError('ERR_JEPA_PROGRAM', `[${op.name}] expected a view of a dense tensor`);
      const base = op.view(inputs[0], attributes) ? inputs[0] : this.#dense(inputs[0]);
      return [{ buffer: base.buffer, dtype: base.dtype, constant: base.constant, ...view }];
    }
    if (op.emit)
      return [
        this.graph.elementwise(
          op,
          attributes,
          tensors,
          inputs.map((input) => broadcastView(this.#alongRows(input), first.shape)),
          this.graph.dense(first),
        ),
      ];
    if (op.parts) return [this.#parts(op, attributes, inputs, first)];
    if (!op.native) throw new JepaError('ERR_JEPA_PROGRAM', `[${op.name}] expected an op that can be computed`);
    const { layouts, encode, place } = op.native;
    const writer = new ByteWriter();
    const operands = inputs.map((input, index) =>
      satisfies(input, layouts[Math.min(index, layouts.length - 1)]) && input.constant === undefined
        ? input
        : this.#dense(input),
    );
    encode(writer, attributes, operands, outputs);
    const results =
      place && this.#passes.place
        ? placed(this.graph, outputs, place(outputs))
        : outputs.map((output) => this.graph.dense(output));
    this.graph.native(op.name, writer.bytes(), operands, results, op.native.fallible ? siteOf(node) : undefined);
    return results;
  }

  /** Elements that lie apart along the last axis cost a cache line each: rearranged first, in blocks, where there are many. */
  #alongRows(value: Value): Value {
    let last = value.shape.length - 1;
    while (last >= 0 && value.shape[last] === 1) last--;
    return value.constant === undefined && last >= 0 && value.strides[last] > 1 && sizeOf(value.shape) >= scattered
      ? this.#dense(value)
      : value;
  }

  /** The same elements in a dense buffer of their own. */
  #dense(value: Value): Value {
    const key = `${this.graph.repetition ?? ''} copy ${keyOf(value)}`;
    const known = this.#passes.share ? this.#shared.get(key)?.[0] : undefined;
    if (known) return known;
    const to = this.graph.dense(value);
    const dense =
      value.constant === undefined
        ? this.graph.copy(value, to)
        : this.graph.elementwise(fill as OpDefinition<unknown>, value.constant, [], [], to);
    this.#shared.set(key, [dense]);
    return dense;
  }

  #parts(op: OpDefinition<unknown>, attributes: unknown, inputs: readonly Value[], output: Tensor): Value {
    const parts = op.parts?.(inputs, attributes) ?? [];
    const joined = this.#passes.place ? sideBySide(parts, inputs, output) : undefined;
    if (joined) return joined;
    const whole = this.graph.dense(output);
    for (const { input, fill: number, at } of parts) {
      if (sizeOf(at.shape) === 0) continue;
      const window: Value = { ...whole, ...at };
      if (input === undefined || inputs[input].constant !== undefined)
        this.graph.elementwise(
          fill as OpDefinition<unknown>,
          input === undefined ? (number ?? 0) : inputs[input].constant,
          [],
          [],
          window,
        );
      else this.graph.copy(inputs[input], window);
    }
    return whole;
  }
}

/** Unvisited nodes under the roots in the order they were made, which is topological. */
function reachable(roots: readonly Tensor[], known: ReadonlyMap<Tensor, Value>): Node[] {
  const found = new Set<Node>();
  const stack = roots.filter((root) => !known.has(root));
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    const { node } = tensor;
    if (!node || found.has(node) || known.has(tensor)) continue;
    found.add(node);
    for (const input of node.inputs) if (!known.has(input)) stack.push(input);
  }
  return [...found].sort((a, b) => a.id - b.id);
}
