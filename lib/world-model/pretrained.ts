import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { JepaError } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import { didYouMean } from '../io/options.js';

/** Models that are part of the package. */
export const pretrainedNames = ['physics'] as const;
export type PretrainedName = (typeof pretrainedNames)[number];

/** How a model of the package was made, and what its file is. */
export interface PretrainedModel {
  readonly seed: number;
  readonly steps: number;
  readonly sha256: string;
}

const home = new URL('../../../pretrained/', import.meta.url);

/**
 * Finds a model of the package, and makes sure that it is the one that was put there.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for another name, ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT for another file
 */
export async function findPretrained(
  name: PretrainedName,
  folder = home,
): Promise<PretrainedModel & { readonly path: string }> {
  if (!pretrainedNames.includes(name))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[WorldModel.pretrained] expected ${pretrainedNames.map((known) => `'${known}'`).join(' or ')}, got ${JSON.stringify(name)}`,
      { help: didYouMean(name, pretrainedNames) },
    );
  const path = fileURLToPath(new URL(`${name}.jepa`, folder));
  const models = JSON.parse((await contents(fileURLToPath(new URL('models.json', folder)))).toString()) as Record<
    PretrainedName,
    PretrainedModel
  >;
  const found = createHash('sha256')
    .update(await contents(path))
    .digest('hex');
  const { sha256 } = models[name];
  if (found !== sha256)
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_FORMAT',
      `[WorldModel.pretrained] expected ${path} with SHA-256 ${sha256}, got ${found}`,
      { help: ['the file is damaged: install the package again'] },
    );
  return { ...models[name], path };
}

async function contents(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw ioError('read', path, cause);
  });
}
