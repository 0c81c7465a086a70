import { totalmem } from 'node:os';
import { JepaError } from '../errors.js';
import type { ConvLayer } from '../models/conv-encoder.js';
import type { EncoderConfig, ObservationConfig, PredictorConfig, WorldModelConfig } from './config.js';

/**
 * Checks what TypeScript cannot: numbers from files and JSON.
 * @throws JepaError ERR_JEPA_CONFIG naming the field, ERR_JEPA_OUT_OF_MEMORY for a model that cannot fit into this machine
 */
export function checkedConfig(config: WorldModelConfig): WorldModelConfig {
  if (typeof config !== 'object' || config === null) fail('the configuration', 'an object', config);
  const { observation, action, encoder, predictor, heads } = config;
  positive('embeddingSize', config.embeddingSize);
  positive('contextFrames', config.contextFrames);
  positive('action.size', action?.size);
  if (!(config.frameRate > 0 && Number.isFinite(config.frameRate)))
    fail('frameRate', 'a positive number of frames per second', config.frameRate);
  if (!Number.isSafeInteger(config.seed)) fail('seed', 'an integer', config.seed);
  if (observation?.kind === 'image') {
    positive('observation.height', observation.height);
    positive('observation.width', observation.width);
    positive('observation.channels', observation.channels);
  } else if (observation?.kind === 'vector') {
    positive('observation.size', observation.size);
    if ((observation.mean === undefined) !== (observation.std === undefined))
      fail('observation.mean and observation.std', 'given together', observation.mean ?? observation.std);
    if (observation.mean !== undefined) statistics('observation', observation.size, observation);
  } else fail('observation.kind', "'image' or 'vector'", (observation as { kind?: unknown } | undefined)?.kind);
  checkEncoder(observation, encoder);
  checkPredictor(predictor);
  for (const key of ['variance', 'inverse', 'critic'] as const) whole(`heads.${key}`, heads?.[key]);
  statistics('action', action.size, action);
  expectToFit(config);
  return config;
}

function checkEncoder(observation: ObservationConfig, encoder: EncoderConfig): void {
  const kinds = observation.kind === 'image' ? ['convolution', 'transformer'] : ['vector'];
  if (!kinds.includes(encoder?.kind))
    fail('encoder.kind', `one that takes ${observation.kind} observations`, encoder?.kind);
  if (encoder.kind === 'convolution') {
    if (!Array.isArray(encoder.layers) || encoder.layers.length === 0)
      fail('encoder.layers', 'at least one convolution', encoder.layers);
    for (const [index, layer] of encoder.layers.entries()) {
      positive(`encoder.layers[${index}].channels`, layer?.channels);
      positive(`encoder.layers[${index}].kernel`, layer.kernel);
      positive(`encoder.layers[${index}].stride`, layer.stride);
      whole(`encoder.layers[${index}].padding`, layer.padding);
    }
  }
  if (encoder.kind === 'transformer' && observation.kind === 'image') {
    for (const key of ['patchSize', 'width', 'depth', 'heads'] as const) positive(`encoder.${key}`, encoder[key]);
    const { height, width } = observation;
    if (height % encoder.patchSize !== 0 || width % encoder.patchSize !== 0)
      fail('encoder.patchSize', `a divisor of the picture's ${height} × ${width} pixels`, encoder.patchSize);
    if (encoder.width % encoder.heads !== 0)
      fail('encoder.heads', `a divisor of its width ${encoder.width}`, encoder.heads);
  }
  if (encoder.kind !== 'vector')
    for (const key of ['pixelScale', 'pixelOffset'] as const)
      if (!Number.isFinite(encoder[key])) fail(`encoder.${key}`, 'a finite number', encoder[key]);
  positive('encoder.hidden', encoder.hidden);
  if (typeof encoder.affine !== 'boolean') fail('encoder.affine', 'true or false', encoder.affine);
}

function checkPredictor(predictor: PredictorConfig): void {
  if (predictor?.kind === 'recurrent') positive('predictor.stateSize', predictor.stateSize);
  else if (predictor?.kind === 'transformer')
    for (const key of ['historySize', 'width', 'depth', 'heads', 'headWidth'] as const)
      positive(`predictor.${key}`, predictor[key]);
  else if (predictor?.kind !== 'markov')
    fail(
      'predictor.kind',
      "'recurrent', 'transformer' or 'markov'",
      (predictor as { kind?: unknown } | undefined)?.kind,
    );
  positive('predictor.hidden', predictor.hidden);
}

export function positive(field: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) <= 0) fail(field, 'a positive integer', value);
}

function whole(field: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) fail(field, 'a whole number, 0 or more', value);
}

function statistics(field: string, size: number, of: { readonly mean?: unknown; readonly std?: unknown }): void {
  for (const key of ['mean', 'std'] as const) {
    const values = of[key];
    if (!Array.isArray(values) || values.length !== size || !values.every(Number.isFinite))
      fail(`${field}.${key}`, `${size} finite numbers`, values);
  }
  if (!(of.std as number[]).every((value) => value > 0)) fail(`${field}.std`, 'positive numbers', of.std);
}

/** Elements of what the last convolution leaves, and weights of all of them. */
function convolved(
  { height, width, channels }: ObservationConfig & { readonly kind: 'image' },
  layers: readonly ConvLayer[],
): { features: number; weights: number } {
  let weights = 0;
  let map = [height, width];
  for (const [index, layer] of layers.entries()) {
    weights += channels * layer.channels * layer.kernel ** 2;
    channels = layer.channels;
    const before = map;
    map = before.map((size) => Math.floor((size + 2 * layer.padding - layer.kernel) / layer.stride) + 1);
    if (map.some((size) => size < 1))
      fail(`encoder.layers[${index}]`, `a convolution that leaves something of ${before.join(' × ')} pixels`, layer);
  }
  return { features: map[0] * map[1] * channels, weights };
}

/** Weights of the encoder, about. */
function encoderElements({ observation, encoder, embeddingSize }: WorldModelConfig): number {
  const { hidden } = encoder;
  if (observation.kind === 'vector') return hidden * (observation.size + hidden + embeddingSize);
  if (encoder.kind === 'convolution') {
    const { features, weights } = convolved(observation, encoder.layers);
    return weights + hidden * (features + embeddingSize);
  }
  if (encoder.kind !== 'transformer') return 0;
  const { patchSize, width, depth } = encoder;
  const tokens = (observation.height * observation.width) / patchSize ** 2;
  return (
    width * (observation.channels * patchSize ** 2 + tokens + 12 * depth * width + hidden) + hidden * embeddingSize
  );
}

/** Weights of the predictor, about. */
function predictorElements({ predictor, embeddingSize, action }: WorldModelConfig): number {
  const { hidden } = predictor;
  const inputs = embeddingSize + action.size;
  if (predictor.kind === 'transformer') {
    const { width, depth, heads, headWidth } = predictor;
    return depth * width * (6 * width + 4 * heads * headWidth + 2 * hidden) + 2 * embeddingSize * (width + hidden);
  }
  const state = predictor.kind === 'recurrent' ? predictor.stateSize : 0;
  return 3 * state * (state + inputs) + hidden * (state + inputs + embeddingSize);
}

/** What does not fit would otherwise end in an allocation that fails somewhere inside. */
function expectToFit(config: WorldModelConfig): void {
  const elements = encoderElements(config) + predictorElements(config);
  const bytes = 4 * elements;
  const gibibytes = (count: number): string => `${(count / 2 ** 30).toFixed(1)} GiB`;
  if (bytes > totalmem())
    throw new JepaError(
      'ERR_JEPA_OUT_OF_MEMORY',
      `[worldModel] expected weights that fit into the ${gibibytes(totalmem())} of memory here, got ${gibibytes(bytes)}`,
      { help: ['lower embeddingSize, stateSize, width and the hidden widths'] },
    );
}

export function fail(field: string, expected: string, value: unknown): never {
  throw new JepaError(
    'ERR_JEPA_CONFIG',
    `[worldModel] expected ${field} to be ${expected}, got ${JSON.stringify(value)}`,
  );
}
