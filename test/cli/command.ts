import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves to what is on stderr once it has said something, or the process is over. */
  said(text: string): Promise<string>;
}

/** Starts `jepa …` in a process of its own. */
export function start(
  args: readonly string[],
  {
    cwd,
    env = {},
    node = [],
  }: { readonly cwd?: string; readonly env?: Record<string, string>; readonly node?: readonly string[] } = {},
): Started {
  const child = spawn(process.execPath, [...node, main, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const texts = { stdout: '', stderr: '' };
  const listeners: (() => void)[] = [];
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (part: Buffer) => {
      texts[name] += part.toString();
      for (const listener of listeners) listener();
    });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...texts })));
  const said = (text: string): Promise<string> =>
    Promise.race([
      ended.then(({ stderr }) => stderr),
      new Promise<string>((resolve) => {
        const look = (): void => {
          if (texts.stderr.includes(text)) resolve(texts.stderr);
        };
        listeners.push(look);
        look();
      }),
    ]);
  return { child, ended, said };
}

export const jepa = (args: readonly string[], options?: Parameters<typeof start>[1]): Promise<Ended> =>
  start(args, options).ended;
