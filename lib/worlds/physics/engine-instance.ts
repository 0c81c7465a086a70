import { JepaError } from '../../errors.js';

export type Engine = typeof import('@dimforge/rapier2d-deterministic-compat');

let instance: Engine | undefined;

export const isLoaded = (): boolean => instance !== undefined;

export function keep(engine: Engine): void {
  instance = engine;
}

export function engine(): Engine {
  if (!instance) {
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[physics] expected `await loadEngine()` before a simulation');
  }
  return instance;
}
