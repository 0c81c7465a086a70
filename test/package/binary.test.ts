// The reader of binaries that guards a release, on the addon of this checkout and on Node.js itself.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './source-files.js';

interface Binary {
  readonly format: string;
  readonly arch: string;
  readonly exports: readonly string[];
  readonly libraries: readonly string[];
}
const { inspect, problemsOf } = (await import(join(root, 'scripts/inspect-binary.mjs'))) as {
  inspect(file: Buffer): Binary;
  problemsOf(target: string, path: string): string[];
};
const { targets, pathOf } = (await import(join(root, 'scripts/prebuild-targets.mjs'))) as {
  targets: readonly { name: string }[];
  pathOf(target: string): string;
};

test('the addon shows Node-API’s entry and nothing else, and brings its C++ library along', () => {
  const { arch, exports, libraries } = inspect(readFileSync(join(root, 'build/Release/jepa.node')));
  expect(arch).toBe(process.arch);
  expect([...exports].sort()).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  if (process.platform === 'linux') {
    expect(libraries.join()).toContain('libc.');
    expect(libraries.join()).not.toMatch(/stdc\+\+|libgcc/);
  }
});

test('what a release must not have is found', () => {
  const problems = problemsOf('linux-arm64-musl', process.execPath);
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  expect(problems.join('\n')).toMatch(
    /expected architecture arm64, got x64[\s\S]*symbols .* only, got [\s\S]*libraries only/,
  );
});

test('binaries that were made for a release have no fault', (context) => {
  const made = targets.filter(({ name }) => existsSync(join(root, 'build/prebuilds', name, 'jepa.node')));
  if (made.length === 0) context.skip('there are none: npm run prebuilds -- --all makes them');
  const paths = made
    .map(({ name }) => [name, join(root, pathOf(name))] as const)
    .filter(([, path]) => existsSync(path));
  expect(paths.flatMap(([name, path]) => problemsOf(name, path))).toEqual([]);
});
