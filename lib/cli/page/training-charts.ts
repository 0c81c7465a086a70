import type { TrainingEvent } from '../../train/events.js';
import { lineChart, type Series } from './chart.js';

const terms = ['oneStep', 'rollout', 'effect'];

/** How a training went: its loss, and the health of the representation. */
export function trainingCharts(events: readonly TrainingEvent[]): { readonly loss: string; readonly health: string } {
  const steps = events.filter((event) => event.type === 'step');
  const reports = events.filter((event) => event.type === 'health');
  const metric = (name: string): Series => ({
    name,
    points: steps
      .filter(({ metrics }) => Number.isFinite(metrics[name]))
      .map(({ step, metrics }) => [step, metrics[name]]),
  });
  const positive = ({ name, points }: Series): Series => ({ name, points: points.filter(([, value]) => value > 0) });
  const loss = metric('loss'); // with a log-likelihood in it, which is below 0 where errors are small
  const measure = (name: string, read: (report: (typeof reports)[number]['health']) => number): Series => ({
    name,
    points: reports.map(({ step, health }) => [step, read(health)]),
  });
  const frozen = steps.find(({ metrics }) => metrics.frozen === 1);
  const mark = frozen && { x: frozen.step, label: 'encoder frozen' };
  const overSteps = (title: string, series: readonly Series[], logarithmic = false): string =>
    lineChart(series, { title, xLabel: 'step', logarithmic, ...(mark ? { mark } : {}) });
  return {
    loss: [
      overSteps(
        'Loss',
        [loss],
        loss.points.every(([, value]) => value > 0),
      ),
      overSteps('Main terms of the loss', terms.map(metric).map(positive), true),
      overSteps('Norm of the gradient', [positive(metric('gradNorm'))], true),
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
