/** Numbers a training step reports, e.g. `{ loss, oneStep, sigreg, gradNorm }`. */
export type Metrics = Readonly<Record<string, number>>;

/** What a look at the embeddings says about the health of the representation. */
export interface HealthReport {
  /** SIGReg's statistic on fresh directions: about `sigregNull` when healthy, `sigregCollapsed` when all embeddings agree. */
  readonly sigreg: number;
  readonly sigregNull: number;
  readonly sigregCollapsed: number;
  /** Standard deviation per embedding dimension over a batch. */
  readonly std: readonly number[];
  /** exp(entropy of the normalised spectrum): how many dimensions are in use. */
  readonly effectiveRank: number;
  /** Mean change of a prediction when the actions are exchanged, relative to the spread of embeddings. */
  readonly actionSensitivity: number;
  readonly collapsed: boolean;
}

/** What `trainer.run()` yields, in order of happening. */
export type TrainingEvent =
  | {
      readonly type: 'step';
      readonly step: number;
      readonly steps: number;
      readonly metrics: Metrics;
      readonly samplesPerSecond: number;
      readonly secondsLeft: number;
    }
  | { readonly type: 'health'; readonly step: number; readonly health: HealthReport }
  | { readonly type: 'warning'; readonly step: number; readonly message: string }
  | { readonly type: 'checkpoint'; readonly step: number; readonly path: string }
  | { readonly type: 'interrupted'; readonly step: number; readonly path?: string }
  | { readonly type: 'done'; readonly step: number; readonly seconds: number; readonly samplesPerSecond: number };
