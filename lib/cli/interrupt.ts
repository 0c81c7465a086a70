import { JepaError } from '../errors.js';

/**
 * A signal for Ctrl-C and termination: the first asks to stop cleanly, the second ends the process at once.
 * @returns the signal, and a function that takes the handlers away
 */
export function interruptible(): { readonly signal: AbortSignal; readonly release: () => void } {
  process.off('SIGINT', stopNow).off('SIGTERM', stopNow);
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${name}: stopping after this step; again to stop at once\n`);
    controller.abort(new JepaError('ERR_JEPA_ABORTED', `stopped by ${name}`));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return { signal: controller.signal, release: () => void process.off('SIGINT', stop).off('SIGTERM', stop) };
}

/** Until a command can stop cleanly, it has not begun: a signal ends the process, which says so. */
export function stopBeforeWork(): void {
  process.on('SIGINT', stopNow).on('SIGTERM', stopNow);
}

function stopNow(name: NodeJS.Signals): void {
  process.stderr.write(`\n${name}: stopped before the work began, nothing was done\n`);
  process.exit(130);
}
