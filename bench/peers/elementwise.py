"""PyTorch in the elementwise suite: elementwise.py eager|compile float32."""
import torch
import torch.nn.functional as F
from ops import compiled, mode, operand, serve_ops, with_gradients


def update(shape, tensors):
    """AdamW in one fused pass, or as torch.compile has it; each is the better of its mode."""
    parameters = [torch.nn.Parameter(operand(shape, 2 * index)) for index in range(tensors)]
    for index, parameter in enumerate(parameters):
        parameter.grad = operand(shape, 2 * index + 1)
    options = dict(lr=1e-5, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05)
    optimiser = torch.optim.AdamW(parameters, **options, fused=mode == "eager")
    step = compiled(optimiser.step)

    def outputs():
        step()
        return [parameters[0], parameters[-1]]

    return step, outputs


def prepare(op, shape, backward=False, tensors=1):
    if op == "adamW":
        return update(shape, tensors)
    x, dy = operand(shape, 1), operand(shape, 2)
    if op == "layerNorm":
        inputs = [x, operand(shape[1:], 3), operand(shape[1:], 4)]
        function = lambda x, weight, bias: F.layer_norm(x, x.shape[1:], weight, bias, 1e-6)
    else:
        inputs, function = [x], F.gelu if op == "gelu" else lambda x: F.softmax(x, -1)
    forward = compiled(function)
    if backward:
        work = with_gradients(forward, inputs, dy)
        return work, work

    @torch.no_grad()
    def alone():
        return [forward(*inputs)]

    return alone, alone


serve_ops(prepare)
