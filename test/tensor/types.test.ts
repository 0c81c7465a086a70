import { describe, expectTypeOf, it } from 'vitest';
import { argmax, concat, exp, less } from '#lib/ops/index.js';
import {
  type CallOptions,
  type Compiled,
  compile,
  type DType,
  type Gradients,
  type Nested,
  type Profile,
  type Program,
  type Tensor,
  type TypedArray,
  tensor,
  valueAndGrad,
  variable,
} from '#lib/tensor/index.js';

// Checked by the compiler, as all tests are; nothing here needs to run.
describe('types', () => {
  it('of a compiled function are its own, with a promise of the result', () => {
    interface Batch {
      readonly pixels: Tensor;
      readonly actions: readonly Tensor[];
    }
    const step = compile((batch: Batch, rate: Tensor, mode: 'a' | 'b') => ({
      loss: batch.pixels.mul(rate).sum(),
      parts: [batch.actions[0], mode] as const,
    }));
    expectTypeOf(step).toExtend<
      Compiled<[Batch, Tensor, 'a' | 'b'], { loss: Tensor; parts: readonly [Tensor, 'a' | 'b'] }>
    >();
    expectTypeOf(step).parameters.toEqualTypeOf<[batch: Batch, rate: Tensor, mode: 'a' | 'b']>();
    expectTypeOf(step).returns.resolves.toEqualTypeOf<{ loss: Tensor; parts: readonly [Tensor, 'a' | 'b'] }>();
    expectTypeOf(step.call).parameter(0).toEqualTypeOf<CallOptions>();
    expectTypeOf(step.call).parameter(1).toEqualTypeOf<Batch>();
    expectTypeOf(step.program).returns.resolves.toEqualTypeOf<Program>();
    expectTypeOf(step.profile).returns.resolves.toEqualTypeOf<Profile>();
    expectTypeOf(compile(() => undefined)).returns.resolves.toBeUndefined();
    // @ts-expect-error a number is no tensor
    void (() => step({ pixels: 1, actions: [] }, tensor([1]), 'a'));
    // @ts-expect-error a misspelled option
    void (() => compile(() => 1, { nme: 'x' }));
  });

  it('of tensors', () => {
    expectTypeOf(tensor([1]).data()).resolves.toEqualTypeOf<Float32Array>();
    expectTypeOf(tensor([1]).item()).resolves.toBeNumber();
    expectTypeOf(tensor([1]).toArray()).resolves.toEqualTypeOf<Nested>();
    expectTypeOf(tensor([1]).dtype).toEqualTypeOf<'float32'>();
    expectTypeOf(tensor([1]).shape).toEqualTypeOf<readonly number[]>();
    expectTypeOf(variable(new Float32Array(1))).toExtend<Tensor>();
    // @ts-expect-error no such dtype
    void (() => tensor([1], { dtype: 'float64' }));
  });

  it('of tensors follow their dtype, as ops make it', () => {
    expectTypeOf(tensor(new BigInt64Array(1))).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(tensor(new Float64Array(1))).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(tensor([[true], [false]])).toEqualTypeOf<Tensor<'bool'>>();
    expectTypeOf(tensor([1], { dtype: 'bfloat16' }).data()).resolves.toEqualTypeOf<Uint16Array>();
    expectTypeOf(tensor([1] as number[], { dtype: 'int32' as DType })).toEqualTypeOf<Tensor>();
    const [bytes, whole, half, flag] = [
      tensor(new Uint8Array(1)),
      tensor(new Int32Array(1)),
      tensor([1], { dtype: 'float16' }),
      tensor([true]),
    ];
    expectTypeOf(bytes.add(whole)).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(half.mul(whole)).toEqualTypeOf<Tensor<'float16'>>();
    expectTypeOf(half.mul(tensor([1]))).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(flag.add(flag)).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(whole.add(1)).toEqualTypeOf<Tensor<'int32' | 'float32'>>(); // 1 or 0.5 is not told apart
    expectTypeOf(bytes.div(2)).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(exp(bytes)).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(less(whole, 3).data()).resolves.toEqualTypeOf<Uint8Array>();
    expectTypeOf(half.sum()).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(argmax(half)).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(bytes.reshape([1]).to('float32')).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(concat([bytes, bytes])).toEqualTypeOf<Tensor<'uint8'>>();
    expectTypeOf(compile((x: Tensor<'uint8'>) => ({ y: [x.add(x)] }))(bytes)).resolves.toEqualTypeOf<{
      y: Tensor<'uint8'>[];
    }>();
    // Of a tensor of any dtype nothing more is known afterwards.
    const any = whole as Tensor;
    expectTypeOf(any.add(1).exp()).toEqualTypeOf<Tensor>();
    expectTypeOf(any.data()).resolves.toEqualTypeOf<TypedArray>();
    expectTypeOf(whole).toExtend<Tensor>();
    // @ts-expect-error bytes are no floats
    const floats: Tensor<'float32'> = bytes;
    void floats;
  });

  it('of gradients', () => {
    const w = variable(new Float32Array(1));
    const { value, gradients } = valueAndGrad(() => ({ loss: w.sum(), other: 3 }), [w]);
    expectTypeOf(value).toEqualTypeOf<{ loss: Tensor<'float32'>; other: number }>();
    expectTypeOf(gradients).toEqualTypeOf<Gradients>();
    expectTypeOf(valueAndGrad(() => w.sum(), [w]).value).toEqualTypeOf<Tensor<'float32'>>();
  });
});
