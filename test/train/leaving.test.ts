import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

// Batches that arrive while the threads are being ended must not let go of the process: it would end with code 0 in mid-program.
test('a program goes on after it has left a dataset whose threads are still at work', () => {
  const library = new URL('../../dist/esm/index.js', import.meta.url).href;
  const batches = new URL('../data/batches.mjs', import.meta.url).href;
  const program = `
    import { WorkerDataset } from ${JSON.stringify(library)};
    for (let round = 0; round < 12; round++) {
      const dataset = new WorkerDataset({ module: ${JSON.stringify(batches)}, name: 'square', options: {} }, { lookahead: 3 });
      for await (const batch of dataset) {
        const start = performance.now();
        while (performance.now() < start + 25); // the other batches are ready, but nobody has looked
        break;
      }
    }
    console.log('over');`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect([status, stdout, stderr]).toEqual([0, 'over\n', '']);
});
