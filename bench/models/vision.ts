// The vision transformers of the suites: Tiny and Small of Touvron et al. 2021 (DeiT) on small and usual pictures.
import { type HostTensor, type Module, type Tensor, tensor, VisionTransformer } from '#lib/index.js';
import { element } from '../suites/gemm.js';

export interface VisionConfig {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
}

export const vitTiny64: VisionConfig = { imageSize: 64, patchSize: 8, width: 192, depth: 12, heads: 3 };
export const vitSmall224: VisionConfig = { imageSize: 224, patchSize: 16, width: 384, depth: 12, heads: 6 };

export function tokensOf({ imageSize, patchSize }: VisionConfig): number {
  return (imageSize / patchSize) ** 2;
}

/** Biases are drawn too, so that a contender that forgets one is found out. */
export function visionTransformer(config: VisionConfig, name = 'encoder', classToken = false): VisionTransformer {
  return new VisionTransformer({ ...config, classToken, initialiser: 'kaimingUniform', seed: 0, name });
}

/** Operations of one block on a sequence of `tokens`: 24·N·D² in its products, 4·N²·D in its attention. */
export function blockFlops(tokens: number, width: number): number {
  return 24 * tokens * width ** 2 + 4 * tokens ** 2 * width;
}

/** Forward pass of an encoder on one picture of which it sees `seen` patches. */
export function encoderFlops(config: VisionConfig, seen = tokensOf(config), others = 0): number {
  const { patchSize, width, depth } = config;
  return seen * 2 * 3 * patchSize ** 2 * width + depth * blockFlops(seen + others, width);
}

/** Pictures of even noise in [−1, 1). */
export function pictures(count: number, imageSize: number, seed = 1): HostTensor {
  const shape = [count, 3, imageSize, imageSize];
  const data = new Float32Array(count * 3 * imageSize * imageSize);
  for (let i = 0; i < data.length; i++) data[i] = element(i, seed);
  return { dtype: 'float32', shape, data };
}

/**
 * A module's state with a little noise on every parameter, so that none is a 0 or 1 that may be left out, to be loaded by all
 * contenders. @param prefix before the names
 */
export async function stateOf(module: Module, prefix = ''): Promise<Map<string, HostTensor>> {
  const parameters = module.namedParameters();
  const noisy = new Map<string, HostTensor>();
  let seed = 100;
  for (const [name, { shape, dtype, data }] of await module.stateDict()) {
    seed++;
    const values = parameters.has(name) ? Float32Array.from(data, (value, i) => value + 0.02 * element(i, seed)) : data;
    noisy.set(prefix + name, { shape, dtype, data: values });
  }
  return noisy;
}

/** The tensors of a file whose names begin with a prefix, without it. */
export function part(tensors: ReadonlyMap<string, HostTensor>, prefix: string): Map<string, HostTensor> {
  const own = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** A tensor of a file. */
export function given(tensors: ReadonlyMap<string, HostTensor>, name: string): Tensor {
  const found = tensors.get(name);
  if (!found) throw new Error(`expected the inputs to have '${name}', got ${[...tensors.keys()].join(', ')}`);
  return tensor(found.data, { shape: found.shape, dtype: found.dtype });
}
