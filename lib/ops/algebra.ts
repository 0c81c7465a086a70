import { setAlgebra } from '../tensor/autodiff.js';
import { scalar } from '../tensor/create.js';
import { sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { currentTrace } from '../tensor/trace.js';
import { add } from './elementwise.js';
import { matmul, productOperands } from './matmul.js';
import { concat } from './parts.js';
import { broadcastTo, stopped, transpose } from './views.js';

/**
 * Sum of cotangents. The products among them, as the weight gradients of an unrolled recurrence, become one:
 * Σ aᵢ·bᵢ = [a₁ a₂ …]·[b₁; b₂; …], which writes the result once instead of once a step.
 */
function total(parts: readonly Tensor[]): Tensor {
  const merge = currentTrace()?.passes.mergeProducts ?? true;
  const products: { readonly part: Tensor; readonly operands: readonly [Tensor, Tensor] }[] = [];
  const others: Tensor[] = [];
  for (const part of parts) {
    const operands = merge ? productOperands(part) : undefined;
    if (operands && sameShape(part.shape, parts[0].shape)) products.push({ part, operands });
    else others.push(part);
  }
  if (products.length === 1) others.push(products[0].part);
  if (products.length > 1) {
    const left = concat(
      products.map(({ operands: [a] }) => transpose(a)),
      0,
    );
    const right = concat(
      products.map(({ operands: [, b] }) => b),
      0,
    );
    others.push(matmul(left, right, { transposeA: true }));
  }
  return others.reduce((sum, part) => add(sum, part));
}

setAlgebra({ ones: (like) => broadcastTo(scalar(1, like.dtype), like.shape), total, stop: stopped });
