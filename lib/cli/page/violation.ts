import { lineChart } from './chart.js';
import { clipPlayer } from './clip-player.js';
import { escapeHtml } from './html.js';

/** A pair of clips of which one breaks a law, with the surprise at each frame from `firstFrame` on. */
export interface ViolationView {
  readonly property: string;
  /** URIs of film strips */
  readonly possible: string;
  readonly impossible: string;
  readonly frames: number;
  readonly possibleSurprise: readonly number[];
  readonly impossibleSurprise: readonly number[];
  readonly firstFrame: number;
  readonly eventFrame: number;
}

const framesPerSecond = 7.5; // half the speed of the world: an event of one frame can be seen

/** The two clips playing together above their curves of surprise. */
export function violationFigure(view: ViolationView): string {
  const { property, frames, firstFrame, eventFrame } = view;
  const curve = (values: readonly number[]): [number, number][] =>
    values.map((y, index) => [firstFrame + index + 1, y]);
  const chart = lineChart(
    [
      { name: 'possible', points: curve(view.possibleSurprise) },
      { name: 'impossible', points: curve(view.impossibleSurprise) },
    ],
    {
      title: 'Surprise',
      xLabel: 'frame',
      cursor: true,
      ...(eventFrame >= firstFrame ? { mark: { x: eventFrame + 1, label: 'law broken' } } : {}),
    },
  );
  const player = clipPlayer({
    name: property,
    frames,
    rate: framesPerSecond,
    remark: { frame: eventFrame, text: 'law broken' },
    views: [
      {
        strip: view.possible,
        pictures: frames,
        caption: 'possible',
        alternative: `The possible clip beside ${property}: ${frames} frames of a disc that obeys the laws of physics.`,
      },
      {
        strip: view.impossible,
        pictures: frames,
        caption: 'impossible',
        alternative: `The same clip with a broken law, ${property}, from frame ${eventFrame + 1} on.`,
      },
    ],
    below: chart,
  });
  return `<article><h3>${escapeHtml(property)}</h3>${player}</article>`;
}
