// node tools/make-peers.mjs: a Python environment in build/peers with what the benchmarks are compared to. Optional, some gigabytes.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../build/peers', import.meta.url));
const python = process.argv[2] ?? 'python3';
const packages = ['numpy', 'torch'];

for (const [command, ...options] of [
  [python, '-m', 'venv', folder],
  [`${folder}/bin/python`, '-m', 'pip', 'install', '--upgrade', ...packages],
]) {
  const { status, error } = spawnSync(command, options, { stdio: 'inherit' });
  if (status === 0) continue;
  console.error(
    `expected '${[command, ...options].join(' ')}' to succeed, got ${error?.message ?? `exit code ${status}`}`,
  );
  process.exit(1);
}
console.error(`npm run bench finds ${folder}/bin/python by itself; JEPA_BENCH_PYTHON names another interpreter`);
