import type { StateDict } from '../nn/state-dict.js';

/**
 * From the library's names of LeWM's parameters to those of released checkpoints, whose encoder is that of the package `transformers`, 4 or 5.
 * A star stands for queries, keys and values, which are a layer each there.
 */
const renamings: readonly (readonly [RegExp, string, string?])[] = [
  [/^encoder\.cls_token$/, 'encoder.embeddings.cls_token'],
  [/^encoder\.pos_embed$/, 'encoder.embeddings.position_embeddings'],
  [/^encoder\.patch_embed\./, 'encoder.embeddings.patch_embeddings.projection.'],
  [/^encoder\.norm\./, 'encoder.layernorm.'],
  [
    /^encoder\.blocks\.(\d+)\.norm1\./,
    'encoder.encoder.layer.$1.layernorm_before.',
    'encoder.layers.$1.layernorm_before.',
  ],
  [
    /^encoder\.blocks\.(\d+)\.norm2\./,
    'encoder.encoder.layer.$1.layernorm_after.',
    'encoder.layers.$1.layernorm_after.',
  ],
  [
    /^encoder\.blocks\.(\d+)\.attn\.qkv\./,
    'encoder.encoder.layer.$1.attention.attention.*.',
    'encoder.layers.$1.attention.*.',
  ],
  [
    /^encoder\.blocks\.(\d+)\.attn\.proj\./,
    'encoder.encoder.layer.$1.attention.output.dense.',
    'encoder.layers.$1.attention.o_proj.',
  ],
  [/^encoder\.blocks\.(\d+)\.mlp\.fc1\./, 'encoder.encoder.layer.$1.intermediate.dense.', 'encoder.layers.$1.mlp.fc1.'],
  [/^encoder\.blocks\.(\d+)\.mlp\.fc2\./, 'encoder.encoder.layer.$1.output.dense.', 'encoder.layers.$1.mlp.fc2.'],
  [/^action_encoder\.smooth\./, 'action_encoder.patch_embed.'],
  [/^action_encoder\.hidden\./, 'action_encoder.embed.0.'],
  [/^action_encoder\.output\./, 'action_encoder.embed.2.'],
  [/^(projector|pred_proj)\.hidden\./, '$1.net.0.'],
  [/^(projector|pred_proj)\.norm\./, '$1.net.1.'],
  [/^(projector|pred_proj)\.output\./, '$1.net.3.'],
  [/^predictor\.(input_proj|cond_proj|output_proj|norm)\./, 'predictor.transformer.$1.'],
  [/^predictor\.blocks\.(\d+)\.modulation\./, 'predictor.transformer.layers.$1.adaLN_modulation.1.'],
  [/^predictor\.blocks\.(\d+)\.attn_norm\./, 'predictor.transformer.layers.$1.attn.norm.'],
  [/^predictor\.blocks\.(\d+)\.attn\.qkv\./, 'predictor.transformer.layers.$1.attn.to_qkv.'],
  [/^predictor\.blocks\.(\d+)\.attn\.proj\./, 'predictor.transformer.layers.$1.attn.to_out.0.'],
  [/^predictor\.blocks\.(\d+)\.mlp_norm\./, 'predictor.transformer.layers.$1.mlp.net.0.'],
  [/^predictor\.blocks\.(\d+)\.mlp\.fc1\./, 'predictor.transformer.layers.$1.mlp.net.1.'],
  [/^predictor\.blocks\.(\d+)\.mlp\.fc2\./, 'predictor.transformer.layers.$1.mlp.net.4.'],
];

const parts = { 4: ['query', 'key', 'value'], 5: ['q_proj', 'k_proj', 'v_proj'] } as const;

/** Version of the package `transformers` whose names a checkpoint's encoder has. */
export type LeWMNaming = keyof typeof parts;

/** What one of LeWM's parameters is called in a released checkpoint: one name, or those of queries, keys and values. */
export function releasedNames(own: string, naming: LeWMNaming): readonly string[] {
  const found = renamings.find(([from]) => from.test(own));
  if (!found) return [own];
  const [from, four, five = four] = found;
  const name = own.replace(from, naming === 4 ? four : five);
  return name.includes('*') ? parts[naming].map((part) => name.replace('*', part)) : [name];
}

/** Which of both namings a checkpoint has. */
export function namingOf(released: ReadonlyMap<string, unknown>): LeWMNaming {
  return [...released.keys()].some((name) => name.startsWith('encoder.layers.')) ? 5 : 4;
}

/**
 * A released checkpoint's tensors under the library's names and in its shapes; what it does not know keeps its name, and what is
 * missing is left out, for `loadStateDict` to complain of.
 * @param own names and shapes of the model's parameters and buffers
 */
export function fromReleased(
  own: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  released: StateDict,
): StateDict {
  const naming = namingOf(released);
  const state = new Map(released);
  for (const [name, { shape }] of own) {
    const names = releasedNames(name, naming);
    const parts = names.flatMap((theirs) => released.get(theirs) ?? []);
    for (const theirs of names) state.delete(theirs);
    if (parts.length < names.length) continue;
    const data = names.length === 1 ? parts[0].data : joined(parts.map((part) => part.data as Float32Array));
    const fits = data.length === shape.reduce((product, extent) => product * extent, 1);
    state.set(name, { dtype: parts[0].dtype, shape: fits ? shape : parts[0].shape, data });
  }
  return state;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}
