import { ByteWriter } from '../byte-writer.js';
import { isRounded } from '../product-format.js';
import { denseStrides } from '../shape.js';
import { type Buffer, type Graph, isWhole, type NativeNode, type Value } from './ir.js';
import { flagsOf, hasWindows, isMatmul, setWindows } from './product.js';
import { fewestChannels } from './windows.js';

/** Windows of the cotangent for each of the forward pass, from which on the zeros around it cost more than is saved. */
const mostWindows = 1.5;

/**
 * The gradient of what a convolution of stride 1 reads is a convolution of the cotangent with the kernel turned around: where rows of
 * gradients would be written for all windows and added up by `col2im`, one product gathers the windows of the cotangent instead, and
 * can multiply by the slope of the activation that comes next. Sums are the same in another order.
 * @param kept buffers that are wanted in memory
 */
export function turnKernels(graph: Graph, kept: ReadonlySet<Buffer>): void {
  const readers = graph.readers();
  for (const node of [...graph.nodes]) {
    if (node.kind !== 'native' || node.name !== 'col2im') continue;
    const [rows] = node.inputs;
    const [product, ...more] = rows.buffer.writers;
    const alone =
      more.length === 0 && readers.get(rows.buffer)?.length === 1 && isWhole(rows) && !kept.has(rows.buffer);
    if (alone && product.kind === 'native' && isMatmul(product)) turn(graph, node, product);
  }
  graph.nodes.sort((a, b) => a.order - b.order);
}

/** Puts copies of the turned weights and their product in the place of `product` and `node`, if these are of stride 1. */
function turn(graph: Graph, node: NativeNode, product: NativeNode): void {
  const view = new DataView(node.attributes.buffer, node.attributes.byteOffset);
  const [kh, kw, sh, sw, top, left, dh, dw, oh, ow] = Array.from({ length: 10 }, (_, k) => view.getUint32(4 * k, true));
  const [above, before] = [(kh - 1) * dh - top, (kw - 1) * dw - left];
  const [cotangent, weights, bias] = product.inputs;
  const [picture] = node.outputs;
  const [n, h, w, channels] = picture.shape;
  const [outputs] = weights.shape;
  if (sh !== 1 || sw !== 1 || above < 0 || before < 0 || bias || hasWindows(product)) return;
  if (outputs < fewestChannels || channels < fewestChannels || cotangent.strides[1] !== 1) return;
  if (h * w > mostWindows * oh * ow) return;
  const gone = new Set([node, product]);
  graph.nodes.splice(0, graph.nodes.length, ...graph.nodes.filter((other) => !gone.has(other as NativeNode)));
  picture.buffer.writers.splice(picture.buffer.writers.indexOf(node), 1);
  const add = (
    order: number,
    name: string,
    attributes: Uint8Array,
    inputs: readonly Value[],
    to: Value,
  ): NativeNode => {
    const added: NativeNode = { kind: 'native', order, name, attributes, inputs, outputs: [to] };
    to.buffer.writers.push(added);
    graph.nodes.push(added);
    return added;
  };
  const turned = graph.dense({ shape: [kh * kw * outputs, channels], dtype: 'float32' });
  for (let pixel = 0; pixel < kh * kw; pixel++) {
    const shape = [outputs, channels];
    const from = { ...weights, shape, offset: weights.offset + pixel * channels * weights.strides[1] };
    const offset = (kh * kw - 1 - pixel) * outputs * channels;
    add(node.order - 0.9, 'copy', new Uint8Array(0), [from], { ...turned, shape, strides: [channels, 1], offset });
  }
  const [row] = cotangent.strides;
  const seen = { ...cotangent, shape: [n, oh, ow, outputs], strides: [oh * ow * row, ow * row, row, 1] };
  const shape = [n * h * w, channels];
  const attributes = new ByteWriter().u32(flagsOf(product) & isRounded);
  for (const value of [turned.shape[0], channels, 0]) attributes.u32(value);
  const windows = new ByteWriter();
  for (const value of [kh, kw, 1, 1, above, before, dh, dw, h, w]) windows.u32(value);
  const gradient = { ...picture, shape, strides: denseStrides(shape) };
  // With room before it for what packs its weights.
  const result = add(node.order - 0.1, 'matmul', attributes.bytes(), [seen, turned], gradient);
  setWindows(result, 'left', windows.bytes());
}
