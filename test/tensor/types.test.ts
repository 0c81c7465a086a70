import '#lib/ops/index.js';
import { describe, expectTypeOf, it } from 'vitest';
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
    expectTypeOf(tensor([1]).data()).resolves.toEqualTypeOf<TypedArray>();
    expectTypeOf(tensor([1]).item()).resolves.toBeNumber();
    expectTypeOf(tensor([1]).toArray()).resolves.toEqualTypeOf<Nested>();
    expectTypeOf(tensor([1]).dtype).toEqualTypeOf<DType>();
    expectTypeOf(tensor([1]).shape).toEqualTypeOf<readonly number[]>();
    expectTypeOf(variable(new Float32Array(1))).toExtend<Tensor>();
    // @ts-expect-error no such dtype
    void (() => tensor([1], { dtype: 'float64' }));
  });

  it('of gradients', () => {
    const w = variable(new Float32Array(1));
    const { value, gradients } = valueAndGrad(() => ({ loss: w.sum(), other: 3 }), [w]);
    expectTypeOf(value).toEqualTypeOf<{ loss: Tensor; other: number }>();
    expectTypeOf(gradients).toEqualTypeOf<Gradients>();
    expectTypeOf(valueAndGrad(() => w.sum(), [w]).value).toEqualTypeOf<Tensor>();
  });
});
