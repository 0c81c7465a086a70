import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporary-folder.js';

const root = new URL('../../', import.meta.url).pathname;

/** A copy of the package without any binary. */
function installedPackage(): string {
  const folder = temporaryFolder();
  for (const path of ['package.json', 'dist/esm/errors.js', 'dist/esm/native']) {
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** What loading gives in a process of its own: the error, or 'loaded'. */
function outcome(folder: string, env: Record<string, string> = {}, flags: string[] = [], before = '') {
  const program = `
    const { loadAddon } = await import(${JSON.stringify(join(folder, 'dist/esm/native/load.js'))});
    ${before}
    try { loadAddon(); console.log(JSON.stringify({ code: 'loaded' })); }
    catch ({ code, message, help, details }) { console.log(JSON.stringify({ code, message, help, details })); }`;
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, JEPA_NATIVE_PATH: '', ...env },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { code: string; message: string; help: string[]; details: { platform: string } };
}

test('the addon of this checkout loads', () => {
  expect(outcome(root)).toEqual({ code: 'loaded' });
});

test('no binary for this platform: names the platform and what was tried', () => {
  const folder = installedPackage();
  const { code, message, help, details } = outcome(folder);
  expect(code).toBe('ERR_JEPA_UNSUPPORTED_PLATFORM');
  expect(details.platform).toContain(`${process.platform}-${process.arch}`);
  expect(message).toContain(
    `[jepa] expected to load the native addon on ${details.platform}, Node ${process.version}; tried:`,
  );
  expect(message).toContain(
    `  - a build in this folder (${join(folder, 'build/Release/jepa.node')}): there is no such file`,
  );
  expect(message).toContain('  - the prebuilt binary of the package: No native build was found for platform=');
  expect(help).toEqual([expect.stringContaining('install the package again')]);
});

test('a checkout that was not built: says how to build', () => {
  const folder = installedPackage();
  mkdirSync(join(folder, 'lib'));
  expect(outcome(folder)).toMatchObject({
    code: 'ERR_JEPA_NATIVE_LOAD',
    help: ['build it: `npm run build:native` (needs a C++17 compiler, CMake, and make or ninja)'],
  });
});

test('a damaged binary: gives the loader’s reason and the likely cause', () => {
  const folder = installedPackage();
  mkdirSync(join(folder, 'build/Release'), { recursive: true });
  writeFileSync(join(folder, 'build/Release/jepa.node'), 'this is no library'.repeat(100));
  const { code, message, help } = outcome(folder);
  expect(code).toBe('ERR_JEPA_NATIVE_LOAD');
  expect(message.match(/build\/Release/g)).toHaveLength(1);
  if (process.platform === 'linux') {
    expect(message).toMatch(/jepa\.node\): invalid ELF header/);
    expect(help[0]).toBe(
      'the binary is of another platform or damaged: was node_modules copied? Run `npm install` here',
    );
  }
});

test('JEPA_NATIVE_PATH is the only one tried when it is set', () => {
  const path = join(temporaryFolder(), 'none.node');
  const { code, message, help } = outcome(installedPackage(), { JEPA_NATIVE_PATH: path });
  expect(code).toBe('ERR_JEPA_NATIVE_LOAD');
  expect(message).toContain(`  - JEPA_NATIVE_PATH (${path}): there is no such file\n  → JEPA_NATIVE_PATH must name`);
  expect(help).toHaveLength(1);
});

test('a library that is no addon of this version is refused', () => {
  const path = join(temporaryFolder(), 'other.cjs');
  writeFileSync(path, 'module.exports = { describe: () => ({ abi: 99 }) };');
  const { message, help } = outcome(root, { JEPA_NATIVE_PATH: path });
  expect(message).toContain('made for another version of this package (interface 99, not 1)');
  expect(help[0]).toContain('another version');
});

test('addons switched off: says so', () => {
  const { code, help } = outcome(root, {}, ['--no-addons']);
  expect(code).toBe('ERR_JEPA_NATIVE_LOAD');
  expect(help).toContain('Node.js was started with --no-addons: start it without');
});

test('a runtime without the Node-API version asks for a newer Node.js, and loads nothing', () => {
  const before = "Object.defineProperty(process.versions, 'napi', { value: '8' });";
  expect(outcome(root, {}, [], before)).toMatchObject({
    code: 'ERR_JEPA_NATIVE_LOAD',
    message: expect.stringContaining(
      '  - the runtime: Node-API 9 is needed, this runtime has 8\n  → use Node.js 20.19 or newer',
    ),
  });
});
