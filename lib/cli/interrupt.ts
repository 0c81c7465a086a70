import { JepaError } from '../errors.js';

/**
 * A signal for Ctrl-C and termination: the first asks to stop cleanly, the second ends the process at once.
 * @returns the signal, and a function that takes the handlers away
 */
export function interruptible(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${name}: stopping after this step; again to stop at once\n`);
    controller.abort(new JepaError('ERR_JEPA_ABORTED', `stopped by ${name}`));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return { signal: controller.signal, release: () => void process.off('SIGINT', stop).off('SIGTERM', stop) };
}
