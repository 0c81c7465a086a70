/** What the native addon offers; everything heavy happens on its engine thread and resolves a promise. */
export interface Addon {
  describe(): NativeDescription;
  /** Storage of a variable, zeroed. */
  createVariable(dtype: number, elements: number): VariableHandle;
  /** Ordered with the programs that were run before. The data is copied before the call returns. */
  writeVariable(variable: VariableHandle, data: ArrayBufferView): Promise<void>;
  readVariable(variable: VariableHandle, into: ArrayBufferView): Promise<void>;
  disposeVariable(variable: VariableHandle): void;
  /** Validates program bytes as untrusted input and plans their memory. */
  createProgram(bytes: Uint8Array, variables: readonly VariableHandle[]): ProgramHandle;
  programInfo(program: ProgramHandle): ProgramInfo;
  /** Inputs are copied before the call returns. Large outputs lie in memory that comes back when nobody holds them any more. */
  run(program: ProgramHandle, inputs: readonly ArrayBufferView[], runId: number): Promise<readonly ArrayBuffer[]>;
  abort(runId: number): void;
  profile(program: ProgramHandle, inputs: readonly ArrayBufferView[], repetitions: number): Promise<NativeProfile>;
  disposeProgram(program: ProgramHandle): void;
  memory(): NativeMemory;
}

declare const variableBrand: unique symbol;
declare const programBrand: unique symbol;
export interface VariableHandle {
  readonly [variableBrand]: true;
}
export interface ProgramHandle {
  readonly [programBrand]: true;
}

export interface NativeDescription {
  readonly abi: number;
  /** Native ops in the order of their codes. */
  readonly ops: readonly string[];
  /** Elementwise instructions in the order of their codes. */
  readonly instructions: readonly string[];
  /** SIMD targets this machine can run, and the one in use. */
  readonly targets: readonly string[];
  readonly target: string;
  readonly threads: number;
  readonly cpu: string;
}

export interface ProgramInfo {
  readonly arenaBytes: number;
  /** Results that stay from run to run until variables change. */
  readonly keptBytes: number;
  readonly constantBytes: number;
  readonly flops: number;
  readonly bytes: number;
  readonly nodes: readonly {
    readonly op: string;
    readonly flops: number;
    readonly bytes: number;
    readonly tiles: number;
    /** Nodes of one group run together, block of rows by block of rows; −1: on its own. */
    readonly group: number;
  }[];
  readonly buffers: readonly {
    readonly offset: number;
    readonly bytes: number;
    readonly first: number;
    readonly last: number;
  }[];
}

export interface NativeProfile {
  readonly target: string;
  readonly threads: number;
  readonly nodes: readonly { readonly nanoseconds: number }[];
}

export interface NativeMemory {
  readonly arenaBytes: number;
  readonly variableBytes: number;
  /** Constants, small inputs and outputs, and packed weights of programs. */
  readonly programBytes: number;
  /** Memory of earlier inputs and outputs that waits for the next ones. */
  readonly spareBytes: number;
  readonly programs: number;
  readonly variables: number;
}
