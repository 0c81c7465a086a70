/**
 * A small software rasteriser: shapes given by signed distance, one pixel of anti-aliasing, colours truncated to bytes.
 * Coordinates are pixels, y down, the first pixel's centre at (½, ½). Distance d to an edge covers a pixel by clamp(½ − d, 0, 1).
 */

export type Colour = readonly [red: number, green: number, blue: number];

/** Where a picture lies: [size, size, 3] bytes from `offset` of `data`. */
export interface Canvas {
  readonly data: Uint8Array;
  readonly offset: number;
  readonly size: number;
}

export function drawDisc(
  { data, offset, size }: Canvas,
  x: number,
  y: number,
  radius: number,
  [red, green, blue]: Colour,
): void {
  const reach = radius + 0.5;
  const inside = Math.max(0, radius - 0.5);
  const insideSquared = radius < 0.5 ? -1 : inside * inside;
  const outsideSquared = reach * reach;
  const left = Math.max(0, Math.floor(x - reach));
  const right = Math.min(size - 1, Math.floor(x + reach));
  const top = Math.max(0, Math.floor(y - reach));
  const bottom = Math.min(size - 1, Math.floor(y + reach));
  for (let row = top; row <= bottom; row++) {
    const dy = row + 0.5 - y;
    let at = offset + (row * size + left) * 3;
    for (let column = left; column <= right; column++, at += 3) {
      const dx = column + 0.5 - x;
      const squared = dx * dx + dy * dy;
      if (squared >= outsideSquared) continue;
      if (squared <= insideSquared) {
        data[at] = red;
        data[at + 1] = green;
        data[at + 2] = blue;
        continue;
      }
      const cover = Math.min(1, reach - Math.sqrt(squared));
      data[at] += (red - data[at]) * cover;
      data[at + 1] += (green - data[at + 1]) * cover;
      data[at + 2] += (blue - data[at + 2]) * cover;
    }
  }
}

export interface RotatedBox {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
  /** Unit vector of the box's own x axis, in pixels (y down). */
  readonly axisX: number;
  readonly axisY: number;
}

export function drawBox(
  { data, offset, size }: Canvas,
  { x, y, halfWidth, halfHeight, axisX, axisY }: RotatedBox,
  [red, green, blue]: Colour,
): void {
  const reachX = Math.abs(axisX) * halfWidth + Math.abs(axisY) * halfHeight + 1;
  const reachY = Math.abs(axisY) * halfWidth + Math.abs(axisX) * halfHeight + 1;
  const left = Math.max(0, Math.floor(x - reachX));
  const right = Math.min(size - 1, Math.floor(x + reachX));
  const top = Math.max(0, Math.floor(y - reachY));
  const bottom = Math.min(size - 1, Math.floor(y + reachY));
  for (let row = top; row <= bottom; row++) {
    const dy = row + 0.5 - y;
    let at = offset + (row * size + left) * 3;
    for (let column = left; column <= right; column++, at += 3) {
      const dx = column + 0.5 - x;
      const alongX = Math.abs(dx * axisX + dy * axisY) - halfWidth;
      const alongY = Math.abs(dy * axisX - dx * axisY) - halfHeight;
      const outside = Math.max(alongX, alongY);
      if (outside >= 0.5) continue;
      const distance = alongX > 0 && alongY > 0 ? Math.sqrt(alongX * alongX + alongY * alongY) : outside;
      const cover = Math.min(1, 0.5 - distance);
      if (cover <= 0) continue;
      data[at] += (red - data[at]) * cover;
      data[at + 1] += (green - data[at + 1]) * cover;
      data[at + 2] += (blue - data[at + 2]) * cover;
    }
  }
}
