"""PyTorch in the attention suite: attention.py eager|compile float32|bfloat16."""
import torch
import torch.nn.functional as F
from ops import compiled, operand, precision, serve_ops, with_gradients


def prepare(shape, causal, backward):
    q, k, v, dy = (operand(shape, seed, getattr(torch, precision)) for seed in (1, 2, 3, 4))
    forward = compiled(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal))
    if backward:
        work = with_gradients(forward, [q, k, v], dy)
        return work, work

    @torch.no_grad()
    def alone():
        return [forward(q, k, v)]

    return alone, alone


serve_ops(prepare)
