"""The training suites' side in PyTorch: three checked steps, then timed ones; AdamW in one fused pass."""
import os

import torch
from serve import serve, turn

RATES, TIMED_RATE, TURN_SECONDS = (1e-3, 1e-3, 1e-3), 1e-5, 1.0


def prepare():
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_flush_denormal(True)
    torch.manual_seed(0)


def optimiser_of(parameters):
    return torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05, fused=True)


def serve_steps(loss_of, parameters, after=lambda: None, precision="float32"):
    """@param loss_of of the number of the step   @param after what follows the update"""
    optimiser = optimiser_of(parameters)
    done = 0

    def step(rate, with_norm=False):
        nonlocal done
        optimiser.param_groups[0]["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = loss_of(done)
        loss.backward()
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters], foreach=True) if with_norm else None
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        after()
        done += 1
        return loss.item(), None if norm is None else norm.item()

    def check():
        losses, norms = zip(*(step(rate, True) for rate in RATES))
        return {"loss": losses, "gradNorm": norms}

    serve({"check": check, "time": lambda: turn(TURN_SECONDS, lambda: step(TIMED_RATE))})
