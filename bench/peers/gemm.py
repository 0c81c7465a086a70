"""NumPy (its BLAS) or PyTorch (its own) in the gemm suite: gemm.py numpy|torch."""
import os
import sys

import numpy as np
from serve import serve, turn

TURN_SECONDS = 0.03
torch = None
if sys.argv[1] == "torch":
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_grad_enabled(False)

product = None


def operand(shape, transposed, seed):
    """Numbers as `element` in suites/gemm.ts makes them."""
    with np.errstate(over="ignore"):
        h = np.arange(shape[0] * shape[1], dtype=np.uint32) + np.uint32((seed * 0x9E3779B9) & 0xFFFFFFFF)
        h *= np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(13)
    values = (h >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)
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
