import { setAlgebra } from '../tensor/autodiff.js';
import { scalar } from '../tensor/create.js';
import { type Shape, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { currentTrace } from '../tensor/trace.js';
import { add } from './elementwise.js';
import { asProduct, type MatrixProduct, matmul } from './matmul.js';
import { concat, pad, paddedPart } from './parts.js';
import { broadcastTo, stopped, transpose } from './views.js';

/**
 * Parts of one axis with zeros around them, as the gradients of slices: those that do not overlap are laid one after
 * another, so that the whole is written once instead of once a part.
 */
function laidOut(parts: readonly Tensor[]): Tensor[] {
  const rows = new Map<number, { readonly x: Tensor; readonly start: number; readonly end: number }[][]>();
  const whole: Tensor[] = [];
  const padded = parts.map((part) => ({ part, ...paddedPart(part) }));
  for (const { part, x, axis, start } of padded.sort((a, b) => (a.start ?? 0) - (b.start ?? 0))) {
    if (x === undefined || axis === undefined || start === undefined || !sameShape(part.shape, parts[0].shape)) {
      whole.push(part);
      continue;
    }
    const known = rows.get(axis) ?? [];
    rows.set(axis, known);
    const piece = { x, start, end: start + x.shape[axis] };
    const row = known.find((pieces) => pieces[pieces.length - 1].end <= start);
    if (row) row.push(piece);
    else known.push([piece]);
  }
  for (const [axis, list] of rows) for (const row of list) whole.push(oneAfterAnother(row, axis, parts[0].shape));
  return whole;
}

function oneAfterAnother(
  row: readonly { readonly x: Tensor; readonly start: number; readonly end: number }[],
  axis: number,
  shape: Shape,
): Tensor {
  const zeros = (extent: number): Tensor =>
    broadcastTo(
      scalar(0, row[0].x.dtype),
      shape.map((size, k) => (k === axis ? extent : size)),
    );
  const pieces = row.flatMap(({ x, start }, index) => {
    const before = index === 0 ? start : row[index - 1].end;
    return start > before ? [zeros(start - before), x] : [x];
  });
  const after = shape[axis] - row[row.length - 1].end;
  return pad(
    concat(pieces, axis),
    shape.map((_, k) => (k === axis ? [row[0].start, after] : [0, 0])),
  );
}

/**
 * Sum of cotangents. The products among them, as the weight gradients of an unrolled recurrence, become one:
 * Σ aᵢ·bᵢ = [a₁ a₂ …]·[b₁; b₂; …], which writes the result once instead of once a step.
 */
function total(parts: readonly Tensor[]): Tensor {
  const merge = currentTrace()?.passes.mergeSums ?? true;
  const products: (MatrixProduct & { readonly part: Tensor })[] = [];
  const others: Tensor[] = [];
  for (const part of merge ? laidOut(parts) : parts) {
    const product = merge ? asProduct(part) : undefined;
    const alike = product && product.precision === (products[0] ?? product).precision;
    if (alike && sameShape(part.shape, parts[0].shape)) products.push({ ...product, part });
    else others.push(part);
  }
  if (products.length === 1) others.push(products[0].part);
  if (products.length > 1) {
    const lefts = concat(
      products.map(({ left }) => transpose(left)),
      0,
    );
    const rights = concat(
      products.map(({ right }) => right),
      0,
    );
    others.push(matmul(lefts, rights, { transposeA: true, precision: products[0].precision }));
  }
  return others.reduce((sum, part) => add(sum, part));
}

setAlgebra({ ones: (like) => broadcastTo(scalar(1, like.dtype), like.shape), total, stop: stopped });
