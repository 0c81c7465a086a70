import { denseStrides } from '../shape.js';
import {
  type Buffer,
  type ElementwiseNode,
  type Graph,
  type IrNode,
  isWhole,
  type NativeNode,
  type Value,
} from './ir.js';
import { hasWindows, isMatmul, isProduct, setActivation, setLate, setResidual, setSlope } from './product.js';

/** Names of elementwise ops in the order of native/simd/activation_kind.h, of which 0 is none. */
const activations = ['', 'gelu_erf', 'gelu_tanh', 'silu', 'relu'];
const slopes = ['', 'gelu_erf_slope', 'gelu_tanh_slope'];

/**
 * What is done to the result of a product number by number, the product does itself to its last sums while they are in the first
 * cache: an activation (where the slope needs the sums too, as in training, they are a second result), a residual that is added,
 * and in the gradient the slope of an activation. Each saves passes over memory. The gradient of a layer normalisation adds what
 * comes another way, past the block that it stands in. Results for other products alone, which compute for long on what they read,
 * and those of the program may be written past the caches; not those whose windows a product gathers, which reads them several times.
 * @param kept buffers that are wanted in memory: returned or guarded, and those that variables are assigned
 */
export function applyEpilogues(
  graph: Graph,
  kept: { readonly results: ReadonlySet<Buffer>; readonly assigned: ReadonlySet<Buffer> },
): void {
  const epilogues = new Epilogues(graph, new Set([...kept.results, ...kept.assigned]), kept.assigned);
  for (const node of graph.nodes) {
    if (node.kind === 'native' && node.name === 'layer_norm_gradient') epilogues.residual(node);
    if (!isProduct(node) || epilogues.slope(node)) continue;
    epilogues.activation(node);
    epilogues.residual(node);
  }
  graph.remove(epilogues.gone);
  const readers = graph.readers();
  for (const node of graph.nodes) {
    if (node.kind !== 'native' || !isMatmul(node)) continue;
    const of = readers.get(node.outputs[0].buffer) ?? [];
    if (of.every(({ node }) => node.kind === 'native' && isMatmul(node) && !hasWindows(node))) setLate(node);
  }
}

class Epilogues {
  /** Nodes that others have taken over. */
  readonly gone = new Set<IrNode>();
  private readonly readers: ReturnType<Graph['readers']>;

  constructor(
    graph: Graph,
    private readonly kept: ReadonlySet<Buffer>,
    private readonly assigned: ReadonlySet<Buffer>,
  ) {
    this.readers = graph.readers();
  }

  /** y = activation(s); s stays a result where anything else reads it. */
  activation(product: NativeNode): void {
    const [sums] = product.outputs;
    const readers = this.readersOf(sums);
    const found = readers.filter(({ op }) => activations.indexOf(op.name) > 0);
    const needed = this.kept.has(sums.buffer) || (this.readers.get(sums.buffer) ?? []).length > 1;
    if (needed && !isMatmul(product)) return;
    if (found.length !== 1 || !isAlone(sums) || !this.takes(product, found[0])) return;
    const [{ op, output }] = found;
    setActivation(product, activations.indexOf(op.name));
    product.outputs = needed ? [alike(output, sums), sums] : [alike(output, sums)];
  }

  /** y = s + r, unless more is done to the sum in a pass that adds as well. */
  residual(product: NativeNode): void {
    const [result] = product.outputs;
    const add = this.onlyReader(result, 'add');
    // What is assigned the pass writes in place, where the variable lies.
    if (!add || this.assigned.has(add.output.buffer)) return;
    const other = add.inputs.find(({ buffer }) => buffer !== result.buffer);
    if (!other || !this.isThere(other, result, product)) return;
    const next = this.readers.get(add.output.buffer) ?? [];
    if (next.length === 1 && next[0].node.kind === 'elementwise' && !this.kept.has(add.output.buffer)) return;
    if (!this.takes(product, add)) return;
    setResidual(product);
    product.inputs = [...product.inputs, alike(other, result)];
    product.outputs = [alike(add.output, result), ...product.outputs.slice(1)];
  }

  /** y = s·activation′(h), where nothing else needs the slope. */
  slope(product: NativeNode): boolean {
    const [sums] = product.outputs;
    const multiplied = isMatmul(product) ? this.onlyReader(sums, 'mul') : undefined;
    const factor = multiplied?.inputs.find(({ buffer }) => buffer !== sums.buffer);
    const [writer, ...more] = factor?.buffer.writers ?? [];
    if (!multiplied || !factor || writer?.kind !== 'elementwise' || more.length > 0) return false;
    const activation = slopes.indexOf(writer.op.name);
    const at = writer.inputs[0];
    const once = this.readers.get(factor.buffer)?.length === 1 && !this.kept.has(factor.buffer);
    if (activation < 1 || !once || !isWhole(factor) || !this.isThere(at, sums, product)) return false;
    if (!this.takes(product, multiplied)) return false;
    this.gone.add(writer);
    setActivation(product, activation);
    setSlope(product);
    product.inputs = [...product.inputs, alike(at, sums)];
    product.outputs = [alike(multiplied.output, sums)];
    return true;
  }

  /** Makes the product the writer of what `node` writes, if it writes the whole of a buffer of its own. */
  private takes(product: NativeNode, node: ElementwiseNode): boolean {
    const { output } = node;
    if (output.dtype !== 'float32' || !isAlone(output) || this.gone.has(node)) return false;
    output.buffer.writers[0] = product;
    this.gone.add(node);
    return true;
  }

  /** Elementwise nodes that read the whole value. */
  private readersOf(value: Value): ElementwiseNode[] {
    return (this.readers.get(value.buffer) ?? []).flatMap(({ node, input }) =>
      node.kind === 'elementwise' && isWhole(input) ? [node] : [],
    );
  }

  /** The node of this name that alone reads a value, and needs nothing else of it in memory. */
  private onlyReader(value: Value, name: string): ElementwiseNode | undefined {
    if (!isAlone(value) || this.kept.has(value.buffer) || this.readers.get(value.buffer)?.length !== 1)
      return undefined;
    const [node] = this.readersOf(value);
    return node?.op.name === name ? node : undefined;
  }

  /** Whether a value is as large as the product's result and computed before it. */
  private isThere(value: Value, result: Value, product: NativeNode): boolean {
    const sized = value.dtype === 'float32' && isWhole(value) && value.buffer.elements === result.buffer.elements;
    return sized && value.constant === undefined && value.buffer.writers.every(({ order }) => order < product.order);
  }
}

/** Whether a value is all of a buffer and written at once. */
function isAlone(value: Value): boolean {
  return isWhole(value) && value.buffer.writers.length === 1;
}

/** A whole buffer in the shape of the product's result. */
function alike(value: Value, { shape }: Value): Value {
  return { ...value, shape, strides: denseStrides(shape) };
}
