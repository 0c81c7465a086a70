// Layers in plain float64 loops, for tests to compare with.
import { affine, type Values } from './check-layer.js';

/** Abramowitz & Stegun 7.1.5: the series of erf, exact to float64 for the |x| < 4 used here. */
export function erf(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

export const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2));

export function layerNorm(
  x: ArrayLike<number>,
  width: number,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  epsilon: number,
): Float64Array {
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length / width; row++) {
    const at = Array.from({ length: width }, (_, i) => x[row * width + i]);
    const mean = at.reduce((a, b) => a + b) / width;
    const variance = at.reduce((total, value) => total + (value - mean) ** 2, 0) / width;
    for (let i = 0; i < width; i++)
      y[row * width + i] = ((at[i] - mean) / Math.sqrt(variance + epsilon)) * weight[i] + bias[i];
  }
  return y;
}

/** [B, S, D] through fused q, k, v, softmax and the output projection. @param d channels of a head */
export function attention(
  x: ArrayLike<number>,
  v: Values,
  prefix: string,
  shape: readonly [number, number, number],
  heads: number,
  causal: boolean,
  d = shape[2] / heads,
): Float64Array {
  const [batch, tokens, width] = shape;
  const inner = heads * d;
  const qkv = affine(x, v[`${prefix}qkv.weight`], v[`${prefix}qkv.bias`], width);
  const at = (b: number, s: number, part: number, h: number, i: number): number =>
    qkv[(b * tokens + s) * 3 * inner + part * inner + h * d + i];
  const joined = new Float64Array(batch * tokens * inner);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let q = 0; q < tokens; q++) {
        const keys = causal ? q + 1 : tokens;
        const scores = Array.from(
          { length: keys },
          (_, k) =>
            Array.from({ length: d }, (_, i) => at(b, q, 0, h, i) * at(b, k, 1, h, i)).reduce((a, c) => a + c) /
            Math.sqrt(d),
        );
        const top = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - top));
        const total = weights.reduce((a, c) => a + c);
        for (let i = 0; i < d; i++)
          joined[(b * tokens + q) * inner + h * d + i] = weights.reduce(
            (sum, weight, k) => sum + (weight / total) * at(b, k, 2, h, i),
            0,
          );
      }
    }
  }
  return affine(joined, v[`${prefix}proj.weight`], v[`${prefix}proj.bias`], inner);
}

/** A pre-norm transformer block. */
export function block(
  x: ArrayLike<number>,
  v: Values,
  prefix: string,
  shape: readonly [number, number, number],
  heads: number,
  causal = false,
): Float64Array {
  const width = shape[2];
  const linear = (of: ArrayLike<number>, name: string, inner: number): Float64Array =>
    affine(of, v[`${prefix}${name}.weight`], v[`${prefix}${name}.bias`], inner);
  const norm = (of: ArrayLike<number>, name: string): Float64Array =>
    layerNorm(of, width, v[`${prefix}${name}.weight`], v[`${prefix}${name}.bias`], 1e-6);
  const attended = attention(norm(x, 'norm1'), v, `${prefix}attn.`, shape, heads, causal).map((y, i) => y + x[i]);
  const hidden = linear(norm(attended, 'norm2'), 'mlp.fc1', width).map(gelu);
  return linear(hidden, 'mlp.fc2', v[`${prefix}mlp.fc1.bias`].length).map((y, i) => y + attended[i]);
}
