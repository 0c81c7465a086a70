import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.js';

export type Python = { readonly command: string; readonly version: string } | { readonly missing: string };

const found = new Map<string, Python>();

/**
 * An interpreter that has the module: `JEPA_BENCH_PYTHON`, else the environment that `node tools/make-peers.mjs` makes, else
 * python3. Peers are optional: without one the benchmark says so and measures the rest.
 */
export function pythonWith(module: 'numpy' | 'torch'): Python {
  const known = found.get(module);
  if (known) return known;
  const own = join(root, 'build', 'peers', 'bin', 'python');
  const candidates = process.env.JEPA_BENCH_PYTHON
    ? [process.env.JEPA_BENCH_PYTHON]
    : [...(existsSync(own) ? [own] : []), 'python3'];
  let result: Python = { missing: `${module} is in none of ${candidates.join(', ')}: run node tools/make-peers.mjs` };
  for (const command of candidates) {
    const { status, stdout } = spawnSync(command, ['-c', `import ${module}; print(${module}.__version__)`], {
      encoding: 'utf8',
    });
    if (status !== 0) continue;
    result = { command, version: stdout.trim() };
    break;
  }
  found.set(module, result);
  return result;
}

/** A Python contender's script. */
export function peerPath(name: string): string {
  return join(root, 'bench', 'peers', `${name}.py`);
}
