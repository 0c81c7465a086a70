"""NumPy (its BLAS) or PyTorch (its own) in the gemm suite: gemm.py numpy|torch."""
import os
import sys

import numpy as np
from elements import elements
from serve import serve, turn

TURN_SECONDS = 0.03
torch = None
if sys.argv[1] == "torch":
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_grad_enabled(False)

product = None


def operand(shape, transposed, seed):
    values = elements(shape[0] * shape[1], seed)
    matrix = values.reshape(shape[::-1]).T if transposed else values.reshape(shape)
    return torch.from_numpy(matrix) if torch else matrix


def prepare(rows, inner, columns, transposeA, transposeB, samples):
    global product
    a, b = operand((rows, inner), transposeA, 1), operand((inner, columns), transposeB, 2)
    y = torch.empty(rows, columns) if torch else np.empty((rows, columns), np.float32)
    product = lambda: torch.mm(a, b, out=y) if torch else np.matmul(a, b, out=y)
    product()
    return [float(value) for value in y.reshape(-1)[samples]]


serve({"prepare": prepare, "time": lambda: turn(TURN_SECONDS, product)})
