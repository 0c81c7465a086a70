import { escapeHtml } from './html.js';

/** Places of something over the frames of a player, in the unit square, y down; null where it has none. */
export interface PlayerPath {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number] | null)[];
}

export interface PlayerView {
  /** URI of a picture with frames side by side, or of a single still one. */
  readonly strip: string;
  readonly pictures: number;
  readonly caption: string;
  /** What is to be seen, in words. */
  readonly alternative: string;
  readonly paths?: readonly PlayerPath[];
}

export interface PlayerOptions {
  readonly name: string;
  readonly views: readonly PlayerView[];
  readonly frames: number;
  /** Frames per second. */
  readonly rate: number;
  /** From this frame on the counter adds a remark. */
  readonly remark?: { readonly frame: number; readonly text: string };
  /** HTML below the pictures; a chart's cursor in it follows the frames. */
  readonly below?: string;
}

/**
 * Moving pictures that play together, as an element that the script of the page brings to life with canvases, a button and a slider.
 * Without the script the strips are seen as they are.
 */
export function clipPlayer({ name, views, frames, rate, remark, below = '' }: PlayerOptions): string {
  const pictures = views.map(({ strip, pictures, caption, alternative, paths = [] }) => {
    const overlay = paths.length > 0 ? ` data-paths="${escapeHtml(JSON.stringify(rounded(paths)))}"` : '';
    return `<figure><img src="${escapeHtml(strip)}" alt="${escapeHtml(alternative)}" data-pictures="${pictures}"${overlay}><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
  });
  const said = remark ? ` data-remark-frame="${remark.frame}" data-remark="${escapeHtml(remark.text)}"` : '';
  return `<clip-player data-name="${escapeHtml(name)}" data-frames="${frames}" data-rate="${rate}"${said}><div class="views">${pictures.join('')}</div>${below}</clip-player>`;
}

function rounded(paths: readonly PlayerPath[]): unknown {
  const short = (value: number): number => Math.round(value * 1e4) / 1e4;
  return paths.map(({ points }) => points.map((point) => point && [short(point[0]), short(point[1])]));
}
