"""PyTorch in the tiny-train suite: tiny_train.py DATA eager|compile float32|bfloat16 channels_last|contiguous."""
import os
import sys
import time

import torch
from safetensors_file import read
from serve import serve
from tiny_world_model import WorldModel

path, mode, precision, layout = sys.argv[1:5]
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_flush_denormal(True)
torch.manual_seed(0)
data = {name: torch.from_numpy(array) for name, array in read(path).items()}


def part(prefix):
    return {name[len(prefix) + 1 :]: value for name, value in data.items() if name.startswith(prefix + ".")}


model = WorldModel(
    data["action_mean"].tolist(),
    data["action_std"].tolist(),
    channels_last=layout == "channels_last",
    fused=mode == "eager",
)
own, given = dict(model.state_dict()), part("model")
model.load_state_dict({name: given[name].reshape(value.shape) for name, value in own.items()})
model.train()
if layout == "channels_last":
    model = model.to(memory_format=torch.channels_last)
loss_of = torch.compile(model) if mode == "compile" else model
parameters = list(model.parameters())
averages = [parameter.detach().clone() for parameter in parameters]
optimiser = torch.optim.AdamW(parameters, lr=0.0, weight_decay=1e-4, fused=True)
count = len({name.split(".")[1] for name in data if name.startswith("batch.")})
batches = [part(f"batch.{index}") for index in range(count)]


def directions(width):
    drawn = torch.randn(width, 64)
    return drawn / drawn.norm(dim=0)


def step(index, rate, sigreg, temporal):
    batch = batches[index % count]
    for group in optimiser.param_groups:
        group["lr"] = rate
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        loss, terms = loss_of(batch["observations"], batch["actions"], batch["costs"], sigreg, temporal)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    with torch.no_grad():
        torch._foreach_lerp_(averages, parameters, 1 - min(0.99, (index + 1) / (index + 10)))
    return {"loss": loss.item(), "gradNorm": norm.item(), **{name: term.item() for name, term in terms.items()}}


def check(rates):
    """Terms of the first steps, with the directions that the library drew."""
    return [
        step(index, rate, data[f"directions.sigreg.{index}"], data[f"directions.temporal.{index}"])
        for index, rate in enumerate(rates)
    ]


done = 0


def timed(steps, rate):
    global done
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        step(done, rate, directions(64), directions(32))
        times.append((time.perf_counter() - start) * 1e3)
        done += 1
    return times


serve({"check": check, "time": timed})
