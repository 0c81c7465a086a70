import type { TensorLike } from '../tensor/create.js';
import type { DType } from '../tensor/dtype.js';
import { Tensor } from '../tensor/tensor.js';
import * as elementwise from './elementwise.js';
import { type MatmulOptions, matmul } from './matmul.js';
import type { ArithmeticOf, FloatOf, MeanOf, NumberOf, QuotientOf, SumOf, WithNumber } from './promotion.js';
import * as reduce from './reduce.js';
import * as views from './views.js';

declare module '../tensor/tensor.js' {
  // Results depend on what `this` is, not on D: a conditional type of D would keep Tensor<'int32'> from being a Tensor.
  interface Tensor<out D extends DType> {
    add<A extends DType, B extends DType>(this: Tensor<A>, other: Tensor<B>): Tensor<ArithmeticOf<A, B>>;
    add<A extends DType>(this: Tensor<A>, other: number): Tensor<WithNumber<A>>;
    add(other: TensorLike): Tensor;
    sub<A extends DType, B extends DType>(this: Tensor<A>, other: Tensor<B>): Tensor<ArithmeticOf<A, B>>;
    sub<A extends DType>(this: Tensor<A>, other: number): Tensor<WithNumber<A>>;
    sub(other: TensorLike): Tensor;
    mul<A extends DType, B extends DType>(this: Tensor<A>, other: Tensor<B>): Tensor<ArithmeticOf<A, B>>;
    mul<A extends DType>(this: Tensor<A>, other: number): Tensor<WithNumber<A>>;
    mul(other: TensorLike): Tensor;
    div<A extends DType, B extends DType>(this: Tensor<A>, other: Tensor<B>): Tensor<QuotientOf<A, B>>;
    div<A extends DType>(this: Tensor<A>, other: number): Tensor<FloatOf<A>>;
    div(other: TensorLike): Tensor;
    neg<X extends DType>(this: Tensor<X>): Tensor<NumberOf<X>>;
    exp<X extends DType>(this: Tensor<X>): Tensor<FloatOf<X>>;
    log<X extends DType>(this: Tensor<X>): Tensor<FloatOf<X>>;
    sqrt<X extends DType>(this: Tensor<X>): Tensor<FloatOf<X>>;
    abs<X extends DType>(this: Tensor<X>): Tensor<NumberOf<X>>;
    square<X extends DType>(this: Tensor<X>): Tensor<NumberOf<X>>;
    tanh<X extends DType>(this: Tensor<X>): Tensor<FloatOf<X>>;
    sigmoid<X extends DType>(this: Tensor<X>): Tensor<FloatOf<X>>;
    relu<X extends DType>(this: Tensor<X>): Tensor<FloatOf<X>>;
    to<To extends DType>(dtype: To): Tensor<To>;
    sum<X extends DType>(this: Tensor<X>, options?: reduce.ReduceOptions): Tensor<SumOf<X>>;
    mean<X extends DType>(this: Tensor<X>, options?: reduce.ReduceOptions): Tensor<MeanOf<X>>;
    max<X extends DType>(this: Tensor<X>, options?: reduce.ReduceOptions): Tensor<SumOf<X>>;
    min<X extends DType>(this: Tensor<X>, options?: reduce.ReduceOptions): Tensor<SumOf<X>>;
    matmul(other: Tensor, options?: MatmulOptions): Tensor<'float32'>;
    reshape(shape: readonly number[]): Tensor<D>;
    transpose(axisA?: number, axisB?: number): Tensor<D>;
    permute(order: readonly number[]): Tensor<D>;
    slice(axis: number, start: number, end?: number, step?: number): Tensor<D>;
    broadcastTo(shape: readonly number[]): Tensor<D>;
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
