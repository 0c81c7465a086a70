#!/usr/bin/env node
import { JepaError } from '../errors.js';
import { type CommandSpec, explain, meant, type Parsed, parseCommand, UsageError, usage } from './arguments.js';
import { stopBeforeWork } from './interrupt.js';

/** A subcommand: its options, and what it does with them. @returns the exit code */
export interface Command {
  readonly spec: CommandSpec;
  run(parsed: Parsed): Promise<number>;
}

// Each command is loaded when it is asked for: `jepa doctor` must work where others cannot.
const commands: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  demo: () => import('./demo.js'),
  train: () => import('./train.js'),
  eval: () => import('./eval.js'),
  rank: () => import('./rank.js'),
  plan: () => import('./plan.js'),
  inspect: () => import('./inspect.js'),
  doctor: () => import('./doctor.js'),
};

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === 'help' && args.length > 0) return main([...args, '--help']);
  if (name === '--version' || name === '-v') {
    const { packageVersion } = await import('./version.js');
    console.log(packageVersion());
    return 0;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const all = await Promise.all(Object.values(commands).map(async (load) => (await load()).command.spec));
    const show = name === undefined ? console.error : console.log; // help that was asked for is the answer, not talk
    show(
      [
        'jepa: world models for Node.js',
        '',
        ...all.map(
          ({ name: command, positionals, summary }) =>
            `  jepa ${[command, ...positionals].join(' ').padEnd(24)} ${summary}`,
        ),
        '',
        '`jepa COMMAND --help` shows its options.',
        'Exit codes: 0 done, 1 failed, 2 a mistake in the command line, 130 stopped by Ctrl-C.',
      ].join('\n'),
    );
    return name === undefined ? 2 : 0;
  }
  if (!Object.hasOwn(commands, name))
    throw new UsageError(
      `jepa has no command '${name}'${meant(name, commands)}\nexpected ${Object.keys(commands).join(', ')}`,
    );
  const { command } = await commands[name]();
  if (args.includes('--help') || args.includes('-h')) {
    console.log(usage(command.spec));
    return 0;
  }
  return command.run(parseCommand(command.spec, args));
}

// `jepa inspect FILE | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

stopBeforeWork();
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(explain(error));
    process.exitCode = exitCode(error);
  },
);

function exitCode(error: unknown): number {
  if (error instanceof UsageError) return 2;
  return error instanceof JepaError && error.code === 'ERR_JEPA_ABORTED' ? 130 : 1;
}
