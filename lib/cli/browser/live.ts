import './clip-player.js';
import type { TrainingEvent } from '../../train/events.js';
import { duration } from '../duration.js';
import { clipPlayer } from '../page/clip-player.js';
import { remember } from '../page/history.js';
import { figure } from '../page/html.js';
import { trainingCharts } from '../page/training-charts.js';
import { violationFigure } from '../page/violation.js';
import type { Look, Messages } from '../watch/messages.js';

const chartInterval = 500; // ms between two drawings of the charts
const samplesPerSecond = 7.5;

let events: TrainingEvent[] = [];
let drawing = 0;

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

function write(id: string, text: string): void {
  element(id).textContent = text;
}

function state(name: 'live' | 'done' | 'lost', text: string): void {
  element('status').dataset.state = name;
  write('status', text);
}

/** Charts are drawn anew, but not for every event. */
function drawSoon(): void {
  if (drawing !== 0) return;
  drawing = window.setTimeout(() => {
    drawing = 0;
    const { loss, health } = trainingCharts(events);
    if (loss) element('loss-content').innerHTML = loss;
    if (health) element('health-content').innerHTML = health;
  }, chartInterval);
}

function happened(event: TrainingEvent): void {
  remember(events, event);
  if (event.type === 'step') {
    const { step, steps, metrics } = event;
    write('step', `${step} of ${steps}`);
    write('loss', figure(metrics.loss ?? Number.NaN)); // JSON has no NaN
    write('rate', figure(event.samplesPerSecond));
    write('left', duration(event.secondsLeft));
    const progress = element('progress') as HTMLProgressElement;
    [progress.max, progress.value] = [steps, step];
    document.title = `${Math.floor((100 * step) / steps)} % · ${element('status').textContent}`;
  } else if (event.type === 'health') write('rank', figure(event.health.effectiveRank));
  else if (event.type === 'warning') {
    const warning = document.createElement('li');
    warning.textContent = `Step ${event.step}: ${event.message}`;
    element('warnings').append(warning);
  }
  drawSoon();
}

/** Puts new players in the place of old ones; whoever paused one or stands on one of its controls does not notice. */
function replace(id: string, html: string): void {
  const section = element(id);
  const controls = (): HTMLElement[] => [...section.querySelectorAll<HTMLElement>('button, input')];
  const players = (): (HTMLElement & { playing: boolean })[] => [...section.querySelectorAll<never>('clip-player')];
  const focused = controls().indexOf(document.activeElement as HTMLElement);
  const playing = players().map((player) => player.playing);
  section.innerHTML = html;
  for (const [index, player] of players().entries()) if (playing[index] === false) player.playing = false;
  controls()[focused]?.focus();
}

function looked({ step, samples, violations }: Look): void {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const noticed = violations.filter((pair) => mean(pair.impossibleSurprise) > mean(pair.possibleSurprise));
  if (violations.length > 0) {
    write('noticed', `${noticed.length} of ${violations.length}`);
    replace('surprise-content', violations.map(violationFigure).join(''));
  } else {
    write('noticed', 'none shown');
    element('surprise-content').innerHTML = '<p class="quiet">laws are broken in the physics suite only</p>';
  }
  write('samples-note', `Clips that it learns from, at step ${step}.`);
  const views = samples.map(({ strip, frames, clip, modality }) => ({
    strip,
    pictures: frames,
    caption: modality === undefined ? `clip ${clip}` : `clip ${clip}, ${modality}`,
    alternative: `Clip ${clip}${modality === undefined ? '' : `, ${modality},`} of those that the model learns from: ${frames} frames.`,
  }));
  if (views.length > 0)
    replace(
      'samples-content',
      clipPlayer({ name: 'the samples', views, frames: samples[0].frames, rate: samplesPerSecond }),
    );
  else element('samples-content').innerHTML = '<p class="quiet">readings of sensors are not shown</p>';
}

function began({ events: before, look }: Messages['run']): void {
  events = [];
  element('warnings').replaceChildren();
  state('live', 'live');
  for (const event of before) happened(event);
  if (look) looked(look);
}

const source = new EventSource('/events');
function on<Name extends keyof Messages>(name: Name, act: (message: Messages[Name]) => void): void {
  source.addEventListener(name, (event) => act(JSON.parse((event as MessageEvent<string>).data) as Messages[Name]));
}
on('run', began);
on('training', happened);
on('look', looked);
on('end', ({ message }) => {
  source.close();
  state('done', message);
  document.title = message;
});
source.addEventListener('error', () => state('lost', 'connection lost, trying again'));
