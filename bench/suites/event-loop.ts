// Does training leave the event loop alone? A timer of 5 ms on the main thread, idle and during `jepa demo`'s training.
import { Contender, inTurns } from '../harness/contender.js';
import { contenderPath } from '../harness/paths.js';
import { type Measured, type Suite, timedRow } from '../harness/suite.js';

export const timerMs = 5;
const secondsPerTurn = 3;

/** Gaps between successive ticks, ms, and the training steps that ended meanwhile. */
export interface Ticks {
  readonly gaps: readonly number[];
  readonly seconds: number;
  readonly steps: number;
}

export const eventLoop: Suite = {
  name: 'event-loop',
  summary: `ticks of a ${timerMs} ms timer on the main thread, idle and during training`,
  async run(run) {
    const threads = run.threads[run.threads.length - 1];
    const phases = ['idle', 'training'].filter((phase) => phase.includes(run.only));
    if (phases.length === 0) return [];
    const contender = new Contender({
      name: 'jepa',
      threads,
      command: process.execPath,
      arguments: [contenderPath('event-loop')],
    });
    try {
      run.progress('event-loop: compiling');
      await contender.request('prepare');
      const all = new Map<string, Ticks[]>(phases.map((phase) => [phase, []]));
      const gaps = await inTurns(phases, run.rounds, async (phase) => {
        run.progress(`event-loop: ${phase}`);
        const ticks = await contender.request<Ticks>(phase, { seconds: secondsPerTurn });
        all.get(phase)?.push(ticks);
        return ticks.gaps;
      });
      const rates = new Map(
        [...all].map(([phase, turns]) => {
          const total = (value: (turn: Ticks) => number): number => turns.reduce((sum, turn) => sum + value(turn), 0);
          if (phase === 'training')
            run.note(
              `event-loop: ${total(({ steps }) => steps)} training steps in ${total(({ seconds }) => seconds).toFixed(1)} s`,
            );
          return [phase, total((turn) => turn.gaps.length) / total(({ seconds }) => seconds)];
        }),
      );
      const idle = rates.get('idle');
      return phases.map((phase): Measured => {
        const perSecond = rates.get(phase) as number;
        const row = timedRow({ case: phase, contender: 'jepa', threads, times: gaps.get(phase), verified: null });
        return { ...row, perSecond, ratio: idle === undefined ? null : perSecond / idle };
      });
    } finally {
      await contender.close();
    }
  },
};
