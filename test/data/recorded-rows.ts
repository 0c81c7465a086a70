import { fileURLToPath } from 'node:url';

/** A path in the folder of files that other libraries wrote. */
export function foreignFile(name: string): string {
  return fileURLToPath(new URL(`./files/${name}`, import.meta.url));
}

/** Pixels [6, 5, 3] of a row in those files. */
export function pixelsOf(row: number): number[] {
  return Array.from({ length: 90 }, (_, k) => (37 * row + k) % 251);
}

export function actionOf(row: number): number[] {
  return [row, row + 0.5];
}

export function stateOf(row: number): number[] {
  return [row, 2 * row, -row];
}

export function from(start: number, count: number, stride = 1): number[] {
  return Array.from({ length: count }, (_, index) => start + index * stride);
}
