import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { gelu, permute, reshape } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';

/** Embeddings to pictures of 64 × 64: a map of 4 × 4 that doubles three times, each pixel becoming a block of its own linear read-out. */
export class PixelDecoder extends Module {
  readonly hidden: Linear;
  readonly map: Linear;
  readonly stages: Linear[];

  constructor(embeddingSize: number, { seed }: { readonly seed: number }) {
    super();
    this.hidden = new Linear(embeddingSize, 256, { seed, name: 'decoder.hidden' });
    this.map = new Linear(256, 4 * 4 * 96, { seed, name: 'decoder.map' });
    this.stages = [
      new Linear(96, 4 * 64, { seed, name: 'decoder.stages.0' }),
      new Linear(64, 4 * 32, { seed, name: 'decoder.stages.1' }),
      new Linear(32, 16 * 3, { seed, name: 'decoder.stages.2' }),
    ];
  }

  /** @param embeddings [N, D]   @returns [N, 64, 64, 3] */
  forward(embeddings: Tensor): Tensor {
    const [n] = embeddings.shape;
    let x = gelu(reshape(this.map.forward(gelu(this.hidden.forward(embeddings))), [n, 4, 4, 96]));
    for (const [index, stage] of this.stages.entries()) {
      const last = index === this.stages.length - 1;
      x = unfolded(stage.forward(x), last ? 4 : 2);
      if (!last) x = gelu(x);
    }
    return x;
  }
}

/** [N, H, W, b·b·C] → [N, b·H, b·W, C] */
function unfolded(x: Tensor, block: number): Tensor {
  const [n, height, width, channels] = x.shape;
  const split = reshape(x, [n, height, width, block, block, channels / (block * block)]);
  return reshape(permute(split, [0, 1, 3, 2, 4, 5]), [n, height * block, width * block, channels / (block * block)]);
}
