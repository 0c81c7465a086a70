import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PhysicsExamples } from '../../eval/examples.js';
import type { TrainingEvent } from '../../train/events.js';
import { worldSize } from '../../worlds/two-room/room.js';
import { legend } from '../page/chart.js';
import { clipPlayer } from '../page/clip-player.js';
import { rolloutView, violationView } from '../page/example-views.js';
import { dataUri } from '../page/film-strip.js';
import { escapeHtml } from '../page/html.js';
import { style } from '../page/style.js';
import { trainingCharts } from '../page/training-charts.js';
import { violationFigure } from '../page/violation.js';
import type { Results } from '../results.js';
import { rowsOf } from './rows.js';

/** What the report shows beside the numbers. */
export interface ReportMaterial {
  readonly results: Results;
  readonly events: readonly TrainingEvent[];
  readonly examples: PhysicsExamples;
  /** Planning episodes of the hard protocol. */
  readonly planning: {
    readonly episodes: readonly Episode[];
    /** Episodes of those tried that reached their goal. */
    readonly succeeded: number;
    readonly tried: number;
  };
}

interface Episode {
  /** Walked step by step, in pixels of the room. */
  readonly positions: readonly (readonly [number, number])[];
  /** [224, 224, 3], with the start and the goal */
  readonly room: Uint8Array;
  readonly reached: boolean;
}

const rolloutRate = 6;
const stepsPerSecond = 12;

/** One HTML file with all it needs: no request to anywhere, and readable without its script, which moves the pictures. */
export function htmlReport({ results, events, examples, planning }: ReportMaterial): string {
  const script = playerScript();
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`;
  const sections = [
    section('Result', `${keyNumbers(results)}${htmlTable(rowsOf(results))}`),
    section('Training', training(results, events)),
    section('A law is broken', lawsBroken(examples)),
    section('Imagined against true', imaginedPaths(examples)),
    section('Planning', planned(results, planning)),
    section('Made by', madeBy(results)),
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><title>jepa: a world model of physics</title><style>${style}</style></head><body><main><header><h1>A world model of physics</h1></header><p>It has watched discs fall, roll, collide and be pushed, and learnt by predicting what it would see next, in representation space.</p>${sections.join('')}</main><script type="module">${script}</script></body></html>\n`;
}

/** The compiled element of moving pictures, which imports nothing. */
function playerScript(): string {
  const source = readFileSync(new URL('../browser/clip-player.js', import.meta.url), 'utf8');
  return source
    .replace(/^\/\/# sourceMappingURL=.*$/m, '')
    .replace(/^export \{\};$/m, '')
    .trim();
}

function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
}

function keyNumbers({ physics, planning }: Results): string {
  const numbers = [
    ['broken laws noticed, mean of 8', `${physics.violations.macro.model.accuracy.toFixed(1)} %`],
    ['colour change (50 is right)', `${physics.violations.colourControl.model.accuracy.toFixed(1)} %`],
    ['counterfactuals told apart', `${physics.counterfactual.match.toFixed(1)} %`],
    ['imagined 8 frames ahead', `${physics.rollout.k8.metres.toFixed(2)} m off`],
    ['goals reached in Two-Room', `${planning.twoRoom.success.toFixed(1)} %`],
  ];
  return `<dl class="numbers">${numbers.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`;
}

/** A region that can be reached by keyboard, since a phone shows only a part of the columns. */
function htmlTable([head, ...rows]: readonly (readonly string[])[]): string {
  const name = 'Every measure of the model beside its floors and rivals';
  const columns = head.map((cell, index) => `<th scope="col">${escapeHtml(index === 0 ? 'measure' : cell)}</th>`);
  const body = rows.map(([first, ...cells]) => {
    const data = cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('');
    return `<tr><th scope="row">${escapeHtml(first)}</th>${data}</tr>`;
  });
  return `<h3 id="measures">${name}</h3><div class="scroll" tabindex="0" role="region" aria-labelledby="measures"><table><thead><tr>${columns.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function training({ health }: Results, events: readonly TrainingEvent[]): string {
  const charts = trainingCharts(events);
  return `<div class="row">${charts.loss}${charts.health}</div><p>SIGReg ${health.sigreg.toFixed(2)} (standard normal: about ${health.sigregNull.toFixed(2)}; all alike: ${health.sigregCollapsed.toFixed(1)}), effective rank ${health.effectiveRank.toFixed(1)}${health.collapsed ? ', <strong>collapsed</strong>' : ''}.</p>`;
}

function lawsBroken({ violations }: PhysicsExamples): string {
  const pairs = violations.map((example) => violationFigure(violationView(example)));
  return `<p>Of three chosen laws, each the first pair whose clips differ visibly, whatever the model made of it: a possible clip beside its twin in which a law is broken. Surprise is the error of what the model imagined, relative to the error that it expected.</p><div class="row">${pairs.join('')}</div>`;
}

function imaginedPaths({ rollouts }: PhysicsExamples): string {
  const players = rollouts.map((example) =>
    article(
      example.scene,
      clipPlayer({
        name: `the scene ${example.scene}`,
        frames: example.frames,
        rate: rolloutRate,
        views: [rolloutView(example)],
        remark: { frame: example.seen, text: 'unseen by the model' },
      }),
    ),
  );
  return `<p>The model sees four frames, then only the forces. A ring shows where it imagines the disc over twelve frames, read from its embeddings, over what the simulator made of it.</p><div class="paths">${legend([{ name: 'true' }, { name: 'imagined' }])}<div class="row">${players.join('')}</div></div>`;
}

function planned(
  { planning: { twoRoom, twoRoomHard } }: Results,
  { episodes, succeeded, tried }: ReportMaterial['planning'],
): string {
  const percent = (value: number): string => `${value.toFixed(1)} %`;
  const players = episodes.map(({ positions, room, reached }, index) => {
    const steps = positions.length - 1;
    const caption = reached ? `reached in ${steps} steps` : `not reached in ${steps} steps`;
    const view = {
      strip: dataUri({ pixels: room, height: worldSize, width: worldSize }),
      pictures: 1,
      caption,
      alternative: `Two rooms from above with a door between them. The way of the agent, red at its start, towards the green goal in the other room: ${caption}.`,
      paths: [{ name: 'way', points: positions.map(([x, y]): [number, number] => [x / worldSize, y / worldSize]) }],
    };
    const name = `episode ${index + 1}`;
    return article(name, clipPlayer({ name, frames: positions.length, rate: stepsPerSecond, views: [view] }));
  });
  return `<p>Two-Room: ${percent(twoRoom.success)} of ${twoRoom.episodes} episodes reach the goal (random ${percent(twoRoom.random)}, standing still ${percent(twoRoom.standStill)}, true simulator ${percent(twoRoom.oracle)}). Other room and 100 steps: ${percent(twoRoomHard.success)} by waypoints (straight to the goal ${percent(twoRoomHard.straight)}, true simulator with straight-line distance ${percent(twoRoomHard.oracle)}). A plan takes ${twoRoom.planMilliseconds.p50.toFixed(1)} ms.</p><p>The first ${episodes.length} of ${tried} episodes of the harder protocol, whatever became of them; ${succeeded} of ${tried} succeeded.</p><div class="row paths">${players.join('')}</div>`;
}

function article(title: string, body: string): string {
  return `<article><h3>${escapeHtml(title)}</h3>${body}</article>`;
}

function madeBy({ seed, steps, framesPerSecond, machine, wallSeconds, checkpoint, physics }: Results): string {
  const trained =
    steps === null || framesPerSecond === null
      ? 'a finished model'
      : `${steps} steps at ${framesPerSecond.toFixed(0)} frames/s`;
  return `<p>Seed ${seed}, ${trained} on ${escapeHtml(machine.cpu)}, ${machine.cores} cores, ${machine.target} kernels. Training ${wallSeconds.train.toFixed(0)} s, evaluation ${wallSeconds.evaluate.toFixed(0)} s, planning ${wallSeconds.plan.toFixed(0)} s. Model <code>${checkpoint.sha256.slice(0, 16)}</code>. Test clips are drawn from this seed; settings were chosen on validation clips. Violation macro ${physics.violations.macro.model.accuracy.toFixed(1)} %.</p>`;
}
