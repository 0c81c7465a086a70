import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JepaError } from '#lib/errors.js';
import { parseSafetensors, readSafetensors } from '#lib/io/safetensors.js';

interface Case {
  readonly name: string;
  readonly file: string;
  readonly metadata?: Record<string, string> | null;
  readonly tensors?: Record<string, { dtype: string; shape: number[]; bytes: string }>;
  readonly reference?: 'refuses' | 'accepts';
  readonly notes?: string;
}

function casesOf(folder: string): { path: string; entry: Case }[] {
  const root = new URL(`../golden/data/ops/${folder}/`, import.meta.url).pathname;
  const { cases } = JSON.parse(readFileSync(join(root, 'case.json'), 'utf8')) as { cases: Case[] };
  return cases.map((entry) => ({ path: join(root, entry.file), entry }));
}

const wide = new Set(['U64', 'U32', 'U16', 'I16', 'I8', 'F64', 'C64', 'F8_E4M3', 'F8_E5M2']);

describe('files that must be read', () => {
  test.each(casesOf('safetensors_read'))('$entry.name', async ({ path, entry }) => {
    const { tensors, listing, metadata } = await readSafetensors(path);
    expect(metadata).toEqual(entry.metadata ?? {});
    const expected = Object.entries(entry.tensors ?? {});
    expect([...listing.keys()].sort()).toEqual(expected.map(([name]) => name).sort());
    for (const [name, { dtype, shape, bytes }] of expected) {
      expect(listing.get(name), name).toMatchObject({ dtype, shape });
      const tensor = tensors.get(name);
      if (!tensor) {
        expect(listing.get(name)?.unusable, name).toBeTypeOf('string');
        continue;
      }
      expect(wide.has(dtype), name).toBe(false);
      expect(tensor.shape).toEqual(shape);
      if (dtype === 'I64') expect([...tensor.data]).toEqual(int64s(bytes));
      else {
        const { buffer, byteOffset, byteLength } = tensor.data;
        expect(Buffer.from(buffer, byteOffset, byteLength).toString('hex'), name).toBe(bytes);
      }
    }
  });

  test('int64 values beyond int32 are listed with the reason', async () => {
    const [{ path }] = casesOf('safetensors_read').filter(({ entry }) => entry.name === 'dtypes');
    const { listing, tensors } = await readSafetensors(path);
    expect(listing.get('i64')?.unusable).toBe('72057594037927936 does not fit into int32');
    expect(tensors.has('i64')).toBe(false);
  });
});

describe('hostile files', () => {
  test.each(casesOf('safetensors_hostile'))('$entry.name', async ({ path, entry }) => {
    if (entry.reference === 'accepts' && !entry.notes) {
      const { listing } = await readSafetensors(path);
      for (const [name, { dtype, shape }] of Object.entries(entry.tensors ?? {}))
        expect(listing.get(name)).toMatchObject({ dtype, shape });
      return;
    }
    const error = await readSafetensors(path).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(JepaError);
    expect(error).toMatchObject({ code: 'ERR_JEPA_CHECKPOINT_FORMAT' });
    expect((error as JepaError).message).toMatch(/^\[safetensors\] expected .+ \(.+\.safetensors\)(\n {2}→ [^\n]+)?$/s);
    expect(() => parseSafetensors(readFileSync(path))).toThrow(JepaError);
  });
});

function int64s(hex: string): number[] {
  const bytes = Buffer.from(hex, 'hex');
  return Array.from({ length: bytes.length / 8 }, (_, i) => Number(bytes.readBigInt64LE(8 * i)));
}
