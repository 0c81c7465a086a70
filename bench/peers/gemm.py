"""NumPy (its BLAS) or PyTorch (mm, or weights packed by MKL or oneDNN) in the gemm suite: gemm.py numpy|mm|mkl|onednn."""
import os
import re
import sys

import numpy as np
from elements import elements
from serve import serve, turn

TURN_SECONDS = 0.03
mode = sys.argv[1]
torch = None
if mode != "numpy":
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_grad_enabled(False)

product = None


def operand(shape, transposed, seed, precision):
    values = elements(shape[0] * shape[1], seed)
    matrix = values.reshape(shape[::-1]).T if transposed else values.reshape(shape)
    return torch.from_numpy(matrix).to(getattr(torch, precision)) if torch else matrix


def packed(a, b):
    """a·b with b packed outside the timed part, as compiled inference has it."""
    weight = b.T.contiguous()
    if mode == "mkl":
        ready = torch.ops.mkl._mkl_reorder_linear_weight(weight, a.shape[0])
        return lambda: torch.ops.mkl._mkl_linear(a, ready, weight, None, a.shape[0])
    ready = torch.ops.mkldnn._reorder_linear_weight(weight, a.shape[0])
    return lambda: torch.ops.mkldnn._linear_pointwise(a, ready, None, "none", [], "")


def plain(a, b):
    shape = (a.shape[0], b.shape[1])
    y = torch.empty(shape, dtype=a.dtype) if torch else np.empty(shape, np.float32)
    return lambda: torch.mm(a, b, out=y) if torch else np.matmul(a, b, out=y)


def prepare(rows, inner, columns, transposeA, transposeB, precision, samples):
    global product
    if precision != "float32" and mode not in ("mm", "onednn"):
        return None  # a float32 library
    if mode in ("mkl", "onednn") and transposeA:
        return None  # both operands are new every time: nothing can be packed before
    a = operand((rows, inner), transposeA, 1, precision)
    b = operand((inner, columns), transposeB, 2, precision)
    product = packed(a, b) if mode in ("mkl", "onednn") else plain(a, b)
    return [float(value) for value in product().reshape(-1)[samples]]


def libraries():
    """What computes here, with its version."""
    if not torch:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"NumPy {np.__version__} computes with {blas['name']} {blas['version']}"
    found = re.findall(r"Math Kernel Library Version [\d.]+|MKL-DNN v[\d.]+", torch.__config__.show())
    return f"PyTorch {torch.__version__} computes with {', '.join(found)}"


serve({"prepare": prepare, "time": lambda: turn(TURN_SECONDS, product), "libraries": libraries})
