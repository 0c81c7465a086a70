import type { HostTensor } from '#lib/index.js';
import { tokensOf, type VisionConfig } from '../models/vision.js';
import { OnnxGraph } from './onnx-file.js';

const microsoft = 'com.microsoft';

/**
 * The forward pass of lib/nn/vision-transformer.ts as ONNX: pixels [b, 3, H, W] → tokens [b, N, D].
 * @param attention 'ops' of the standard, as exporters write it, or onnxruntime's own 'fused' MultiHeadAttention
 */
export function vitOnnx(
  config: VisionConfig,
  state: ReadonlyMap<string, HostTensor>,
  attention: 'ops' | 'fused',
): Buffer {
  const { imageSize, patchSize, width, depth, heads } = config;
  const grid = imageSize / patchSize;
  const tokens = tokensOf(config);
  const graph = new OnnxGraph();
  const values = (name: string): HostTensor & { readonly data: Float32Array } =>
    state.get(name) as HostTensor & { readonly data: Float32Array };
  const constant = (name: string): string => graph.constant(values(name).data, values(name).shape);

  /** x·Wᵀ + b with W transposed here, so that onnxruntime packs it once. */
  const linear = (x: string, name: string): string => {
    const { data, shape } = values(`${name}.weight`);
    const [outputs, inputs] = shape;
    const turned = new Float32Array(data.length);
    for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) turned[i * outputs + o] = data[o * inputs + i];
    const product = graph.node('MatMul', [x, graph.constant(turned, [inputs, outputs])]);
    return graph.node('Add', [product, constant(`${name}.bias`)]);
  };
  const norm = (x: string, name: string): string =>
    graph.node('LayerNormalization', [x, constant(`${name}.weight`), constant(`${name}.bias`)], {
      axis: -1,
      epsilon: { float: 1e-6 },
    });

  const composed = (qkv: string): string => {
    const split = graph.node('Reshape', [qkv, graph.integers(0, tokens, 3, heads, width / heads)]);
    const turned = graph.node('Transpose', [split], { perm: [2, 0, 3, 1, 4] });
    const [q, k, v] = [0, 1, 2].map((index) =>
      graph.node('Gather', [turned, graph.constant(BigInt64Array.of(BigInt(index)), [])], { axis: 0 }),
    );
    const scores = graph.node('MatMul', [q, graph.node('Transpose', [k], { perm: [0, 1, 3, 2] })]);
    const scale = graph.constant(Float32Array.of((width / heads) ** -0.5), []);
    const weights = graph.node('Softmax', [graph.node('Mul', [scores, scale])], { axis: -1 });
    const joined = graph.node('Transpose', [graph.node('MatMul', [weights, v])], { perm: [0, 2, 1, 3] });
    return graph.node('Reshape', [joined, graph.integers(0, tokens, width)]);
  };
  const fused = (qkv: string): string =>
    graph.node(
      'MultiHeadAttention',
      graph.nodes('Split', [qkv], { axis: -1, num_outputs: 3 }, 3),
      { num_heads: heads },
      microsoft,
    );

  const cut = graph.node('Reshape', ['pixels', graph.integers(0, 3, grid, patchSize, grid, patchSize)]);
  const patches = graph.node('Reshape', [
    graph.node('Transpose', [cut], { perm: [0, 2, 4, 1, 3, 5] }),
    graph.integers(0, tokens, 3 * patchSize ** 2),
  ]);
  let x = graph.node('Add', [linear(patches, 'patch_embed'), constant('pos_embed')]);
  for (let index = 0; index < depth; index++) {
    const block = `blocks.${index}`;
    const qkv = linear(norm(x, `${block}.norm1`), `${block}.attn.qkv`);
    const attended = linear(attention === 'fused' ? fused(qkv) : composed(qkv), `${block}.attn.proj`);
    x = graph.node('Add', [x, attended]);
    const hidden = graph.node('Gelu', [linear(norm(x, `${block}.norm2`), `${block}.mlp.fc1`)]);
    x = graph.node('Add', [x, linear(hidden, `${block}.mlp.fc2`)]);
  }
  graph.nodes('Identity', [norm(x, 'norm')], {}, ['tokens']);
  return graph.model(
    { pixels: ['b', 3, imageSize, imageSize] },
    { tokens: ['b', tokens, width] },
    { '': 20, [microsoft]: 1 },
  );
}
