"""PyTorch in the suites of single operations: an operation is prepared, its outputs shown, then it is timed."""
import os
import sys

import torch
from elements import elements
from serve import serve, turn

TURN_SECONDS = 0.1
mode, precision = sys.argv[1:3]
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_flush_denormal(True)


def operand(shape, seed, dtype=torch.float32):
    count = 1
    for extent in shape:
        count *= extent
    return torch.from_numpy(elements(count, seed)).view(shape).to(dtype)


def with_gradients(forward, inputs, dy):
    """@returns what computes y and the gradients of sum(y·dy)"""
    for x in inputs:
        x.requires_grad_()

    def both():
        y = forward(*inputs)
        return [y, *torch.autograd.grad(y, inputs, dy)]

    return both


def compiled(function):
    if mode != "compile":
        return function
    torch._dynamo.reset()
    return torch.compile(function, dynamic=False)


def serve_ops(prepare):
    """@param prepare of a request's names: what runs, and what it answers with"""
    work = None

    def check(**request):
        nonlocal work
        work, outputs = prepare(**request)
        answer = {"outputs": [y.detach().float().flatten()[::97].tolist() for y in outputs()]}
        for _ in range(2):  # torch.compile compiles an update again once it has state
            work()
        return answer

    serve({"check": check, "time": lambda: turn(TURN_SECONDS, work)})
