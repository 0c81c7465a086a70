// What native/ops/matmul/matmul.h and native/ops/linear_int8/linear_int8.h lay down, for the ops and the compiler alike.

/** Columns of a panel of a packed right operand. */
export const panelColumns = 32;

/** Bit of a product's flags: operands are rounded to bfloat16. */
export const isRounded = 2;
