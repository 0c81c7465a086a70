// Builds the native tests with each sanitizer and runs them. `node scripts/sanitize.mjs asan` runs one of them.
import { spawnSync } from 'node:child_process';

const presets = process.argv.length > 2 ? process.argv.slice(2) : ['asan', 'ubsan', 'tsan'];
const failed = [];
// A system without memory is met with an error, and tests ask for more than there is.
const env = {
  ...process.env,
  ASAN_OPTIONS: 'allocator_may_return_null=1',
  TSAN_OPTIONS: 'allocator_may_return_null=1',
};
for (const preset of presets) {
  const steps = [
    ['cmake', '--preset', preset],
    ['cmake', '--build', '--preset', preset, '--parallel', '2'],
    ['ctest', '--preset', preset, '--output-on-failure'],
  ];
  const wrong = steps.find(
    ([command, ...options]) => spawnSync(command, options, { stdio: 'inherit', env }).status !== 0,
  );
  if (wrong) failed.push(`${preset}: ${wrong.join(' ')}`);
}
console.error(
  `sanitize: ${presets.length - failed.length} passed, ${failed.length} failed${failed.map((line) => `\n  - ${line}`).join('')}`,
);
if (failed.length > 0) process.exitCode = 1;
