// Running other programs: what they say is shown, a failure is an error that names the command.
import { spawnSync } from 'node:child_process';

function checked(command, options, env, settings) {
  const { status, stdout, error } = spawnSync(command, options, { ...settings, env: { ...process.env, ...env } });
  if (status === 0) return stdout;
  const end = stdout ? `, after\n${stdout.trim().split('\n').slice(-20).join('\n')}` : '';
  throw new Error(`\`${[command, ...options].join(' ')}\` ended with ${error?.message ?? `status ${status}`}${end}`);
}

/** Runs a program and shows what it writes. */
export function run(command, options, env = {}) {
  checked(command, options, env, { stdio: 'inherit' });
}

/** What a program writes. */
export function output(command, options, env = {}) {
  return checked(command, options, env, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
}

/** Whether there is such a program. */
export const found = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
