"""PyTorch in the vit-train suite: vit_train.py DATA CONFIG eager|compile float32|bfloat16."""
import json
import sys

import torch
import torch.nn.functional as F
from safetensors_file import read
from steps import prepare, serve_steps
from torch import nn
from vision import VisionTransformer

path, config, mode, precision = sys.argv[1:5]
prepare()
data = {name: torch.from_numpy(array) for name, array in read(path).items()}


class VitTrain(nn.Module):
    def __init__(self, encoder, **_):
        super().__init__()
        self.encoder = VisionTransformer(**encoder)

    def forward(self, pixels, target):
        return F.mse_loss(self.encoder(pixels).float(), target)


model = VitTrain(**json.loads(config))
model.load_state_dict({name[6:]: value for name, value in data.items() if name.startswith("model.")})
loss_of = torch.compile(model) if mode == "compile" else model
batches = [[data[f"{name}.{index}"] for name in ("pixels", "target")] for index in (0, 1)]
serve_steps(lambda index: loss_of(*batches[index % 2]), list(model.parameters()), precision=precision)
