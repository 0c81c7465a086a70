"""PyTorch in the vit-infer suite: vit_infer.py DATA CONFIG eager|compile float32|bfloat16|int8."""
import json
import os
import sys
import warnings

import torch
from safetensors_file import read
from serve import serve, turn
from vision import VisionTransformer

path, config, mode, precision = sys.argv[1:5]
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_flush_denormal(True)
data = {name: torch.from_numpy(array) for name, array in read(path).items()}
TURN_SECONDS = 0.4


def compiled(network):
    """Weights become constants of the program, laid out for the products once."""
    import torch._inductor.config as inductor

    inductor.freezing = True
    return torch.compile(network)


model = VisionTransformer(**json.loads(config)).eval()
model.load_state_dict({name[6:]: value for name, value in data.items() if name.startswith("model.")})
if precision == "int8":
    warnings.simplefilter("ignore")  # that another package will take this over
    model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
network = compiled(model) if mode == "compile" else model


def forward():
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        return network(data["pixels"])


def check():
    return {"tokens": forward().float().flatten()[::97].tolist()}


serve({"check": check, "time": lambda: turn(TURN_SECONDS, forward)})
