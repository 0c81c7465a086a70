import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks', // a native addon lives in a process of its own
    maxWorkers: 2,
    testTimeout: 120_000, // a test that hangs: on a busy machine one that works may take several times as long as alone
  },
});
