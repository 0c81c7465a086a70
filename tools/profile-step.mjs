// node tools/profile-step.mjs [TURNS] [PRECISION]: where the training step of `jepa demo` spends its time, by kind of kernel and by kernel.
// Each kernel's best of TURNS (default 20) profiles of five steps, in float32 (default) or bfloat16; JEPA_THREADS and JEPA_CPU choose threads and target.
import { physicsTraining } from '../dist/esm/world-model/physics-training.js';
import { physicsTrainingBatch } from '../dist/esm/worlds/physics/training.js';

const [turns, precision] = [Number(process.argv[2] ?? 20), process.argv[3] ?? 'float32'];
if (!(Number.isInteger(turns) && turns > 0) || !['float32', 'bfloat16'].includes(precision)) {
  console.error(
    `usage: node tools/profile-step.mjs [TURNS] [float32 | bfloat16], TURNS above 0, got '${process.argv.slice(2).join(' ')}'`,
  );
  process.exit(2);
}

/** Passes of fused elementwise ops, by what marks them; other kernels by their name. */
const passes = [
  ['GELU and its slope', /\bgelu/],
  ['AdamW and weight average', /\bsqrt\b/],
  ['pixels to float32', /\bcast\b.*\bmul\b/],
  ['GRU gates', /\b(sigmoid|tanh)\b/],
  ['SIGReg', /\b(sin|cos)\b/],
];
const named =
  /^(matmul_pack|matmul|linear_int8\w*|im2col|col2im|reduce|copy|fill|random|gather_rows|scatter_add_rows|top_k|layer_norm\w*|attention\w*)$/;

function kind(op) {
  if (named.test(op)) return op;
  return passes.find(([, mark]) => mark.test(op))?.[0] ?? 'other elementwise';
}

const { training } = physicsTraining({ preset: 'tiny', seed: 0, clips: 16, workers: 1, training: { precision } });
const batch = await physicsTrainingBatch({ seed: 0, clips: 16, twinGroups: 1 }, 0);
await training.step(batch, 0, { steps: 100 });
let best = [];
let profile;
for (let turn = 0; turn < turns; turn++) {
  profile = await training.profile(batch);
  best = profile.kernels.map((kernel, k) => (best[k] && best[k].microseconds < kernel.microseconds ? best[k] : kernel));
}

const total = best.reduce((sum, { microseconds }) => sum + microseconds, 0);
const groups = new Map();
for (const { op, microseconds, gigaflopsPerSecond } of best) {
  const group = groups.get(kind(op)) ?? { microseconds: 0, megaflops: 0, kernels: 0 };
  group.microseconds += microseconds;
  group.megaflops += (microseconds * gigaflopsPerSecond) / 1e3;
  group.kernels++;
  groups.set(kind(op), group);
}
const line = (name, kernels, microseconds, rate) =>
  console.log(
    `${name.padEnd(26)} ${String(kernels).padStart(5)} ${(microseconds / 1e3).toFixed(2).padStart(8)} ms ${((microseconds / total) * 100).toFixed(1).padStart(5)} % ${rate.toFixed(1).padStart(7)} GFLOP/s`,
  );
const flops = await training.flops(batch);
console.log(`${profile.target}, ${profile.threads} threads, ${(flops / 1e9).toFixed(2)} GFLOP a step`);
line('step', best.length, total, flops / total / 1e3);
for (const [name, group] of [...groups].sort(([, a], [, b]) => b.microseconds - a.microseconds))
  line(name, group.kernels, group.microseconds, (group.megaflops / group.microseconds) * 1e3);
console.log();
for (const { op, shape, microseconds, gigaflopsPerSecond } of [...best]
  .sort((a, b) => b.microseconds - a.microseconds)
  .slice(0, 20))
  console.log(
    `${microseconds.toFixed(0).padStart(7)} µs ${gigaflopsPerSecond.toFixed(1).padStart(7)} GFLOP/s  ${op.slice(0, 60)}  ${shape.slice(0, 60)}`,
  );
