"""PyTorch in the plan suite: plan.py DATA SEARCH eager|compile float32."""
import json
import os
import sys

import torch
from safetensors_file import read
from serve import serve, turn
from tiny_world_model import WorldModel

path, search, mode = sys.argv[1:4]
search = json.loads(search)
horizon, samples, elites = (search[name] for name in ("horizon", "numSamples", "numElites"))
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_flush_denormal(True)
torch.manual_seed(0)
TURN_SECONDS = 0.4
data = {name: torch.from_numpy(array) for name, array in read(path).items()}
model = WorldModel(data["action_mean"].tolist(), data["action_std"].tolist(), fused=mode == "eager").eval()
given = {name[6:]: value for name, value in data.items() if name.startswith("model.")}
own = dict(model.state_dict())
model.load_state_dict({name: given[name].reshape(value.shape) for name, value in own.items()})


def cost(plans):
    """Distances to the goal, summed over the horizon: plans [N, horizon·A] to [N]."""
    rows = plans.shape[0]
    state, z = data["memory"].expand(rows, -1), data["embedding"].expand(rows, -1)
    total = torch.zeros(rows)
    for action in plans.view(rows, horizon, -1).unbind(1):
        state, z = model.predictor.step(state, z, (action - model.action_mean) / model.action_std)
        total = total + (z - data["goal"]).square().sum(1).sqrt()
    return total


def plan(noise):
    """Means and deviations of the best plans, again and again; the first plan of each round is the mean itself."""
    centre = torch.zeros(1, noise[0].shape[1])
    spread = torch.ones_like(centre)
    history = []
    for drawn in noise:
        plans = torch.cat([centre, (centre + spread * drawn).clamp(-1, 1)])
        costs, best = torch.topk(cost(plans), elites, largest=False)
        history.append(costs[0])
        chosen = plans[best]
        centre, spread = chosen.mean(0, keepdim=True), chosen.std(0, keepdim=True) + 0.05
    return centre, cost(centre), torch.stack(history)


found = torch.compile(plan, dynamic=False) if mode == "compile" else plan


@torch.no_grad()
def check():
    actions, price, history = found([data[f"noise.{index}"] for index in range(search["iterations"])])
    return {"actions": actions[0].tolist(), "cost": price.item(), "history": history.tolist()}


@torch.no_grad()
def once():
    noise = torch.randn(search["iterations"], samples - 1, data["noise.0"].shape[1])
    return [result.numpy() for result in found(list(noise.unbind(0)))]


serve({"check": check, "time": lambda: turn(TURN_SECONDS, once)})
