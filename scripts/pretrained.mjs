// Makes the models of the package: what `jepa demo` trains and examines, with its matrices in 8 bits. Options are those of the demo,
// such as --seed and --minutes. The same seed and steps give the same file on the same kernels.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { run } from './run.mjs';

const [made, packed] = ['build/pretrained', 'pretrained'];
const results = `${made}/results.json`;
run(process.execPath, ['dist/esm/cli/main.js', 'demo', ...process.argv.slice(2), '--out', made, '--json', results]);

const { WorldModel } = await import('jepa');
const world = await WorldModel.load(`${made}/physics.jepa`);
mkdirSync(packed, { recursive: true });
await world.save(`${packed}/physics.jepa`, { weights: 'int8' });
const file = readFileSync(`${packed}/physics.jepa`);
const { seed, steps } = JSON.parse(readFileSync(results, 'utf8'));
const sha256 = createHash('sha256').update(file).digest('hex');
writeFileSync(`${packed}/models.json`, `${JSON.stringify({ physics: { seed, steps, sha256 } }, null, 2)}\n`);
console.error(`${packed}/physics.jepa: ${file.length} bytes, SHA-256 ${sha256}`);
