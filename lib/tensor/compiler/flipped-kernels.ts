import { ByteWriter } from '../byte-writer.js';
import { isRounded } from '../product-format.js';
import { denseStrides } from '../shape.js';
import { type Buffer, type Graph, isWhole, type NativeNode, type Value } from './ir.js';
import { flagsOf, hasWindows, isMatmul, setWindows } from './product.js';
import { fewestChannels } from './windows.js';

/** Pixels of the input for each of the result, above which products with the zeros around it cost more than adding up does. */
const mostPixels = 1.5;

/**
 * The gradient of what a convolution of stride 1 reads is a convolution of the cotangent with the kernel flipped: where rows of
 * gradients would be written for all windows and added up by `col2im`, one product gathers the windows of the cotangent instead
 * (implicit im2col), and can multiply by the slope of the activation that comes next. Sums are the same in another order, as long as
 * weights are finite: they also meet the zeros around the cotangent.
 * @param kept buffers that are wanted in memory
 */
export function flipKernels(graph: Graph, kept: ReadonlySet<Buffer>): void {
  const readers = graph.readers();
  for (const node of [...graph.nodes]) {
    if (node.kind !== 'native' || node.name !== 'col2im') continue;
    const [rows] = node.inputs;
    const [product, ...more] = rows.buffer.writers;
    const alone = more.length === 0 && readers.get(rows.buffer)?.length === 1 && !kept.has(rows.buffer);
    if (!alone || !isWhole(rows) || product?.kind !== 'native' || !isMatmul(product)) continue;
    const convolution = flipped(node, product);
    if (convolution) replace(graph, node, product, convolution);
  }
  graph.nodes.sort((a, b) => a.order - b.order);
}

/** A convolution of the cotangent: kernel, padding, dilation and result of its windows. */
interface Flipped {
  readonly kernel: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** The cotangent as a picture [N, OH, OW, O]. */
  readonly cotangent: Value;
  readonly outputs: number;
}

/** What the product and `col2im` compute as one convolution, where that is one, and pays. */
function flipped(col2im: NativeNode, product: NativeNode): Flipped | undefined {
  const view = new DataView(col2im.attributes.buffer, col2im.attributes.byteOffset);
  const [kh, kw, sh, sw, top, left, dh, dw, oh, ow] = Array.from({ length: 10 }, (_, k) => view.getUint32(4 * k, true));
  const padding = [(kh - 1) * dh - top, (kw - 1) * dw - left] as const;
  const [cotangent, weights, bias] = product.inputs;
  const [n, h, w, channels] = col2im.outputs[0].shape;
  const matrices = cotangent.shape.length === 2 && weights.shape.length === 2 && !bias && !hasWindows(product);
  if (!matrices || sh !== 1 || sw !== 1 || padding.some((width) => width < 0)) return undefined;
  const [outputs] = weights.shape;
  // Windows of few outputs are gathered in short runs, and few channels fill no panel of the product.
  if (outputs < fewestChannels || channels < fewestChannels || cotangent.strides[1] !== 1) return undefined;
  if (h * w > mostPixels * oh * ow) return undefined;
  const [row] = cotangent.strides;
  const picture = { ...cotangent, shape: [n, oh, ow, outputs], strides: [oh * ow * row, ow * row, row, 1] };
  return { kernel: [kh, kw], padding, dilation: [dh, dw], cotangent: picture, outputs };
}

function replace(graph: Graph, col2im: NativeNode, product: NativeNode, convolution: Flipped): void {
  const { kernel, padding, dilation, cotangent, outputs } = convolution;
  const [picture] = col2im.outputs;
  const [n, h, w, channels] = picture.shape;
  graph.remove(new Set([col2im, product]));
  picture.buffer.writers.splice(picture.buffer.writers.indexOf(col2im), 1);
  const pixels = kernel[0] * kernel[1];
  const weights = product.inputs[1];
  const columns = graph.dense({ shape: [pixels * outputs, channels], dtype: 'float32' });
  // Copies come so long before the product that what packs its weights finds a place between them.
  for (let pixel = 0; pixel < pixels; pixel++) {
    const shape = [outputs, channels];
    const from = { ...weights, shape, offset: weights.offset + pixel * channels * weights.strides[1] };
    const offset = (pixels - 1 - pixel) * outputs * channels;
    graph.insert(
      col2im.order - 0.9,
      'copy',
      new Uint8Array(0),
      [from],
      [{ ...columns, shape, strides: [channels, 1], offset }],
    );
  }
  const shape = [n * h * w, channels];
  const attributes = new ByteWriter().u32(flagsOf(product) & isRounded);
  for (const value of [columns.shape[0], channels, 0]) attributes.u32(value);
  const windows = new ByteWriter();
  for (const value of [...kernel, 1, 1, ...padding, ...dilation, h, w]) windows.u32(value);
  const gradient = { ...picture, shape, strides: denseStrides(shape) };
  const result = graph.insert(col2im.order - 0.1, 'matmul', attributes.bytes(), [cotangent, columns], [gradient]);
  setWindows(result, 'left', windows.bytes());
}
