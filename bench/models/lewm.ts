// LeWorldModel (Maes et al. 2026) from the library's layers: a vision transformer sees each frame, a causal transformer that the actions
// modulate predicts the next embedding, SIGReg keeps embeddings from collapsing. No dropout.
import {
  AdaptiveTransformerBlock,
  add,
  BatchNorm,
  equal,
  gelu,
  LayerNorm,
  Linear,
  Module,
  mse,
  mul,
  permute,
  reshape,
  sigreg,
  silu,
  slice,
  type Tensor,
  type Variable,
  VisionTransformer,
  variable,
  where,
} from '#lib/index.js';
import { element } from '../suites/gemm.js';
import { encoderFlops, tokensOf, type VisionConfig } from './vision.js';

export interface LeWmConfig {
  readonly encoder: VisionConfig & { readonly hidden: number };
  /** Width of embeddings. */
  readonly embedding: number;
  /** Hidden width of both projectors. */
  readonly projector: number;
  readonly predictor: {
    readonly width: number;
    readonly depth: number;
    readonly heads: number;
    readonly headWidth: number;
    readonly hidden: number;
  };
  /** Widths of an action, of its first layer, and of its hidden layer. */
  readonly action: { readonly size: number; readonly smoothed: number; readonly hidden: number };
  /** Frames that the predictor sees. */
  readonly history: number;
  readonly sigregWeight: number;
  readonly knots: number;
}

const drawn = { seed: 0, initialiser: 'kaimingUniform' } as const;

/** Linear, batch norm, GELU, linear. */
export class Projector extends Module {
  readonly hidden: Linear;
  readonly norm: BatchNorm;
  readonly output: Linear;

  constructor(inputs: number, hidden: number, outputs: number, name: string) {
    super();
    this.hidden = new Linear(inputs, hidden, { ...drawn, name: `${name}.hidden` });
    this.norm = new BatchNorm(hidden, { axis: -1, name: `${name}.norm` });
    this.output = new Linear(hidden, outputs, { ...drawn, name: `${name}.output` });
  }

  forward(x: Tensor): Tensor {
    return this.output.forward(gelu(this.norm.forward(this.hidden.forward(x))));
  }
}

export class ActionEncoder extends Module {
  readonly smooth: Linear;
  readonly hidden: Linear;
  readonly output: Linear;

  constructor({ size, smoothed, hidden }: LeWmConfig['action'], width: number) {
    super();
    this.smooth = new Linear(size, smoothed, { ...drawn, name: 'action.smooth' });
    this.hidden = new Linear(smoothed, hidden, { ...drawn, name: 'action.hidden' });
    this.output = new Linear(hidden, width, { ...drawn, name: 'action.output' });
  }

  /** @param actions [..., A]; NaN, of which datasets make the actions after an episode's end, counts as 0 */
  forward(actions: Tensor): Tensor {
    const known = where(equal(actions, actions), actions, 0);
    return this.output.forward(silu(this.hidden.forward(this.smooth.forward(known))));
  }
}

/** Embeddings of frames and their actions to the embeddings that follow. */
export class FramePredictor extends Module {
  /** [1, history, D] */
  readonly posEmbedding: Variable;
  readonly inputProj?: Linear;
  readonly condProj?: Linear;
  readonly blocks: AdaptiveTransformerBlock[];
  readonly norm: LayerNorm;
  readonly outputProj?: Linear;

  constructor({ embedding, predictor: { width, depth, ...block }, history }: LeWmConfig) {
    super();
    const places = Float32Array.from({ length: history * embedding }, (_, i) => element(i, 7));
    this.posEmbedding = variable(places, { name: 'predictor.pos_embedding', shape: [1, history, embedding] });
    if (embedding !== width) {
      this.inputProj = new Linear(embedding, width, { ...drawn, name: 'predictor.input_proj' });
      this.condProj = new Linear(embedding, width, { ...drawn, name: 'predictor.cond_proj' });
      this.outputProj = new Linear(width, embedding, { ...drawn, name: 'predictor.output_proj' });
    }
    const { heads, ...options } = block;
    const all = { ...options, ...drawn, innerNorm: true, causal: true, qkvBias: false };
    this.blocks = Array.from(
      { length: depth },
      (_, index) => new AdaptiveTransformerBlock(width, heads, { ...all, name: `predictor.blocks.${index}` }),
    );
    this.norm = new LayerNorm(width, { name: 'predictor.norm' });
  }

  /** @param z, actions [B, T, D] with T up to the history   @returns [B, T, D] */
  forward(z: Tensor, actions: Tensor): Tensor {
    const placed = add(z, slice(this.posEmbedding, 1, 0, z.shape[1]));
    const condition = this.condProj?.forward(actions) ?? actions;
    let x = this.inputProj?.forward(placed) ?? placed;
    for (const block of this.blocks) x = block.forward(x, condition);
    const y = this.norm.forward(x);
    return this.outputProj?.forward(y) ?? y;
  }
}

export class LeWm extends Module {
  readonly encoder: VisionTransformer;
  readonly projector: Projector;
  readonly actionEncoder: ActionEncoder;
  readonly predictor: FramePredictor;
  readonly predProj: Projector;
  readonly #config: LeWmConfig;

  constructor(config: LeWmConfig) {
    super();
    this.#config = config;
    const { embedding, projector, action } = config;
    const { hidden, ...encoder } = config.encoder;
    this.encoder = new VisionTransformer({
      ...encoder,
      ...drawn,
      mlpRatio: hidden / encoder.width,
      epsilon: 1e-12,
      positions: 'learned',
      classToken: true,
      name: 'encoder',
    });
    this.projector = new Projector(encoder.width, projector, embedding, 'projector');
    this.actionEncoder = new ActionEncoder(action, embedding);
    this.predictor = new FramePredictor(config);
    this.predProj = new Projector(embedding, projector, embedding, 'pred_proj');
  }

  /** @param pixels [B, T, 3, H, W]   @returns embeddings [B, T, D] */
  encode(pixels: Tensor): Tensor {
    const [batch, frames, ...picture] = pixels.shape;
    const tokens = this.encoder.forward(reshape(pixels, [batch * frames, ...picture]));
    const classes = reshape(slice(tokens, 1, 0, 1), [batch * frames, tokens.shape[2]]);
    return reshape(this.projector.forward(classes), [batch, frames, this.#config.embedding]);
  }

  predict(z: Tensor, actions: Tensor): Tensor {
    return this.predProj.forward(this.predictor.forward(z, actions));
  }

  /**
   * Squared error of the next embedding, whose gradient also flows through the target, and SIGReg over the batch at each time.
   * @param pixels [B, history + 1, 3, H, W]   @param actions [B, history + 1, A]   @param directions [D, M] unit columns
   */
  terms(pixels: Tensor, actions: Tensor, directions: Tensor): Readonly<Record<string, Tensor>> {
    const { history, sigregWeight, knots } = this.#config;
    const z = this.encode(pixels);
    const conditions = this.actionEncoder.forward(actions);
    const predicted = this.predict(slice(z, 1, 0, history), slice(conditions, 1, 0, history));
    const predLoss = mse(predicted, slice(z, 1, 1, history + 1));
    const sigregLoss = sigreg(permute(z, [1, 0, 2]), { directions, knots });
    return { loss: add(predLoss, mul(sigregLoss, sigregWeight)), predLoss, sigregLoss, z, conditions, predicted };
  }
}

/** Operations of a step: forward and backward (twice the forward), without the gradient of the pixels. */
export function leWmFlops(config: LeWmConfig, batch: number, directions: number): number {
  const { encoder, embedding, projector, action, predictor, history } = config;
  const frames = batch * (history + 1);
  const { width, depth, heads, headWidth, hidden } = predictor;
  const inner = heads * headWidth;
  const block = 2 * width * (6 * width + 4 * inner + 2 * hidden) + 4 * history * inner; // a token
  const layers =
    frames *
      (encoderFlops(encoder, tokensOf(encoder), 1) +
        2 * projector * (encoder.width + embedding) +
        2 * (action.size * action.smoothed + action.smoothed * action.hidden + action.hidden * embedding) +
        2 * embedding * directions) +
    batch * history * (depth * block + 4 * projector * embedding);
  return 3 * layers - frames * tokensOf(encoder) * 2 * 3 * encoder.patchSize ** 2 * encoder.width;
}
