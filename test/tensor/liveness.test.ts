import { expect, it } from 'vitest';
import { Linear } from '#lib/nn/index.js';
import { VisionTransformer } from '#lib/nn/vision-transformer.js';
import { mean, square, zeros } from '#lib/ops/index.js';
import { compile, stopGradient, type Tensor, valueAndGrad } from '#lib/tensor/index.js';

/** Bytes of temporaries of a step that trains a layer behind an encoder of so many blocks, and the encoder too if asked. */
async function arenaBytes(depth: number, trained: boolean): Promise<number> {
  const options = { imageSize: 32, patchSize: 8, width: 32, heads: 2, channels: 1 };
  const encoder = new VisionTransformer({ ...options, depth, seed: 1, name: 'encoder' });
  const head = new Linear(32, 32, { seed: 2, name: 'head' });
  const parameters = [...(trained ? encoder.parameters() : []), ...head.parameters()];
  const step = compile((pixels: Tensor) => {
    const { value, gradients } = valueAndGrad(() => {
      const tokens = encoder.forward(pixels);
      return mean(square(head.forward(trained ? tokens : stopGradient(tokens))));
    }, parameters);
    return [value, ...gradients.values()];
  });
  return (await step.program(zeros([16, 1, 32, 32]))).arenaBytes;
}

it('activations of an encoder under stopGradient die as soon as they are read, however deep it is', async () => {
  expect(await arenaBytes(6, false)).toBe(await arenaBytes(2, false));
  expect(await arenaBytes(6, true)).toBeGreaterThan(2 * (await arenaBytes(2, true)));
});
