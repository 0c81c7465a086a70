import { totalmem } from 'node:os';
import { JepaError } from '../errors.js';
import { checkOptions, didYouMean } from '../io/options.js';
import type { ConvLayer } from '../models/conv-encoder.js';
import type {
  EncoderConfig,
  ModalityConfig,
  ModalityEncoderConfig,
  ObservationConfig,
  PredictorConfig,
  WorldModelConfig,
} from './config.js';

/**
 * Checks what TypeScript cannot: numbers from files and JSON.
 * @throws JepaError ERR_JEPA_CONFIG naming the field, ERR_JEPA_UNKNOWN_OPTION for a misspelled one of an observation or the action, ERR_JEPA_OUT_OF_MEMORY for a model that cannot fit into this machine
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
  checkObservation(observation);
  checkEncoder(observation, encoder);
  checkPredictor(predictor);
  for (const key of ['variance', 'inverse', 'critic'] as const) whole(`heads.${key}`, heads?.[key]);
  checkOptions('worldModel action', action, ['size', 'names', 'units', 'mean', 'std']);
  statistics('action', action.size, action);
  labels('action', action.size, action);
  expectToFit(config);
  return config;
}

function checkObservation(observation: ObservationConfig): void {
  if (observation?.kind !== 'multimodal') {
    checkModality('observation', observation, "'image', 'vector' or 'multimodal'");
    return;
  }
  checkOptions('worldModel observation', observation, ['kind', 'modalities']);
  const { modalities } = observation;
  if (typeof modalities !== 'object' || modalities === null || Object.keys(modalities).length === 0)
    fail('observation.modalities', 'at least one modality by its name', modalities);
  for (const [name, modality] of Object.entries(modalities)) checkModality(`observation.modalities.${name}`, modality);
}

function checkModality(field: string, modality: ModalityConfig, kinds = "'image' or 'vector'"): void {
  if (modality?.kind === 'image') {
    checkOptions(`worldModel ${field}`, modality, ['kind', 'height', 'width', 'channels']);
    positive(`${field}.height`, modality.height);
    positive(`${field}.width`, modality.width);
    positive(`${field}.channels`, modality.channels);
  } else if (modality?.kind === 'vector') {
    checkOptions(`worldModel ${field}`, modality, ['kind', 'size', 'names', 'units', 'mean', 'std']);
    positive(`${field}.size`, modality.size);
    labels(field, modality.size, modality);
    if ((modality.mean === undefined) !== (modality.std === undefined))
      fail(`${field}.mean and ${field}.std`, 'given together', modality.mean ?? modality.std);
    if (modality.mean !== undefined) statistics(field, modality.size, modality);
  } else fail(`${field}.kind`, kinds, (modality as { kind?: unknown } | undefined)?.kind);
}

function checkEncoder(observation: ObservationConfig, encoder: EncoderConfig): void {
  if (observation.kind !== 'multimodal') checkModalityEncoder('encoder', observation, encoder as ModalityEncoderConfig);
  else {
    const names = Object.keys(observation.modalities);
    if (encoder?.kind !== 'multimodal') fail('encoder.kind', "'multimodal', as the observation's is", encoder?.kind);
    if (Object.keys(encoder.encoders ?? {}).join() !== names.join())
      fail('encoder.encoders', `those of ${names.join(', ')}, in this order`, Object.keys(encoder.encoders ?? {}));
    for (const name of names)
      checkModalityEncoder(`encoder.encoders.${name}`, observation.modalities[name], encoder.encoders[name]);
    positive('encoder.hidden', encoder.hidden);
  }
  if (typeof encoder.affine !== 'boolean') fail('encoder.affine', 'true or false', encoder.affine);
}

function checkModalityEncoder(field: string, modality: ModalityConfig, encoder: ModalityEncoderConfig): void {
  const kinds = modality.kind === 'image' ? ['convolution', 'keypoints', 'transformer'] : ['vector'];
  if (!kinds.includes(encoder?.kind))
    fail(`${field}.kind`, `one that takes ${modality.kind} observations`, encoder?.kind);
  if (encoder.kind === 'convolution' || encoder.kind === 'keypoints') {
    if (!Array.isArray(encoder.layers) || encoder.layers.length === 0)
      fail(`${field}.layers`, 'at least one convolution', encoder.layers);
    for (const [index, layer] of encoder.layers.entries()) {
      positive(`${field}.layers[${index}].channels`, layer?.channels);
      positive(`${field}.layers[${index}].kernel`, layer.kernel);
      positive(`${field}.layers[${index}].stride`, layer.stride);
      whole(`${field}.layers[${index}].padding`, layer.padding);
    }
  }
  if (encoder.kind === 'transformer' && modality.kind === 'image') {
    for (const key of ['patchSize', 'width', 'depth', 'heads'] as const) positive(`${field}.${key}`, encoder[key]);
    const { height, width } = modality;
    if (height % encoder.patchSize !== 0 || width % encoder.patchSize !== 0)
      fail(`${field}.patchSize`, `a divisor of the picture's ${height} × ${width} pixels`, encoder.patchSize);
    if (encoder.width % encoder.heads !== 0)
      fail(`${field}.heads`, `a divisor of its width ${encoder.width}`, encoder.heads);
  }
  if (encoder.kind !== 'vector')
    for (const key of ['pixelScale', 'pixelOffset'] as const)
      if (!Number.isFinite(encoder[key])) fail(`${field}.${key}`, 'a finite number', encoder[key]);
  if (encoder.kind !== 'keypoints') positive(`${field}.hidden`, encoder.hidden);
}

function checkPredictor(predictor: PredictorConfig): void {
  if (predictor?.kind === 'recurrent') {
    positive('predictor.stateSize', predictor.stateSize);
    whole('predictor.blocks', predictor.blocks ?? 0);
    if (typeof (predictor.velocity ?? false) !== 'boolean')
      fail('predictor.velocity', 'true or false', predictor.velocity);
  } else if (predictor?.kind === 'transformer')
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

function labels(field: string, size: number, of: { readonly names?: unknown; readonly units?: unknown }): void {
  for (const key of ['names', 'units'] as const) {
    const texts = of[key];
    if (texts === undefined) continue;
    if (!Array.isArray(texts) || texts.length !== size || !texts.every((text) => typeof text === 'string'))
      fail(`${field}.${key}`, `${size} words, one for each number`, texts);
  }
}

/** Elements of what the last convolution leaves, and weights of all of them. */
function convolved(
  field: string,
  { height, width, channels }: ModalityConfig & { readonly kind: 'image' },
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
      fail(`${field}.layers[${index}]`, `a convolution that leaves something of ${before.join(' × ')} pixels`, layer);
  }
  return { features: map[0] * map[1] * channels, weights };
}

/** Weights of the encoder, about. */
function encoderElements({ observation, encoder, embeddingSize }: WorldModelConfig): number {
  if (observation.kind !== 'multimodal')
    return modalityElements('encoder', observation, encoder as ModalityEncoderConfig, embeddingSize);
  if (encoder.kind !== 'multimodal') return 0;
  const modalities = Object.entries(observation.modalities);
  return modalities.reduce(
    (sum, [name, modality]) =>
      sum + modalityElements(`encoder.encoders.${name}`, modality, encoder.encoders[name], embeddingSize),
    encoder.hidden * embeddingSize * (modalities.length + 1),
  );
}

function modalityElements(
  field: string,
  modality: ModalityConfig,
  encoder: ModalityEncoderConfig,
  embeddingSize: number,
): number {
  if (modality.kind === 'vector')
    return encoder.kind === 'vector' ? encoder.hidden * (modality.size + encoder.hidden + embeddingSize) : 0;
  if (encoder.kind === 'keypoints') return convolved(field, modality, encoder.layers).weights;
  if (encoder.kind === 'convolution') {
    const { features, weights } = convolved(field, modality, encoder.layers);
    return weights + encoder.hidden * (features + embeddingSize);
  }
  if (encoder.kind !== 'transformer') return 0;
  const { patchSize, width, depth, hidden } = encoder;
  const tokens = (modality.height * modality.width) / patchSize ** 2;
  return width * (modality.channels * patchSize ** 2 + tokens + 12 * depth * width + hidden) + hidden * embeddingSize;
}

/** Weights of the predictor, about. */
function predictorElements({ predictor, embeddingSize, action }: WorldModelConfig): number {
  const { hidden } = predictor;
  const inputs = embeddingSize + action.size;
  if (predictor.kind === 'transformer') {
    const { width, depth, heads, headWidth } = predictor;
    return depth * width * (6 * width + 4 * heads * headWidth + 2 * hidden) + 2 * embeddingSize * (width + hidden);
  }
  const {
    stateSize: state,
    blocks = 0,
    velocity = false,
  } = predictor.kind === 'recurrent' ? predictor : { stateSize: 0 };
  const ofHead = inputs + (velocity ? 3 : 1) * embeddingSize;
  return 3 * state * (state + inputs) + hidden * (state + ofHead + 3 * blocks * hidden);
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

/** @param names those of which one was wanted, to say which was probably meant */
export function fail(field: string, expected: string, value: unknown, names: readonly string[] = []): never {
  throw new JepaError(
    'ERR_JEPA_CONFIG',
    `[worldModel] expected ${field} to be ${expected}, got ${JSON.stringify(value)}`,
    { help: didYouMean(value, names) },
  );
}
