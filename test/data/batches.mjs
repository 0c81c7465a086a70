import { setTimeout } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';

/** Slower for even indices, so that order must be kept by the reader. */
export async function square({ offset = 0 } = {}, index) {
  await setTimeout(index % 2 === 0 ? 15 : 1);
  const shared = new Float32Array([index, index * index + offset]);
  return { index, values: shared, again: shared.subarray(1) };
}

export function failsAt({ at }, index) {
  if (index === at) throw new RangeError('no such clip');
  return { index };
}

export function missingPeer() {
  throw Object.assign(new Error('[physics] expected a package'), { code: 'ERR_JEPA_MISSING_PEER' });
}

export function exits() {
  process.exit(3);
}

/** Posts what another thread cannot read: a view whose memory has gone to one already. */
export function unreadable() {
  const gone = Float32Array.of(1);
  structuredClone(gone, { transfer: [gone.buffer] });
  parentPort.postMessage({ gone }, [gone.buffer]);
  return never();
}

export function detached() {
  const gone = Float32Array.of(1);
  structuredClone(gone, { transfer: [gone.buffer] });
  return { gone };
}

export function never() {
  return new Promise(() => {});
}

export function counted({ counter }, index) {
  Atomics.add(counter, 0, 1);
  return index;
}
