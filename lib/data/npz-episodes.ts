import { join } from 'node:path';
import { JepaError } from '../errors.js';
import { readNpz } from '../io/npz.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { type Episodes, inMemory } from './episodes.js';
import { listFolder } from './files.js';

export interface NpzEpisodesOptions {
  /** Name of the array of observations, [T, H, W, C] uint8 or [T, …] numbers (default 'observations'). */
  readonly observations?: string;
  /** Name of the array of actions, [T, A] or [T − 1, A] (default 'actions'); null where there are none. */
  readonly actions?: string | null;
  /** Frames per second. */
  readonly frameRate?: number;
}

/**
 * Recorded episodes as NumPy archives: each .npz file in a folder is an episode. All are read into memory.
 * @throws JepaError ERR_JEPA_IO, ERR_JEPA_CHECKPOINT_FORMAT and ERR_JEPA_DTYPE as `readNpz`, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_DATASET
 *   without any file, ERR_JEPA_SHAPE
 * @example const episodes = await npzEpisodes('episodes', { observations: 'frames', frameRate: 10 });
 */
export async function npzEpisodes(path: string, options: NpzEpisodesOptions = {}): Promise<Episodes> {
  checkOptions('npzEpisodes', options, ['observations', 'actions', 'frameRate']);
  const names = withDefaults({ observations: 'observations', actions: 'actions' }, options);
  const files = (await listFolder(path)).files.filter((name) => name.endsWith('.npz'));
  if (files.length === 0)
    throw new JepaError('ERR_JEPA_DATASET', `[npzEpisodes] expected .npz files in ${path}, got none`);
  const list = [];
  for (const file of files) {
    const { observations, actions } = names;
    const arrays = await readNpz(join(path, file), {
      names: actions === null ? [observations] : [observations, actions],
    });
    const seen = arrays.get(observations);
    if (seen)
      list.push({
        name: join(path, file),
        observations: seen,
        actions: actions === null ? undefined : arrays.get(actions),
      });
  }
  return inMemory('npzEpisodes', list, options);
}
