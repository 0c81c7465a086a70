import { JepaError } from '../../errors.js';

/** The exact release that the pinned hashes of clips belong to. */
export const enginePackage = '@dimforge/rapier2d-deterministic-compat';
export const engineVersion = '0.20.0';

type Engine = typeof import('@dimforge/rapier2d-deterministic-compat');

let loaded: Engine | undefined;

/**
 * Loads the rigid-body engine, an optional peer dependency; quick after the first time.
 * @throws JepaError ERR_JEPA_MISSING_PEER if the package is not installed
 */
export async function loadEngine(importEngine: () => Promise<Engine> = () => import('@dimforge/rapier2d-deterministic-compat')): Promise<void> {
  if (loaded && arguments.length === 0) return;
  const engine = await importEngine().catch((cause: unknown) => {
    throw new JepaError('ERR_JEPA_MISSING_PEER', `[physics] expected the package ${enginePackage}, which is not installed`, {
      help: [`npm install ${enginePackage}@${engineVersion}`],
      cause,
    });
  });
  await engine.init();
  loaded = engine;
}

export function engine(): Engine {
  if (!loaded) throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[physics] expected `await loadEngine()` before a simulation');
  return loaded;
}
