// node tools/make-peers.mjs [PYTHON]: what the benchmarks are compared to, in build/peers: a Python environment and packages from npm.
// Optional, some gigabytes; nothing of it is a dependency of the library.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../build/peers', import.meta.url));
const python = process.argv[2] ?? 'python3';
const fromPyPI = ['numpy', 'torch'];
const fromNpm = [
  'onnxruntime-node@1.30.0',
  '@tensorflow/tfjs@4.22.0',
  '@tensorflow/tfjs-backend-wasm@4.22.0',
  '@jax-js/jax@0.1.25',
];

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/package.json`, '{ "private": true }\n');
let failures = 0;
for (const steps of [
  [
    [python, '-m', 'venv', folder],
    [`${folder}/bin/python`, '-m', 'pip', 'install', '--upgrade', ...fromPyPI],
  ],
  [['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', ...fromNpm]],
]) {
  for (const [command, ...options] of steps) {
    // onnxruntime-node would fetch libraries for GPUs, and fail where it cannot.
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
    const { status, error } = spawnSync(command, options, { stdio: 'inherit', env });
    if (status === 0) continue;
    failures++;
    const how = error?.message ?? `exit code ${status}`;
    console.error(`expected '${[command, ...options].join(' ')}' to succeed, got ${how}`);
    break;
  }
}
console.error(
  `npm run bench finds ${folder} by itself; JEPA_BENCH_PYTHON names another interpreter, JEPA_BENCH_NODE_PEERS another folder with node_modules`,
);
process.exitCode = failures > 0 ? 1 : 0;
