import type { TensorLike } from '../tensor/create.js';
import type { DType } from '../tensor/dtype.js';
import { Tensor } from '../tensor/tensor.js';
import * as elementwise from './elementwise.js';
import { type MatmulOptions, matmul } from './matmul.js';
import * as reduce from './reduce.js';
import * as views from './views.js';

declare module '../tensor/tensor.js' {
  interface Tensor {
    add(other: TensorLike): Tensor;
    sub(other: TensorLike): Tensor;
    mul(other: TensorLike): Tensor;
    div(other: TensorLike): Tensor;
    neg(): Tensor;
    exp(): Tensor;
    log(): Tensor;
    sqrt(): Tensor;
    abs(): Tensor;
    square(): Tensor;
    tanh(): Tensor;
    sigmoid(): Tensor;
    relu(): Tensor;
    to(dtype: DType): Tensor;
    sum(options?: reduce.ReduceOptions): Tensor;
    mean(options?: reduce.ReduceOptions): Tensor;
    max(options?: reduce.ReduceOptions): Tensor;
    min(options?: reduce.ReduceOptions): Tensor;
    matmul(other: Tensor, options?: MatmulOptions): Tensor;
    reshape(shape: readonly number[]): Tensor;
    transpose(axisA?: number, axisB?: number): Tensor;
    permute(order: readonly number[]): Tensor;
    slice(axis: number, start: number, end?: number, step?: number): Tensor;
    broadcastTo(shape: readonly number[]): Tensor;
  }
}

// The ops as methods, so that expressions read from left to right.
const methods: Record<string, (x: Tensor, ...rest: never[]) => Tensor> = {
  add: elementwise.add,
  sub: elementwise.sub,
  mul: elementwise.mul,
  div: elementwise.div,
  neg: elementwise.neg,
  exp: elementwise.exp,
  log: elementwise.log,
  sqrt: elementwise.sqrt,
  abs: elementwise.abs,
  square: elementwise.square,
  tanh: elementwise.tanh,
  sigmoid: elementwise.sigmoid,
  relu: elementwise.relu,
  to: elementwise.cast,
  sum: reduce.sum,
  mean: reduce.mean,
  max: reduce.max,
  min: reduce.min,
  matmul,
  reshape: views.reshape,
  transpose: views.transpose,
  permute: views.permute,
  slice: views.slice,
  broadcastTo: views.broadcastTo,
};
for (const [name, op] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      return op(this, ...rest);
    },
  });
}
