import { mapModalities } from '../data/modalities.js';
import { ConvEncoder, ConvFeatures } from '../models/conv-encoder.js';
import type { Encoder, FeatureEncoder } from '../models/encoder.js';
import { KeypointEncoder, KeypointFeatures } from '../models/keypoint-encoder.js';
import { MarkovPredictor } from '../models/markov-predictor.js';
import { MultimodalEncoder } from '../models/multimodal-encoder.js';
import { Perceptron } from '../models/perceptron.js';
import type { Predictor } from '../models/predictor.js';
import { RecurrentPredictor } from '../models/recurrent-predictor.js';
import { TransformerPredictor } from '../models/transformer-predictor.js';
import { VectorEncoder, VectorFeatures } from '../models/vector-encoder.js';
import { VisionEncoder, VisionFeatures } from '../models/vision-encoder.js';
import { Module } from '../nn/module.js';
import { add, div, mean, mul, reshape, rsqrt, square, sub } from '../ops/index.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { ModalityConfig, ModalityEncoderConfig, WorldModelConfig } from './config.js';
import { extentsOf, type Observations } from './observations.js';

/** The parameters of a world model: encoder, predictor, and the heads that training and read-outs use. */
export class WorldModelNetwork extends Module {
  readonly encoder: Encoder<Observations>;
  readonly predictor: Predictor;
  /** log E[squared error] from (state, embedding, action, horizon): per dimension and, last, for their mean. */
  readonly variance?: Perceptron;
  /** The action between three embeddings: a force is an acceleration, two frames cannot show it. */
  readonly inverse?: Perceptron;
  /** The cost of an outcome against a goal from their two embeddings; a read-out, never trains the encoder. */
  readonly critic?: Perceptron;
  readonly #config: WorldModelConfig;

  constructor(config: WorldModelConfig) {
    super();
    this.#config = config;
    const { heads, embeddingSize, seed } = config;
    const actionSize = config.action.size;
    this.encoder = encoderOf(config);
    this.predictor = predictorOf(config);
    const { stateSize } = this.predictor;
    if (heads.variance)
      this.variance = new Perceptron([stateSize + embeddingSize + actionSize + 1, heads.variance, embeddingSize + 1], {
        seed,
        name: 'variance',
      });
    if (heads.inverse)
      this.inverse = new Perceptron([3 * embeddingSize, heads.inverse, actionSize], { seed, name: 'inverse' });
    if (heads.critic) this.critic = new Perceptron([2 * embeddingSize, heads.critic, 1], { seed, name: 'critic' });
  }

  /** @param observations [B, T, H, W, C] uint8 pixels or [B, T, size] float32 readings   @returns embeddings [B, T, D] */
  encode(observations: Observations): Tensor {
    const [batch, frames] = extentsOf(observations);
    return reshape(this.encoder.forward(this.#frames(observations)), [batch, frames, this.#config.embeddingSize]);
  }

  /** What goes into the encoder's batch normalisation: [B·T, D]. */
  features(observations: Observations): Tensor {
    return this.encoder.features(this.#frames(observations));
  }

  /** Embeddings [B, T, D] normalised by their own batch, leaving running statistics alone. */
  standardisedEmbeddings(observations: Observations): Tensor {
    const features = this.features(observations);
    const centred = sub(features, mean(features, { axes: [0], keepDims: true }));
    const standardised = mul(centred, rsqrt(add(mean(square(centred), { axes: [0], keepDims: true }), 1e-5)));
    return reshape(standardised, [...extentsOf(observations), this.#config.embeddingSize]);
  }

  /** @param actions [B, T, A] in the world's units   @returns standardised actions */
  standardise(actions: Tensor): Tensor {
    const { mean, std } = this.#config.action;
    return div(sub(actions, tensor(mean)), tensor(std));
  }

  /** [B·T, …], readings standardised. */
  #frames(observations: Observations): Observations {
    return mapModalities('worldModel', this.#config.observation, observations, (given, modality) => {
      const [batch, frames, ...rest] = given.shape;
      const flat = reshape(given, [batch * frames, ...rest]);
      if (modality.kind === 'vector' && modality.mean && modality.std)
        return div(sub(flat, tensor(modality.mean)), tensor(modality.std));
      return flat;
    });
  }
}

/** @throws RangeError for an encoder of another kind of observation, which `checkedConfig` lets not through */
function encoderOf({ observation, encoder, embeddingSize, seed }: WorldModelConfig): Encoder<Observations> {
  const common = { embeddingSize, seed };
  if (observation.kind === 'multimodal' && encoder.kind === 'multimodal') {
    const encoders = Object.entries(observation.modalities).map(([name, modality], index) => [
      name,
      featuresOf(modality, encoder.encoders[name], { ...common, name: `encoder.encoders.${index}` }),
    ]);
    const { hidden, affine } = encoder;
    return new MultimodalEncoder({ ...common, encoders: Object.fromEntries(encoders), hidden, affine });
  }
  if (observation.kind === 'vector' && encoder.kind === 'vector')
    return new VectorEncoder({ ...common, ...encoder, size: observation.size });
  if (observation.kind === 'image' && encoder.kind === 'convolution')
    return new ConvEncoder({ ...common, ...observation, ...encoder });
  if (observation.kind === 'image' && encoder.kind === 'keypoints')
    return new KeypointEncoder({ ...common, ...observation, ...encoder });
  if (observation.kind === 'image' && encoder.kind === 'transformer')
    return new VisionEncoder({ ...common, ...observation, ...encoder, breadth: observation.width });
  throw new RangeError(`expected an encoder of ${observation.kind}s, got ${encoder.kind}`);
}

/** @throws RangeError as {@link encoderOf} */
function featuresOf(
  modality: ModalityConfig,
  encoder: ModalityEncoderConfig,
  common: { readonly embeddingSize: number; readonly seed: number; readonly name: string },
): FeatureEncoder {
  if (modality.kind === 'vector' && encoder.kind === 'vector')
    return new VectorFeatures({ ...common, ...encoder, size: modality.size });
  if (modality.kind === 'image' && encoder.kind === 'convolution')
    return new ConvFeatures({ ...common, ...modality, ...encoder });
  if (modality.kind === 'image' && encoder.kind === 'keypoints')
    return new KeypointFeatures({ ...common, ...modality, ...encoder });
  if (modality.kind === 'image' && encoder.kind === 'transformer')
    return new VisionFeatures({ ...common, ...modality, ...encoder, breadth: modality.width });
  throw new RangeError(`expected an encoder of ${modality.kind}s, got ${encoder.kind}`);
}

function predictorOf({ predictor, embeddingSize, action, seed }: WorldModelConfig): Predictor {
  const common = { embeddingSize, actionSize: action.size, seed };
  switch (predictor.kind) {
    case 'recurrent':
      return new RecurrentPredictor({ ...common, ...predictor });
    case 'transformer':
      return new TransformerPredictor({ ...common, ...predictor });
    case 'markov':
      return new MarkovPredictor({ ...common, ...predictor });
  }
}
