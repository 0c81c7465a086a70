import type { TrainingEvent } from '../../train/events.js';
import { lineChart, type Series } from './chart.js';

const terms = ['oneStep', 'rollout', 'effect'];

/** How a training went: its loss, and the health of the representation. */
export function trainingCharts(events: readonly TrainingEvent[]): { readonly loss: string; readonly health: string } {
  const steps = events.filter((event) => event.type === 'step');
  const reports = events.filter((event) => event.type === 'health');
  const metric = (name: string): Series => ({
    name,
    points: steps.filter(({ metrics }) => metrics[name] > 0).map(({ step, metrics }) => [step, metrics[name]]),
  });
  const measure = (name: string, read: (report: (typeof reports)[number]['health']) => number): Series => ({
    name,
    points: reports.map(({ step, health }) => [step, read(health)]),
  });
  const overSteps = (title: string, series: readonly Series[], logarithmic = false): string =>
    lineChart(series, { title, xLabel: 'step', logarithmic });
  return {
    loss: [
      overSteps('Loss', [metric('loss')], true),
      overSteps('Main terms of the loss', terms.map(metric), true),
      overSteps('Norm of the gradient', [metric('gradNorm')], true),
    ].join(''),
    health: [
      overSteps(
        'SIGReg',
        [
          measure('embeddings', ({ sigreg }) => sigreg),
          measure('standard normal', ({ sigregNull }) => sigregNull),
          measure('all alike', ({ sigregCollapsed }) => sigregCollapsed),
        ],
        true,
      ),
      overSteps('Effective rank', [measure('dimensions in use', ({ effectiveRank }) => effectiveRank)]),
      overSteps('Action sensitivity', [measure('sensitivity', ({ actionSensitivity }) => actionSensitivity)]),
    ].join(''),
  };
}
