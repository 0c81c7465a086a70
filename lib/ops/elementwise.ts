import { scalar, type TensorLike } from '../tensor/create.js';
import { type DType, dtypes, isFloat } from '../tensor/dtype.js';
import { apply, type GradientContext, type OpDefinition } from '../tensor/op.js';
import { broadcastShapes } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import { Tensor } from '../tensor/tensor.js';
import {
  type Arithmetic,
  type Comparison,
  type Division,
  type FloatFunction,
  type FloatOf,
  type NumberFunction,
  type NumberOf,
  type Promoted,
  promote,
  type WithNumber,
} from './promotion.js';
import { unbroadcast } from './unbroadcast.js';

type Gradient = (context: GradientContext<unknown>, dy: Tensor) => (Tensor | undefined)[];

/** A number beside a tensor becomes a scalar of its dtype, or float32 if it would not fit into an integer one. */
function operands(op: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  const like = (value: TensorLike, other: TensorLike): Tensor => {
    if (value instanceof Tensor) return value;
    if (typeof value !== 'number')
      throw opError('ERR_JEPA_INVALID_ARGUMENT', `[${op}] expected tensors or numbers, got ${typeof value}`);
    const dtype = other instanceof Tensor ? other.dtype : 'float32';
    return scalar(value, isFloat(dtype) || (Number.isInteger(value) && dtype !== 'bool') ? dtype : 'float32');
  };
  return [like(a, b), like(b, a)];
}

const float = (dtype: DType): boolean => isFloat(dtype);

function converted(op: string, x: Tensor, dtype: DType): Tensor {
  return checked(op, x).dtype === dtype ? x : cast(x, dtype);
}

/** TypeScript sees to it; JavaScript does not. */
function checked(op: string, x: Tensor): Tensor {
  if (!(x instanceof Tensor)) throw opError('ERR_JEPA_INVALID_ARGUMENT', `[${op}] expected a tensor, got ${typeof x}`);
  return x;
}

/** Defines `name(a, b)` with broadcasting. Instructions: one for floats, one for integers. */
function binary(
  name: string,
  codes: { readonly float: string; readonly int?: string; readonly bool?: boolean },
  gradient: Gradient | null,
): (a: TensorLike, b: TensorLike) => Tensor<never> {
  const op: OpDefinition<null> = {
    name,
    outputs: ([a, b]) => [{ shape: broadcastShapes(name, a.shape, b.shape), dtype: codes.bool ? 'bool' : a.dtype }],
    emit: (e, [a, b], _, [{ dtype }]) => {
      const code = float(dtype) ? codes.float : codes.int;
      if (!code) throw opError('ERR_JEPA_DTYPE', `[${name}] expected floating-point tensors, got ${dtype}`);
      return e.op(code, a, b);
    },
    gradient:
      gradient &&
      ((context) =>
        gradient(context, context.cotangents[0] as Tensor).map(
          (part, index) => part && unbroadcast(part, context.inputs[index].shape),
        )),
  };
  return (left, right) => {
    const [a, b] = operands(name, left, right);
    let dtype = promote(name, a.dtype, b.dtype);
    if (!codes.int && !float(dtype)) dtype = 'float32';
    if (codes.int && dtype === 'bool' && !codes.bool) dtype = 'int32';
    return apply(op, [converted(name, a, dtype), converted(name, b, dtype)], null)[0] as Tensor<never>;
  };
}

/** Defines `name(x)` for floating-point tensors (others become float32), or for integers too where an instruction exists. */
function unary(
  name: string,
  codes: { readonly float: string; readonly int?: string },
  gradient: Gradient | null,
): (x: Tensor) => Tensor<never> {
  const op: OpDefinition<null> = {
    name,
    outputs: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
    emit: (e, [x], _, [{ dtype }]) => e.op(float(dtype) ? codes.float : (codes.int as string), x),
    gradient: gradient && ((context) => gradient(context, context.cotangents[0] as Tensor)),
  };
  return (x) =>
    apply(
      op,
      [float(checked(name, x).dtype) ? x : converted(name, x, codes.int ? 'int32' : 'float32')],
      null,
    )[0] as Tensor<never>;
}

/** a + b. @example await add(tensor([1, 2]), 1).toArray(); // [2, 3] */
export const add: Arithmetic = binary('add', { float: 'add_f', int: 'add_i' }, (_, dy) => [dy, dy]);
/** a − b. @example await sub(tensor([1, 2]), 1).toArray(); // [0, 1] */
export const sub: Arithmetic = binary('sub', { float: 'sub_f', int: 'sub_i' }, ({ needs }, dy) => [
  dy,
  needs[1] ? neg(dy) : undefined,
]);
/** a · b, element by element. @example await mul(tensor([1, 2]), tensor([3, 4])).toArray(); // [3, 8] */
export const mul: Arithmetic = binary('mul', { float: 'mul_f', int: 'mul_i' }, ({ inputs: [a, b], needs }, dy) => [
  needs[0] ? mul(dy, b) : undefined,
  needs[1] ? mul(dy, a) : undefined,
]);
/** a / b; integers become float32. @example await div(tensor([1, 2]), 4).toArray(); // [0.25, 0.5] */
export const div: Division = binary('div', { float: 'div_f' }, ({ inputs: [, b], outputs: [y], needs }, dy) => {
  const da = div(dy, b);
  return [da, needs[1] ? neg(mul(da, y)) : undefined];
});

// Equal operands share the gradient; NaN goes to neither.
const extremum =
  (wins: (a: Tensor, b: Tensor) => Tensor): Gradient =>
  ({ inputs: [a, b] }, dy) => {
    const half = mul(dy, 0.5);
    const tie = equal(a, b);
    return [where(tie, half, where(wins(a, b), dy, 0)), where(tie, half, where(wins(b, a), dy, 0))];
  };
/** The smaller of a and b; NaN if either is. @example await minimum(tensor([1, 5]), 3).toArray(); // [1, 3] */
export const minimum: Arithmetic = binary(
  'minimum',
  { float: 'min_f', int: 'min_i' },
  extremum((a, b) => less(a, b)),
);
/** The larger of a and b; NaN if either is. @example await maximum(tensor([1, 5]), 3).toArray(); // [3, 5] */
export const maximum: Arithmetic = binary(
  'maximum',
  { float: 'max_f', int: 'max_i' },
  extremum((a, b) => greater(a, b)),
);

/** −x. @example await neg(tensor([1, -2])).toArray(); // [-1, 2] */
export const neg: NumberFunction = unary('neg', { float: 'neg_f', int: 'neg_i' }, (_, dy) => [neg(dy)]);
/** |x|; its gradient at 0 is 0. @example await abs(tensor([1, -2])).toArray(); // [1, 2] */
export const abs: NumberFunction = unary('abs', { float: 'abs_f', int: 'abs_i' }, ({ inputs: [x] }, dy) => [
  mul(dy, sign(x)),
]);
/** −1, 0 or 1; gradient 0. @example await sign(tensor([3, -2, 0])).toArray(); // [1, -1, 0] */
export const sign: NumberFunction = unary('sign', { float: 'sign_f', int: 'sign_i' }, ({ inputs: [x] }) => [mul(x, 0)]);
/** Largest whole number ≤ x; gradient 0. @example await floor(tensor([1.5, -1.5])).toArray(); // [1, -2] */
export const floor: FloatFunction = unary('floor', { float: 'floor_f' }, ({ inputs: [x] }) => [mul(x, 0)]);
/** e^x. @example await exp(tensor([0, 1])).toArray(); // [1, 2.71828] */
export const exp: FloatFunction = unary('exp', { float: 'exp' }, ({ outputs: [y] }, dy) => [mul(dy, y)]);
/** Natural logarithm. @example await log(tensor([1, 10])).toArray(); // [0, 2.30259] */
export const log: FloatFunction = unary('log', { float: 'log' }, ({ inputs: [x] }, dy) => [div(dy, x)]);
/** √x; NaN for negative x. @example await sqrt(tensor([4, 2])).toArray(); // [2, 1.41421] */
export const sqrt: FloatFunction = unary('sqrt', { float: 'sqrt' }, ({ outputs: [y] }, dy) => [div(mul(dy, 0.5), y)]);
/** 1 / √x. @example await rsqrt(tensor([4, 2])).toArray(); // [0.5, 0.70711] */
export const rsqrt: FloatFunction = unary('rsqrt', { float: 'rsqrt' }, ({ inputs: [x], outputs: [y] }, dy) => [
  div(mul(mul(dy, -0.5), y), x),
]);
/** Sine of radians. @example await sin(tensor([0, Math.PI / 2])).toArray(); // [0, 1] */
export const sin: FloatFunction = unary('sin', { float: 'sin' }, ({ inputs: [x] }, dy) => [mul(dy, cos(x))]);
/** Cosine of radians. @example await cos(tensor([0, Math.PI])).toArray(); // [1, -1] */
export const cos: FloatFunction = unary('cos', { float: 'cos' }, ({ inputs: [x] }, dy) => [neg(mul(dy, sin(x)))]);
/** (e^x − e^−x)/(e^x + e^−x). @example await tanh(tensor([0, 1])).toArray(); // [0, 0.76159] */
export const tanh: FloatFunction = unary('tanh', { float: 'tanh' }, ({ outputs: [y] }, dy) => [
  mul(dy, sub(1, mul(y, y))),
]);
/** 1 / (1 + e^−x). @example await sigmoid(tensor([0, Math.log(3)])).toArray(); // [0.5, 0.75] */
export const sigmoid: FloatFunction = unary('sigmoid', { float: 'sigmoid' }, ({ outputs: [y] }, dy) => [
  mul(dy, mul(y, sub(1, y))),
]);
/** 2/√π ∫₀ˣ e^(−t²) dt. @example await erf(tensor([0, 1])).toArray(); // [0, 0.8427] */
export const erf: FloatFunction = unary('erf', { float: 'erf' }, ({ inputs: [x] }, dy) => [
  mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
]);
/** x · σ(x). @example await silu(tensor([0, 1])).toArray(); // [0, 0.73106] */
export const silu: FloatFunction = unary('silu', { float: 'silu' }, ({ inputs: [x] }, dy) => {
  const s = sigmoid(x);
  return [mul(dy, mul(s, add(mul(x, sub(1, s)), 1)))];
});
/** max(x, 0); its gradient at 0 is 0. @example await relu(tensor([-1, 2])).toArray(); // [0, 2] */
export const relu: FloatFunction = unary('relu', { float: 'relu' }, ({ inputs: [x] }, dy) => [
  where(greater(x, 0), dy, 0),
]);

const geluErfSlope: FloatFunction = unary('gelu_erf_slope', { float: 'gelu_erf_d' }, null);
const geluTanhSlope: FloatFunction = unary('gelu_tanh_slope', { float: 'gelu_tanh_d' }, null);
const geluErf: FloatFunction = unary('gelu_erf', { float: 'gelu_erf' }, ({ inputs: [x] }, dy) => [
  mul(dy, geluErfSlope(x)),
]);
const geluTanh: FloatFunction = unary('gelu_tanh', { float: 'gelu_tanh' }, ({ inputs: [x] }, dy) => [
  mul(dy, geluTanhSlope(x)),
]);

/**
 * Gaussian error linear unit x·Φ(x) (Hendrycks & Gimpel 2016), exact or by the tanh approximation.
 * @example await gelu(tensor([0, 1])).toArray(); // [0, 0.84134]
 */
export function gelu<D extends DType>(
  x: Tensor<D>,
  { approximate = 'none' }: { readonly approximate?: 'none' | 'tanh' } = {},
): Tensor<FloatOf<D>> {
  return approximate === 'tanh' ? geluTanh(x) : geluErf(x);
}

/** x². @example await square(tensor([3, -2])).toArray(); // [9, 4] */
export function square<D extends DType>(x: Tensor<D>): Tensor<NumberOf<D>> {
  return mul(x as Tensor, x as Tensor) as Tensor<NumberOf<D>>;
}

/** 1 / x. @example await reciprocal(tensor([2, 4])).toArray(); // [0.5, 0.25] */
export function reciprocal<D extends DType>(x: Tensor<D>): Tensor<FloatOf<D>> {
  return div(1, x as Tensor) as Tensor<FloatOf<D>>;
}

/**
 * x to a whole power or a half: repeated products and square roots. @throws JepaError ERR_JEPA_INVALID_ARGUMENT for other exponents
 * @example await pow(tensor([2, 3]), 3).toArray(); // [8, 27]
 */
export function pow(x: Tensor, exponent: number): Tensor {
  if (exponent < 0) return reciprocal(pow(x, -exponent));
  if (exponent === 0.5) return sqrt(x);
  if (!Number.isInteger(exponent))
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[pow] expected a whole exponent or 0.5, got ${exponent}`, {
      help: ['use exp(mul(log(x), exponent)) for positive x'],
    });
  if (exponent === 0) return add(mul(x, 0), 1);
  if (exponent === 1) return x;
  const half = pow(x, Math.floor(exponent / 2));
  return exponent % 2 === 0 ? mul(half, half) : mul(mul(half, half), x);
}

/**
 * x limited to [min, max]; outside the gradient is 0, at a limit it passes.
 * @example await clamp(tensor([-2, 0.5, 7]), 0, 1).toArray(); // [0, 0.5, 1]
 */
export function clamp<D extends DType>(x: Tensor<D>, min: number, max: number): Tensor<D> {
  if (!(min <= max)) throw opError('ERR_JEPA_INVALID_ARGUMENT', `[clamp] expected min ≤ max, got ${min} and ${max}`);
  return apply(clampOp, [x], { min, max })[0] as Tensor<D>;
}
const clampOp: OpDefinition<{ min: number; max: number }> = {
  name: 'clamp',
  outputs: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  emit: (e, [x], { min, max }, [{ dtype }]) => {
    const constant = (value: number): number => (float(dtype) ? e.float(value) : e.int(value));
    const suffix = float(dtype) ? 'f' : 'i';
    return e.op(`min_${suffix}`, e.op(`max_${suffix}`, x, constant(min)), constant(max));
  },
  gradient: ({ inputs: [x], attributes: { min, max }, cotangents: [dy] }) => [
    where(logicalAnd(greaterEqual(x, min), lessEqual(x, max)), dy as Tensor, 0),
  ],
};

const comparison = (name: string, code: string): Comparison =>
  binary(name, { float: `${code}_f`, int: `${code}_i`, bool: true }, null);
/** a < b as bool; false where either is NaN. @example await less(tensor([1, 2]), 2).toArray(); // [true, false] */
export const less = comparison('less', 'lt');
/** a ≤ b as bool; false where either is NaN. @example await lessEqual(tensor([1, 2]), 2).toArray(); // [true, true] */
export const lessEqual = comparison('less_equal', 'le');
/** a = b as bool; NaN equals nothing. @example await equal(tensor([1, 2]), 2).toArray(); // [false, true] */
export const equal = comparison('equal', 'eq');
/** a ≠ b as bool; NaN differs from everything. @example await notEqual(tensor([1, 2]), 2).toArray(); // [true, false] */
export const notEqual = comparison('not_equal', 'ne');
/** a > b as bool; false where either is NaN. @example await greater(tensor([1, 2]), 1).toArray(); // [false, true] */
export const greater = comparison('greater', 'gt');
/**
 * a ≥ b as bool; false where either is NaN
 * @example await greaterEqual(tensor([1, 2]), 1).toArray(); // [true, true]
 */
export const greaterEqual = comparison('greater_equal', 'ge');

const logical = (name: string, code: string): ((a: Tensor, b: Tensor) => Tensor<'bool'>) => {
  const op: OpDefinition<null> = {
    name,
    outputs: ([a, b]) => [{ shape: broadcastShapes(name, a.shape, b.shape), dtype: 'bool' }],
    emit: (e, [a, b]) => e.op(code, a, b),
    gradient: null,
  };
  return (a, b) => apply(op, [converted(name, a, 'bool'), converted(name, b, 'bool')], null)[0] as Tensor<'bool'>;
};
/**
 * Both hold; operands of other dtypes hold where they are ≠ 0.
 * @example await logicalAnd(tensor([true, true]), tensor([true, false])).toArray(); // [true, false]
 */
export const logicalAnd = logical('logical_and', 'and_i');
/**
 * At least one holds.
 * @example await logicalOr(tensor([true, false]), tensor([false, false])).toArray(); // [true, false]
 */
export const logicalOr = logical('logical_or', 'or_i');

const notOp: OpDefinition<null> = {
  name: 'logical_not',
  outputs: ([x]) => [{ shape: x.shape, dtype: 'bool' }],
  emit: (e, [x]) => e.op('not_i', x),
  gradient: null,
};
/** It does not hold: x is 0. @example await logicalNot(tensor([true, false])).toArray(); // [false, true] */
export function logicalNot(x: Tensor): Tensor<'bool'> {
  return apply(notOp, [converted('logical_not', x, 'bool')], null)[0] as Tensor<'bool'>;
}

/** Neither NaN nor infinite. @example await isFinite(tensor([1, Infinity, NaN])).toArray(); // [true, false, false] */
export function isFinite(x: Tensor): Tensor<'bool'> {
  return less(abs(x), Number.POSITIVE_INFINITY);
}

const whereOp: OpDefinition<null> = {
  name: 'where',
  outputs: ([condition, a, b]) => [
    { shape: broadcastShapes('where', condition.shape, a.shape, b.shape), dtype: a.dtype },
  ],
  emit: (e, [condition, a, b]) => e.op('select', condition, a, b),
  gradient: ({ inputs: [condition, a, b], cotangents: [dy], needs }) => [
    undefined,
    needs[1] ? unbroadcast(where(condition, dy as Tensor, 0), a.shape) : undefined,
    needs[2] ? unbroadcast(where(condition, 0, dy as Tensor), b.shape) : undefined,
  ],
};
/**
 * a where the condition holds, else b. @param condition bool, broadcast
 * @example await where(tensor([true, false]), tensor([1, 2]), 0).toArray(); // [1, 0]
 */
export function where<A extends DType, B extends DType>(
  condition: Tensor,
  left: Tensor<A>,
  right: Tensor<B>,
): Tensor<Promoted<A, B>>;
export function where<D extends DType>(condition: Tensor, left: Tensor<D>, right: number): Tensor<WithNumber<D>>;
export function where<D extends DType>(condition: Tensor, left: number, right: Tensor<D>): Tensor<WithNumber<D>>;
export function where(condition: Tensor, left: TensorLike, right: TensorLike): Tensor;
export function where(condition: Tensor, left: TensorLike, right: TensorLike): Tensor {
  const [a, b] = operands('where', left, right);
  const dtype = promote('where', a.dtype, b.dtype);
  return apply(
    whereOp,
    [converted('where', condition, 'bool'), converted('where', a, dtype), converted('where', b, dtype)],
    null,
  )[0];
}

const castOp: OpDefinition<DType> = {
  name: 'cast',
  outputs: ([{ shape }], dtype) => [{ shape, dtype }],
  emit: (e, [x], _, [{ dtype: from }], { dtype: to }) => {
    if (to === 'bool') return float(from) ? e.op('ne_f', x, e.float(0)) : e.op('ne_i', x, e.int(0));
    if (float(from) === float(to)) return x;
    return e.op(float(from) ? 'f_to_i' : 'i_to_f', x);
  },
  gradient: ({ inputs: [x], cotangents: [dy] }) => [float(x.dtype) ? cast(dy as Tensor, x.dtype) : undefined],
};
/**
 * The values in another dtype: floats round to nearest even, integers truncate toward zero, bool is ≠ 0.
 * @example await cast(tensor([1.7, -1.7]), 'int32').toArray(); // [1, -1]
 */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  if (!dtypes.includes(dtype))
    throw opError(
      'ERR_JEPA_DTYPE',
      `[cast] expected ${dtypes.slice(0, -1).join(', ')} or ${dtypes.at(-1)}, got '${dtype}'`,
    );
  return (checked('cast', x).dtype === dtype ? x : apply(castOp, [x], dtype)[0]) as Tensor<D>;
}
