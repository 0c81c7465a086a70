import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostTensor, parseSafetensors } from '#lib/io/safetensors.js';
import { parseHeader } from '#lib/io/safetensors-header.js';

/** One call of a golden case: names are `input.x`, `output.y`, `grad.x`, `cotangent.y`. */
export interface GoldenCall {
  readonly folder: string;
  readonly family: string;
  readonly name: string;
  readonly op: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Every output and gradient that the case names, with the error of the reference itself. */
  readonly outputs: readonly string[];
  readonly gradients: readonly string[];
  readonly zeroGradients: readonly string[];
  readonly referenceError: Readonly<Record<string, number>>;
  readonly compare?: string;
  readonly scalar?: string;
  readonly entry: Readonly<Record<string, unknown>>;
  /** 64-bit integers as numbers, those beyond int32 included. */
  readonly words: ReadonlyMap<string, readonly number[]>;
}

interface Entry {
  readonly index?: number;
  readonly name?: string;
  readonly attributes?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
  readonly gradients?: Record<string, unknown>;
  readonly zero_gradients?: string[];
  readonly reference_error?: Record<string, number>;
  readonly compare?: string;
  readonly scalar?: string;
}

interface CaseFile extends Entry {
  readonly family: string;
  readonly case: string;
  readonly op?: string;
  readonly options?: Record<string, unknown>;
  readonly cases?: Entry[];
}

/** The calls of a folder with a case.json; weights of its own or shared ones are under `model.`. */
export function readCase(folder: string): GoldenCall[] {
  const file = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as CaseFile;
  const path = join(folder, 'io.safetensors');
  const bytes = existsSync(path) ? readFileSync(path) : undefined;
  const io = bytes ? parseSafetensors(bytes).tensors : new Map<string, HostTensor>();
  const words = bytes ? wordsOf(bytes) : new Map<string, readonly number[]>();
  const entries = file.cases ?? [file];
  return entries.map((entry) => {
    const prefix = file.cases ? `${entry.index}.` : '';
    const tensors = new Map(
      [...io].filter(([name]) => name.startsWith(prefix)).map(([name, tensor]) => [name.slice(prefix.length), tensor]),
    );
    return {
      folder,
      family: file.family,
      name: file.cases ? `${file.case} ${entry.name}` : file.case,
      op: file.op ?? (file.options?.op as string | undefined) ?? file.case,
      attributes: entry.attributes ?? {},
      options: file.options ?? {},
      tensors,
      outputs: Object.keys(entry.outputs ?? {}),
      gradients: Object.keys(entry.gradients ?? {}),
      zeroGradients: entry.zero_gradients ?? [],
      referenceError: entry.reference_error ?? {},
      compare: entry.compare,
      scalar: entry.scalar,
      entry: entry as Record<string, unknown>,
      words: new Map(
        [...words]
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, values]) => [name.slice(prefix.length), values]),
      ),
    };
  });
}

function wordsOf(bytes: Buffer): Map<string, readonly number[]> {
  const length = Number(bytes.readBigUInt64LE());
  const { tensors } = parseHeader(bytes.toString('utf8', 8, 8 + length));
  const start = 8 + length;
  return new Map(
    [...tensors]
      .filter(([, { dtype }]) => dtype === 'I64')
      .map(([name, { begin, end }]) => [
        name,
        Array.from({ length: (end - begin) / 8 }, (_, i) => Number(bytes.readBigInt64LE(start + begin + 8 * i))),
      ]),
  );
}
