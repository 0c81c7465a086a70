import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { mse, sigreg } from '../nn/losses/index.js';
import { Module } from '../nn/module.js';
import type { StateDict } from '../nn/state-dict.js';
import { VisionTransformer } from '../nn/vision-transformer.js';
import { add, concat, mul, permute, reshape, slice, square, sub, sum } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { ActionEncoder } from './action-encoder.js';
import { AdaptivePredictor, type AdaptiveTransformerSize } from './adaptive-predictor.js';
import { fromReleased } from './lewm-names.js';
import { Projector } from './projector.js';

export interface LeWMOptions {
  /** Of the vision transformer that sees each frame (default ViT-Tiny/14 of 224 pixels); `hidden` is that of its MLPs. */
  readonly encoder?: Readonly<Record<'imageSize' | 'patchSize' | 'width' | 'depth' | 'heads' | 'hidden', number>>;
  /** Width of embeddings (default 192). */
  readonly embeddingSize?: number;
  /** Hidden width of both projectors (default 2048). */
  readonly projector?: number;
  /** Default 6 blocks of width 192, 16 heads of 64, hidden 2048. */
  readonly predictor?: AdaptiveTransformerSize;
  /** Numbers of an action, those of all frames that one step of the model spans; widths of its encoder's layers. */
  readonly action: { readonly size: number; readonly smoothed?: number; readonly hidden?: number };
  /** Frames that the predictor sees (default 3). */
  readonly historySize?: number;
  readonly seed?: number;
}

export interface LeWMLossOptions {
  /** Weight of SIGReg (default .09, the released one). */
  readonly sigregWeight?: number;
  readonly knots?: number;
  /** Of SIGReg: how many (default 1024), or the directions themselves [D, M] with unit columns. */
  readonly directions?: number | Tensor;
  /** Key of drawn directions: a step that never changes would judge the same directions for ever. */
  readonly seed?: number | Tensor;
  readonly step?: number | Tensor;
}

const optionNames = ['encoder', 'embeddingSize', 'projector', 'predictor', 'action', 'historySize', 'seed'];
const tiny = { imageSize: 224, patchSize: 14, width: 192, depth: 12, heads: 3, hidden: 768 };
const causal: AdaptiveTransformerSize = { width: 192, depth: 6, heads: 16, headWidth: 64, hidden: 2048 };

/**
 * LeWorldModel (Maes et al. 2026): a vision transformer sees each frame, a causal transformer that the actions modulate predicts the
 * next embedding, SIGReg keeps embeddings from collapsing; no target encoder, no stopped gradient. Without dropout.
 * @example
 * const model = new LeWM({ action: { size: 10 } }); // Push-T: two numbers for each of five frames
 * const { loss } = model.loss(pixels, actions, { step }); // pixels [B, 4, 3, 224, 224] normalised, actions [B, 4, 10]
 */
export class LeWM extends Module {
  readonly encoder: VisionTransformer;
  readonly projector: Projector;
  readonly actionEncoder: ActionEncoder;
  readonly predictor: AdaptivePredictor;
  readonly predProj: Projector;
  readonly historySize: number;

  constructor(options: LeWMOptions) {
    super();
    checkOptions('LeWM', options, optionNames);
    const { encoder = tiny, embeddingSize = 192, projector = 2048, predictor = causal, action, seed = 0 } = options;
    const { hidden, ...vision } = encoder;
    this.historySize = options.historySize ?? 3;
    this.encoder = new VisionTransformer({
      ...vision,
      mlpRatio: hidden / encoder.width,
      epsilon: 1e-12,
      positions: 'learned',
      classToken: true,
      seed,
      name: 'encoder',
    });
    this.projector = new Projector(encoder.width, projector, embeddingSize, { seed, name: 'projector' });
    this.actionEncoder = new ActionEncoder({
      actionSize: action.size,
      smoothed: action.smoothed ?? action.size,
      hidden: action.hidden ?? 4 * embeddingSize,
      embeddingSize,
      seed,
    });
    this.predictor = new AdaptivePredictor({ ...predictor, embeddingSize, historySize: this.historySize, seed });
    this.predProj = new Projector(embeddingSize, projector, embeddingSize, { seed, name: 'pred_proj' });
  }

  /**
   * Takes the weights of a released checkpoint, under its own names (`encoder.embeddings.cls_token`, `predictor.transformer.…`).
   * @example await model.loadReleased((await readSafetensors('lewm-pusht.safetensors')).tensors)
   * @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH listing missing, unexpected and mis-shaped names
   */
  async loadReleased(released: StateDict): Promise<void> {
    await this.loadStateDict(fromReleased(new Map([...this.namedParameters(), ...this.buffers()]), released));
  }

  /** @param pixels [B, T, 3, H, W], normalised, of any size in whole patches   @returns embeddings [B, T, D] */
  encode(pixels: Tensor): Tensor {
    const [batch, frames, ...picture] = pixels.shape;
    const flat = reshape(pixels, [batch * frames, ...picture]);
    const tokens = this.encoder.forward(flat, { interpolatePositions: true });
    const classes = reshape(slice(tokens, 1, 0, 1), [batch * frames, tokens.shape[2]]);
    return reshape(this.projector.forward(classes), [batch, frames, -1]);
  }

  /** @param actions [..., A]   @returns conditions of the predictor [..., D] */
  encodeActions(actions: Tensor): Tensor {
    return this.actionEncoder.forward(actions);
  }

  /** @param embeddings [B, T, D] with T up to the history size   @param conditions [B, T, D]   @returns what follows each frame [B, T, D] */
  predict(embeddings: Tensor, conditions: Tensor): Tensor {
    return this.predProj.forward(this.predictor.forward(embeddings, conditions));
  }

  /**
   * Open loop: each prediction joins the last `historySize` frames that the next one is made from.
   * @param embeddings [B, H, D] of the frames seen   @param actions [B, T, A], those at the seen frames included, T ≥ H
   * @returns embeddings [B, T + 1, D]: the H given, then the predictions of frames H … T   @throws JepaError ERR_JEPA_SHAPE
   */
  rollout(embeddings: Tensor, actions: Tensor): Tensor {
    const [seen, steps] = [embeddings.shape[1], actions.shape[1]];
    if (steps < seen)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[LeWM] expected an action for each of ${seen} frames at least, got actions of shape [${actions.shape.join(', ')}]`,
      );
    const conditions = this.encodeActions(actions);
    let known = embeddings;
    for (let end = seen; end <= steps; end++) {
      const start = Math.max(0, end - this.historySize);
      const predicted = this.predict(slice(known, 1, start, end), slice(conditions, 1, start, end));
      known = concat([known, slice(predicted, 1, end - start - 1, end - start)], 1);
    }
    return known;
  }

  /** What plans are compared by: Σ over D of (last embedding − goal)². @param rollout [B, T, D]   @param goal [B, D]   @returns [B] */
  cost(rollout: Tensor, goal: Tensor): Tensor {
    const [batch, frames, width] = rollout.shape;
    const last = reshape(slice(rollout, 1, frames - 1, frames), [batch, width]);
    return sum(square(sub(last, goal)), { axes: [1] });
  }

  /**
   * Squared error of the next embedding, whose gradient also flows through the target, and SIGReg over the batch at each time.
   * @param pixels [B, historySize + 1, 3, H, W]   @param actions [B, historySize + 1, A]
   * @returns scalars `loss`, `predLoss`, `sigregLoss`, and the `embeddings`, `conditions` and `predicted` [B, T, D] they come from
   */
  loss(
    pixels: Tensor,
    actions: Tensor,
    options: LeWMLossOptions = {},
  ): Readonly<Record<'loss' | 'predLoss' | 'sigregLoss' | 'embeddings' | 'conditions' | 'predicted', Tensor>> {
    checkOptions('LeWM.loss', options, ['sigregWeight', 'knots', 'directions', 'seed', 'step']);
    const { sigregWeight = 0.09, directions = 1024, ...statistic } = options;
    const history = this.historySize;
    const embeddings = this.encode(pixels);
    const conditions = this.encodeActions(actions);
    const predicted = this.predict(slice(embeddings, 1, 0, history), slice(conditions, 1, 0, history));
    const predLoss = mse(predicted, slice(embeddings, 1, 1, history + 1));
    const sigregLoss = sigreg(permute(embeddings, [1, 0, 2]), { ...statistic, directions });
    return {
      loss: add(predLoss, mul(sigregLoss, sigregWeight)),
      predLoss,
      sigregLoss,
      embeddings,
      conditions,
      predicted,
    };
  }
}
