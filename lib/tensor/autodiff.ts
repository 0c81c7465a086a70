import { JepaError } from '../errors.js';
import { Recomputation } from './checkpoint.js';
import { isFloat } from './dtype.js';
import { inRepetition, type Node, siteOf } from './op.js';
import { show } from './shape.js';
import { synchronous } from './synchronous.js';
import { Tensor } from './tensor.js';
import { guardFinite } from './trace.js';

/** Ops that differentiation itself needs, installed by lib/ops so that imports stay acyclic. */
export interface Algebra {
  ones(like: Tensor): Tensor;
  /** Sum of tensors of one shape. */
  total(parts: readonly Tensor[]): Tensor;
  stop(x: Tensor): Tensor;
}
let algebra: Algebra;
export function setAlgebra(implementation: Algebra): void {
  algebra = implementation;
}

export type Gradients = Map<Tensor, Tensor>;

/**
 * Reverse-mode gradients of a scalar with respect to tensors, as more tensors. A tensor that the scalar does not depend on
 * has no entry, which is not the same as a zero gradient: optimisers leave such parameters alone.
 * @throws JepaError ERR_JEPA_SHAPE if the loss is no scalar of a float dtype, ERR_JEPA_NOT_DIFFERENTIABLE naming the op
 * @example
 * const x = tensor([3]);
 * const gradients = grad(sum(square(x)), [x]);
 * await gradients.get(x)?.toArray(); // [6]
 */
export function grad(loss: Tensor, wrt: Iterable<Tensor>): Gradients {
  if (loss.size !== 1 || !isFloat(loss.dtype))
    throw new JepaError('ERR_JEPA_SHAPE', `[grad] expected a scalar float loss, got ${loss.dtype} ${show(loss.shape)}`);
  const targets = new Set(wrt);
  const order = dependents(loss, targets);
  const contributions = new Map<Tensor, Tensor[]>([[loss, [algebra.ones(loss)]]]);
  const totals = new Map<Tensor, Tensor>();
  const cotangent = (tensor: Tensor): Tensor | undefined => {
    const parts = contributions.get(tensor);
    if (!parts) return undefined;
    let sum = totals.get(tensor);
    if (!sum) {
      sum = parts.length === 1 ? parts[0] : algebra.total(parts);
      totals.set(tensor, sum);
    }
    return sum;
  };
  const recomputation = new Recomputation();
  for (const { node, needs } of order.reverse()) {
    const cotangents = node.outputs.map(cotangent);
    if (cotangents.every((value) => value === undefined)) continue;
    if (node.op.gradient === null) continue;
    if (!node.op.gradient) {
      const site = siteOf(node);
      throw new JepaError(
        'ERR_JEPA_NOT_DIFFERENTIABLE',
        `[${node.op.name}] expected an op with a gradient: this one cannot be differentiated${site ? `\n    at ${site}` : ''}`,
      );
    }
    const { gradient } = node.op;
    const again = recomputation.of(node.region);
    const anew = (tensor: Tensor): Tensor => again?.values.get(tensor) ?? tensor;
    const gradients = inRepetition(again?.name, () =>
      gradient({
        inputs: node.inputs.map(anew),
        outputs: node.outputs.map(anew),
        attributes: node.attributes,
        cotangents,
        needs,
      }),
    );
    for (const [index, gradient] of gradients.entries()) {
      if (!gradient || !needs[index]) continue;
      const input = node.inputs[index];
      const parts = contributions.get(input);
      if (parts) parts.push(gradient);
      else contributions.set(input, [gradient]);
    }
  }
  const result: Gradients = new Map();
  for (const target of targets) {
    const gradient = cotangent(target);
    if (gradient) result.set(target, gradient);
  }
  return result;
}

/**
 * Evaluates a loss and its gradients. The function returns the loss, or an object with the loss under `loss` beside other values.
 * Inside `compile` a loss that is NaN or infinite fails the step before anything is assigned.
 * @example
 * const weight = variable(Float32Array.of(2), { name: 'weight' });
 * const { value: loss, gradients } = valueAndGrad(() => mse(mul(weight, 3), tensor([7])), [weight]);
 * await loss.item(); // 1
 * await gradients.get(weight)?.toArray(); // [-6]
 */
export function valueAndGrad<Value extends Tensor | { readonly loss: Tensor }>(
  fn: () => Value,
  wrt: Iterable<Tensor>,
): { value: Value; gradients: Gradients } {
  const value = synchronous('valueAndGrad', fn());
  const loss: unknown = value instanceof Tensor ? value : (value as { readonly loss?: unknown } | undefined)?.loss;
  if (!(loss instanceof Tensor))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      '[valueAndGrad] expected the function to return a tensor, or an object with the loss under `loss`',
    );
  guardFinite(loss, 'loss');
  return { value, gradients: grad(loss, wrt) };
}

/**
 * The same values, through which no gradient flows.
 * @example
 * const x = tensor([3]);
 * const gradients = grad(sum(mul(x, stopGradient(x))), [x]);
 * await gradients.get(x)?.toArray(); // [3]
 */
export function stopGradient(x: Tensor): Tensor {
  return algebra.stop(x);
}

/** Nodes between targets and loss, inputs first, with which of their inputs depend on a target. */
function dependents(loss: Tensor, targets: ReadonlySet<Tensor>): { node: Node; needs: boolean[] }[] {
  const depends = new Map<Node, boolean>();
  const order: { node: Node; needs: boolean[] }[] = [];
  const needed = (tensor: Tensor): boolean =>
    isFloat(tensor.dtype) && (targets.has(tensor) || (tensor.node !== undefined && depends.get(tensor.node) === true));
  const stack: { node: Node; entered: boolean }[] = loss.node ? [{ node: loss.node, entered: false }] : [];
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    if (depends.has(top.node)) {
      stack.pop();
      continue;
    }
    if (!top.entered) {
      top.entered = true;
      for (const { node } of top.node.inputs) if (node && !depends.has(node)) stack.push({ node, entered: false });
      continue;
    }
    stack.pop();
    const needs = top.node.inputs.map(needed);
    const any = top.node.op.gradient !== null && needs.some(Boolean);
    depends.set(top.node, any);
    if (any) order.push({ node: top.node, needs });
  }
  return order;
}
