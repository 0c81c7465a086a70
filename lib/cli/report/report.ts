import type { PhysicsExamples, ViolationExample } from '../../eval/examples.js';
import type { TrainingEvent } from '../../train/events.js';
import { worldSize } from '../../worlds/two-room/room.js';
import { dataUri, filmStrip } from '../page/film-strip.js';
import type { Results } from '../results.js';
import { escapeHtml, lineChart, pathChart, type Series } from './chart.js';
import { rowsOf } from './rows.js';

/** What the report shows beside the numbers. */
export interface ReportMaterial {
  readonly results: Results;
  readonly events: readonly TrainingEvent[];
  readonly examples: PhysicsExamples;
  /** One planning episode of the hard protocol: positions walked, in pixels of the room, over its picture. */
  readonly episode?: {
    readonly positions: readonly (readonly [number, number])[];
    readonly goal: readonly [number, number];
    /** [224, 224, 3], with the start and the goal */
    readonly room: Uint8Array;
    /** Episodes of those tried that reached their goal; the one shown is the first of them, or else the first tried. */
    readonly succeeded: number;
    readonly tried: number;
  };
}

/** A self-contained HTML page: no script, no request to anywhere. */
export function htmlReport({ results, events, examples, episode }: ReportMaterial): string {
  const { physics, planning, health, machine, wallSeconds } = results;
  const sections = [
    section('Result', htmlTable(rowsOf(results))),
    section(
      'Training',
      `${lossChart(events)}${healthChart(events)}<p>SIGReg ${health.sigreg.toFixed(2)} (standard normal: about ${health.sigregNull.toFixed(2)}; all alike: ${health.sigregCollapsed.toFixed(1)}), effective rank ${health.effectiveRank.toFixed(1)}${health.collapsed ? ', <strong>collapsed</strong>' : ''}.</p>`,
    ),
    section('A law is broken', lawsBroken(examples)),
    section('Imagined against true', imaginedPaths(examples)),
    section(
      'Planning',
      `<p>Two-Room: ${planning.twoRoom.success.toFixed(1)} % of ${planning.twoRoom.episodes} episodes reach the goal (random ${planning.twoRoom.random.toFixed(1)} %, standing still ${planning.twoRoom.standStill.toFixed(1)} %, true simulator ${planning.twoRoom.oracle.toFixed(1)} %). Other room and 100 steps: ${planning.twoRoomHard.success.toFixed(1)} % (true simulator with straight-line distance ${planning.twoRoomHard.oracle.toFixed(1)} %). A plan takes ${planning.twoRoom.planMilliseconds.p50.toFixed(1)} ms.</p>${episode ? planningEpisode(episode) : ''}`,
    ),
    section(
      'Made by',
      `<p>Seed ${results.seed}, ${results.steps === null || results.framesPerSecond === null ? 'a finished model' : `${results.steps} steps at ${results.framesPerSecond.toFixed(0)} frames/s`} on ${escapeHtml(machine.cpu)}, ${machine.cores} cores, ${machine.target} kernels. Training ${wallSeconds.train.toFixed(0)} s, evaluation ${wallSeconds.evaluate.toFixed(0)} s, planning ${wallSeconds.plan.toFixed(0)} s. Model <code>${results.checkpoint.sha256.slice(0, 16)}</code>. Test clips are drawn from this seed; settings were chosen on validation clips. Violation macro ${physics.violations.macro.model.accuracy.toFixed(1)} %.</p>`,
    ),
  ];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>jepa: a world model of physics</title><style>${style}</style><main><h1>A world model of physics</h1>${sections.join('')}</main></html>\n`;
}

const style = `body{font:15px/1.5 system-ui,sans-serif;margin:0;color:#1f2328;background:#fff}main{max-width:1100px;margin:0 auto;padding:16px}h1{font-size:26px}h2{font-size:19px;margin:28px 0 8px}h3{font-size:15px;margin:18px 0 4px}table{border-collapse:collapse;font-size:13px;display:block;overflow-x:auto}th,td{padding:3px 8px;text-align:right;border-bottom:1px solid #d0d7de;white-space:nowrap}td:last-child{white-space:normal;min-width:200px}th:first-child,td:first-child,th:last-child,td:last-child{text-align:left}svg image{image-rendering:pixelated}svg{width:100%;height:auto;font:10px system-ui,sans-serif}svg .title{font-size:12px;font-weight:600}.grid{stroke:#eaeef2}.mark{stroke:#d1242f;stroke-dasharray:4 3}.frame{fill:#f6f8fa;stroke:#d0d7de}.goal{fill:none;stroke:#d1242f;stroke-width:2}figure{margin:8px 0;max-width:620px}figure.small{width:280px;margin:8px}.row{display:flex;flex-wrap:wrap}img{max-width:100%;image-rendering:pixelated;}@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}svg{background:#fff}th,td{border-color:#30363d}}`;

function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
}

function htmlTable([head, ...rows]: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string): string =>
    row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('');
  return `<table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</tbody></table>`;
}

function lossChart(events: readonly TrainingEvent[]): string {
  const steps = events.filter((event) => event.type === 'step');
  const names = ['loss', 'oneStep', 'rollout', 'effect'].filter((name) =>
    steps.some(({ metrics }) => metrics[name] !== undefined),
  );
  const series: Series[] = names.map((name) => ({
    name,
    points: steps.filter(({ metrics }) => metrics[name] > 0).map(({ step, metrics }) => [step, metrics[name]]),
  }));
  return lineChart(series, { title: 'Loss and its main terms', xLabel: 'step', yLabel: 'value', logarithmic: true });
}

function healthChart(events: readonly TrainingEvent[]): string {
  const reports = events.filter((event) => event.type === 'health');
  return lineChart(
    [
      { name: 'SIGReg', points: reports.map(({ step, health }) => [step, health.sigreg]) },
      { name: 'effective rank', points: reports.map(({ step, health }) => [step, health.effectiveRank]) },
    ],
    { title: 'Health of the representation', xLabel: 'step', yLabel: '' },
  );
}

function lawsBroken({ violations }: PhysicsExamples): string {
  return `<p>Of three chosen laws, each the first pair whose clips differ visibly, whatever the model made of it. Above the possible clip, below its twin in which a law is broken. Surprise is the error of what the model imagined, relative to the error that it expected.</p>${violations.map(lawBroken).join('')}`;
}

function lawBroken(example: ViolationExample): string {
  const { property, possible, impossible, frames, size, possibleSurprise, impossibleSurprise, firstFrame, eventFrame } =
    example;
  const curve = (values: readonly number[]): [number, number][] =>
    values.map((value, index) => [firstFrame + index, value]);
  const strip = (pixels: Uint8Array, label: string): string =>
    `<img alt="${label} clip, ${property}" src="${dataUri(filmStrip(pixels, frames, size, size))}">`;
  return `<h3>${escapeHtml(property)}, from frame ${eventFrame}</h3>${strip(possible, 'possible')}<br>${strip(impossible, 'impossible')}${lineChart(
    [
      { name: 'possible', points: curve(possibleSurprise) },
      { name: 'impossible', points: curve(impossibleSurprise) },
    ],
    {
      title: `Surprise, ${property}`,
      xLabel: 'frame',
      yLabel: 'surprise',
      mark: { x: Math.max(eventFrame, firstFrame), label: eventFrame < firstFrame ? 'after the event' : 'event' },
    },
  )}`;
}

function imaginedPaths({ rollouts }: PhysicsExamples): string {
  const charts = rollouts.map(({ scene, truth, imagined, lastSeen, size }) =>
    pathChart(
      [
        { name: 'true', points: truth },
        { name: 'imagined', points: imagined },
      ],
      { title: scene, size: 4, background: dataUri(filmStrip(lastSeen, 1, size, size)) },
    ),
  );
  return `<p>The model sees four frames, the last of which is shown, then only the forces. Where it imagines the disc over twelve frames, read from its embeddings, beside where the simulator has it.</p><div class="row">${charts.join('')}</div>`;
}

function planningEpisode({ positions, goal, room, succeeded, tried }: NonNullable<ReportMaterial['episode']>): string {
  const up = ([x, y]: readonly [number, number]): [number, number] => [x, worldSize - y];
  const [x, y] = up(goal);
  const caption =
    succeeded > 0
      ? `hard protocol: the first of ${tried} episodes that succeeded; ${succeeded} of ${tried} did`
      : `hard protocol: the first of ${tried} episodes; none succeeded`;
  return `<div class="row">${pathChart([{ name: succeeded > 0 ? `reached in ${positions.length - 1} steps` : 'not reached', points: positions.map(up) }], { title: caption, size: worldSize, background: dataUri(filmStrip(room, 1, worldSize, worldSize)), marks: [{ x, y, label: 'goal' }] })}</div>`;
}
