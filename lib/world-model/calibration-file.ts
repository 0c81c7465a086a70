import { JepaError } from '../errors.js';
import { expectKind, sealed } from '../io/digest.js';
import { type HostTensor, readSafetensors, writeSafetensors } from '../io/safetensors.js';
import type { CalibrationMeasures } from './calibration.js';
import { Outliers } from './outliers.js';

const format = 'jepa-surprise-calibration';
/** Of 1, scores were the largest error and not the mean; of 2, errors were divided by the mean error that the model expected. */
const version = '3';

/** Writes one safetensors file. @throws JepaError ERR_JEPA_IO */
export async function writeCalibration(path: string, measures: CalibrationMeasures): Promise<void> {
  const { model, frames, scales, scores, outliers, distances, actions } = measures;
  const tensors = new Map<string, HostTensor>();
  const put = (name: string, data: Float32Array, shape: readonly number[] = [data.length]): void => {
    tensors.set(name, { dtype: 'float32', shape, data });
  };
  put('scales', scales);
  put('distances', distances);
  put('actions', actions, [2, actions.length / 2]);
  put('mean', outliers.mean);
  put('factor', outliers.factor, [outliers.mean.length, outliers.mean.length]);
  for (const [index, sorted] of scores.entries()) put(`scores.${index}`, sorted);
  await writeSafetensors(path, tensors, sealed({ format, version, model, frames: String(frames) }, tensors));
}

/** @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT, ERR_JEPA_CHECKPOINT_VERSION */
export async function readCalibration(path: string): Promise<CalibrationMeasures> {
  const file = await readSafetensors(path);
  const { metadata, tensors } = file;
  const refuse = (expected: string, got: string): never => {
    throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[calibration] expected ${expected}, got ${got} in ${path}`);
  };
  expectKind('calibration', path, file, {
    format,
    version,
    means: 'to be a calibration',
    otherVersion: ['calibrate again: await world.calibrate(dataset)'],
  });
  /** One or more numbers of a shape, in which undefined stands for any extent. */
  const take = (name: string, wanted: readonly (number | undefined)[]): Float32Array => {
    const { dtype, shape, data } = tensors.get(name) ?? {};
    const fits = shape?.length === wanted.length && shape.every((size, i) => size === (wanted[i] ?? size));
    if (!fits || !(data instanceof Float32Array) || data.length === 0)
      return refuse(
        `numbers '${name}' float32 [${wanted.map((size) => size ?? 'any').join(', ')}]`,
        shape ? `${dtype} [${shape.join(', ')}]` : 'none',
      );
    return data;
  };
  const scales = take('scales', [undefined]);
  const mean = take('mean', [undefined]);
  const frames = Number(metadata.frames);
  if (!(Number.isSafeInteger(frames) && frames > 0)) refuse('a number of frames', `'${metadata.frames ?? 'none'}'`);
  if (!metadata.model) refuse('the digest of a model', 'none');
  const measures = {
    model: metadata.model,
    frames,
    scales,
    scores: Array.from(scales, (_, index) => take(`scores.${index}`, [undefined])),
    outliers: new Outliers(mean, take('factor', [mean.length, mean.length])),
    distances: take('distances', [undefined]),
    actions: take('actions', [2, undefined]),
  };
  const flaw = flawOf(measures);
  if (flaw) refuse(flaw.expected, flaw.got);
  return measures;
}

/** What keeps measures from being a yardstick, if anything does: every comparison with NaN is false, so that nothing would surprise. */
export function flawOf({
  scales,
  scores,
  outliers: { mean, factor },
  distances,
  actions,
}: CalibrationMeasures): { readonly expected: string; readonly got: string } | undefined {
  const sorted = { distances, ...Object.fromEntries(scores.map((of, index) => [`scores.${index}`, of])) };
  for (const [name, values] of Object.entries({ scales, mean, factor, actions, ...sorted })) {
    const bad = values.find((value) => !Number.isFinite(value) || (name === 'scales' && value <= 0));
    if (bad !== undefined)
      return { expected: `${name} of finite numbers${name === 'scales' ? ' above 0' : ''}`, got: String(bad) };
  }
  for (const [name, values] of Object.entries(sorted)) {
    const at = values.findIndex((value, index) => index > 0 && value < values[index - 1]);
    if (at > 0) return { expected: `${name} in ascending order`, got: `${values[at - 1]} before ${values[at]}` };
  }
  const size = actions.length / 2;
  const channel = actions.subarray(0, size).findIndex((least, index) => least > actions[size + index]);
  if (channel < 0) return undefined;
  return {
    expected: `the least action of channel ${channel} up to the greatest`,
    got: `${actions[channel]} and ${actions[size + channel]}`,
  };
}
