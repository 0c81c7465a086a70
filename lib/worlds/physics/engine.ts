import { JepaError } from '../../errors.js';
import { type Engine, isLoaded, keep } from './engine-instance.js';

const enginePackage = '@dimforge/rapier2d-deterministic-compat';
/** The exact release that the pinned hashes of clips belong to: another one may compute other bits. */
export const engineVersion = '0.20.0';

/**
 * Loads the rigid-body engine, an optional peer dependency; free after the first time.
 * @param importEngine for tests and bundlers: imports the package (default: `import('@dimforge/rapier2d-deterministic-compat')`)
 * @throws JepaError ERR_JEPA_MISSING_PEER if the package is not installed or is of another version
 */
export async function loadEngine(importEngine?: () => Promise<unknown>): Promise<void> {
  if (isLoaded() && !importEngine) return;
  const help = [`npm install ${enginePackage}@${engineVersion}`];
  const importing = importEngine?.() ?? import('@dimforge/rapier2d-deterministic-compat');
  const engine = (await importing.catch((cause: unknown) => {
    throw new JepaError(
      'ERR_JEPA_MISSING_PEER',
      `[physics] expected the package ${enginePackage}, which is not installed`,
      { help, cause },
    );
  })) as Engine;
  await engine.init();
  if (engine.version() !== engineVersion) {
    throw new JepaError(
      'ERR_JEPA_MISSING_PEER',
      `[physics] expected ${enginePackage} ${engineVersion}, got ${engine.version()}`,
      { help },
    );
  }
  keep(engine);
}
