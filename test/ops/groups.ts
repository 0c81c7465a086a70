import { attentions } from './attention.cases.js';
import { binary } from './binary.cases.js';
import { clipsAndPictures } from './clips-and-pictures.cases.js';
import { convolutions } from './conv.cases.js';
import { expressions } from './expressions.cases.js';
import { int8Layers } from './int8.cases.js';
import { layerNorms } from './layer-norms.cases.js';
import { linearAlgebra } from './matmul.cases.js';
import { normalisations } from './normalisation.cases.js';
import type { OpCases } from './op-case.js';
import { parts } from './parts.cases.js';
import { random } from './random.cases.js';
import { recurrent } from './recurrent.cases.js';
import { reductions } from './reduce.cases.js';
import { rows } from './rows.cases.js';
import { sequences } from './sequences.cases.js';
import { shapes } from './shape.cases.js';
import { unary } from './unary.cases.js';

/** Every case of every op. */
export const groups: readonly OpCases[] = [
  ...unary,
  ...binary,
  ...shapes,
  ...parts,
  ...reductions,
  ...linearAlgebra,
  ...int8Layers,
  ...convolutions,
  ...normalisations,
  ...attentions,
  ...recurrent,
  ...clipsAndPictures,
  ...layerNorms,
  ...sequences,
  ...rows,
  ...random,
  ...expressions,
];
