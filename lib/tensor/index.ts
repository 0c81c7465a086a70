export { type Gradients, grad, stopGradient, valueAndGrad } from './autodiff.js';
export { checkpoint } from './checkpoint.js';
export { type CallOptions, type Compiled, type CompileOptions, compile, nativeTarget } from './compile.js';
export { arange, scalar, type TensorLike, type TensorOptions, tensor } from './create.js';
export {
  bytesPerElement,
  type DType,
  dtypes,
  fromBfloat16,
  fromFloat16,
  isFloat,
  type TypedArray,
  toBfloat16,
  toFloat16,
} from './dtype.js';

import './evaluate.js';

export type { Float16ArrayLike, HostValues, NestedValues } from './host-values.js';
export {
  apply,
  type Emitter,
  type GradientContext,
  type Node,
  type OpDefinition,
  type StridedView,
  type TensorSpec,
} from './op.js';
export { type KernelTime, type Profile, Program } from './program.js';
export { broadcastShapes, checkShape, normaliseAxis, type Shape, sameShape, show, sizeOf } from './shape.js';
export { type Nested, Tensor } from './tensor.js';
export { assign, guardFinite, type Passes, type Precision, type Quantization, recordRead } from './trace.js';
export type { Tree } from './tree.js';
export { Variable, type VariableOptions, variable } from './variable.js';
