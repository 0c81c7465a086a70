import type { TensorLike } from '../tensor/create.js';
import { type DType, isFloat } from '../tensor/dtype.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';

/** The dtype of sines and other functions of real numbers: floats keep theirs, others become float32. */
export type FloatOf<D extends DType> = DType extends D ? DType : RealNumbers[D];
/** The dtype of negation and other functions that whole numbers have too: uint8 and bool become int32. */
export type NumberOf<D extends DType> = DType extends D ? DType : Numbers[D];
/** The dtype of sums: floats are added as float32, whole numbers and bool as int32. */
export type SumOf<D extends DType> = DType extends D ? DType : Sums[D];
/** The dtype of means. */
export type MeanOf<D extends DType> = DType extends D ? DType : 'float32';
/** The dtype that two operands combine to; see {@link promote}. */
export type Promoted<A extends DType, B extends DType> = DType extends A | B ? DType : Promotions[A][B];
/** … in arithmetic, where bool counts as int32. */
export type ArithmeticOf<A extends DType, B extends DType> = DType extends A | B ? DType : Integral[Promotions[A][B]];
/** The dtype of a quotient. */
export type QuotientOf<A extends DType, B extends DType> = DType extends A | B ? DType : RealNumbers[Promotions[A][B]];
/** The dtype beside a number: an integer's own if that is whole, else float32. */
export type WithNumber<D extends DType> = DType extends D ? DType : WithNumbers[D];

// If nothing is known of an operand, nothing is of the result. Tables, not conditions on pairs: those nest, and exhaust the compiler's memory.
interface Row<F32, BF16, F16, I32, U8, Bool> {
  float32: F32;
  bfloat16: BF16;
  float16: F16;
  int32: I32;
  uint8: U8;
  bool: Bool;
}
type RealNumbers = Row<'float32', 'bfloat16', 'float16', 'float32', 'float32', 'float32'>;
type Numbers = Row<'float32', 'bfloat16', 'float16', 'int32', 'int32', 'int32'>;
type Integral = Row<'float32', 'bfloat16', 'float16', 'int32', 'uint8', 'int32'>;
type Sums = Row<'float32', 'float32', 'float32', 'int32', 'int32', 'int32'>;
type WithNumbers = Row<'float32', 'bfloat16', 'float16', 'int32' | 'float32', 'uint8' | 'float32', 'float32'>;
interface Promotions {
  float32: Row<'float32', 'float32', 'float32', 'float32', 'float32', 'float32'>;
  bfloat16: Row<'float32', 'bfloat16', 'float32', 'bfloat16', 'bfloat16', 'bfloat16'>;
  float16: Row<'float32', 'float32', 'float16', 'float16', 'float16', 'float16'>;
  int32: Row<'float32', 'bfloat16', 'float16', 'int32', 'int32', 'int32'>;
  uint8: Row<'float32', 'bfloat16', 'float16', 'int32', 'uint8', 'uint8'>;
  bool: Row<'float32', 'bfloat16', 'float16', 'int32', 'uint8', 'bool'>;
}

/** Arithmetic on two tensors that broadcast, or on a tensor and a number. */
export interface Arithmetic {
  <A extends DType, B extends DType>(a: Tensor<A>, b: Tensor<B>): Tensor<ArithmeticOf<A, B>>;
  <D extends DType>(a: Tensor<D>, b: number): Tensor<WithNumber<D>>;
  <D extends DType>(a: number, b: Tensor<D>): Tensor<WithNumber<D>>;
  (a: TensorLike, b: TensorLike): Tensor;
}
/** Division: integers become float32. */
export interface Division {
  <A extends DType, B extends DType>(a: Tensor<A>, b: Tensor<B>): Tensor<QuotientOf<A, B>>;
  <D extends DType>(a: Tensor<D>, b: number): Tensor<FloatOf<D>>;
  <D extends DType>(a: number, b: Tensor<D>): Tensor<FloatOf<D>>;
  (a: TensorLike, b: TensorLike): Tensor;
}
export type Comparison = (a: TensorLike, b: TensorLike) => Tensor<'bool'>;
/** A function of floats, element by element. */
export type FloatFunction = <D extends DType>(x: Tensor<D>) => Tensor<FloatOf<D>>;
/** A function of floats and of whole numbers. */
export type NumberFunction = <D extends DType>(x: Tensor<D>) => Tensor<NumberOf<D>>;

/** The dtype of a result: numbers take the tensor's, float32 wins over narrower floats, floats win over integers. */
export function promote(op: string, a: DType, b: DType): DType {
  if (a === b) return a;
  if (isFloat(a) && isFloat(b)) return 'float32';
  if (isFloat(a)) return a;
  if (isFloat(b)) return b;
  if (a === 'bool') return b;
  if (b === 'bool') return a;
  if ((a === 'int32' && b === 'uint8') || (a === 'uint8' && b === 'int32')) return 'int32';
  throw opError('ERR_JEPA_DTYPE', `[${op}] expected dtypes that combine, got ${a} and ${b}`);
}
