/** First values of parameters, for the `initialiser` option of layers. */
export {
  type Draw,
  type Initialiser,
  type InitialiserName,
  initialisers,
  kaimingUniform,
  normal,
  ones,
  scaled,
  truncatedNormal,
  uniform,
  zeros,
} from './initialisers.js';
