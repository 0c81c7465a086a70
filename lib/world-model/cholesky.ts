type Floats = Float32Array | Float64Array;

/**
 * Lower triangular L with L·Lᵀ = A, float64 [n, n] row-major; of A only the lower half is read.
 * @param negligible pivots up to this share of the largest diagonal element become infinite: what is solved with L then has 0 along
 *   directions without extent. Without it every pivot is taken, and those of a matrix that is not positive are NaN.
 */
export function cholesky(a: Float64Array, n: number, negligible?: number): Float64Array {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, a[i * n + i]);
  const least = negligible === undefined ? Number.NEGATIVE_INFINITY : negligible * largest;
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j];
      for (let k = 0; k < j; k++) rest -= factor[i * n + k] * factor[j * n + k];
      if (i > j) factor[i * n + j] = rest / factor[j * n + j];
      else factor[i * n + i] = rest <= least ? Number.POSITIVE_INFINITY : Math.sqrt(rest);
    }
  return factor;
}

/** L⁻¹·B for the lower triangular L [n, n], in place of B [n, columns]. */
export function solveLower(factor: Floats, n: number, b: Float64Array, columns = 1): void {
  for (let c = 0; c < columns; c++)
    for (let i = 0; i < n; i++) {
      let rest = b[i * columns + c];
      for (let j = 0; j < i; j++) rest -= factor[i * n + j] * b[j * columns + c];
      b[i * columns + c] = rest / factor[i * n + i];
    }
}

/** L⁻ᵀ·B for the lower triangular L [n, n], in place of B [n, columns]. */
export function solveLowerTransposed(factor: Floats, n: number, b: Float64Array, columns = 1): void {
  for (let c = 0; c < columns; c++)
    for (let i = n - 1; i >= 0; i--) {
      let rest = b[i * columns + c];
      for (let j = i + 1; j < n; j++) rest -= factor[j * n + i] * b[j * columns + c];
      b[i * columns + c] = rest / factor[i * n + i];
    }
}
