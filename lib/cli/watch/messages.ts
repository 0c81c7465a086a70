import type { TrainingEvent } from '../../train/events.js';
import type { ViolationView } from '../page/violation.js';

/** A clip that the model learns from. */
export interface SampleView {
  /** URI of its film strip */
  readonly strip: string;
  /** Number of the clip, from 1, and what of it is seen, where there are several modalities. */
  readonly clip: number;
  readonly modality?: string;
  readonly frames: number;
}

/** What a look at the model in training shows. */
export interface Look {
  readonly step: number;
  readonly samples: readonly SampleView[];
  readonly violations: readonly ViolationView[];
}

/** What the page is told, by the name of the server-sent event. */
export interface Messages {
  /** The first of every connection: what is known so far. */
  readonly run: { readonly title: string; readonly events: readonly TrainingEvent[]; readonly look?: Look };
  readonly training: TrainingEvent;
  readonly look: Look;
  /** The last one: a sentence. */
  readonly end: { readonly message: string };
}
