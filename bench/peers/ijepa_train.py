"""PyTorch in the ijepa-train suite: ijepa_train.py DATA CONFIG eager|compile float32|bfloat16."""
import json
import sys

import torch
import torch.nn.functional as F
from safetensors_file import read
from steps import prepare, serve_steps
from torch import nn
from vision import Block, VisionTransformer, gather_tokens

path, config, mode, precision = sys.argv[1:5]
config = json.loads(config)
prepare()
data = {name: torch.from_numpy(array) for name, array in read(path).items()}
MOMENTUM = 0.996


class MaskedPredictor(nn.Module):
    def __init__(self, tokens, encoder_width, width, depth, heads):
        super().__init__()
        self.predictor_embed = nn.Linear(encoder_width, width)
        self.mask_token = nn.Parameter(torch.empty(1, 1, width))
        self.register_buffer("predictor_pos_embed", torch.empty(1, tokens, width))
        self.predictor_blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.predictor_norm = nn.LayerNorm(width, eps=1e-6)
        self.predictor_proj = nn.Linear(width, encoder_width)

    def forward(self, z, context, targets):
        rows = targets.shape[0]
        places = self.predictor_pos_embed
        known = self.predictor_embed(z) + gather_tokens(places.expand(z.shape[0], -1, -1), context)
        asked = gather_tokens(places.expand(rows, -1, -1), targets) + self.mask_token
        x = torch.cat([known.repeat(rows // z.shape[0], 1, 1), asked], 1)
        for block in self.predictor_blocks:
            x = block(x)
        return self.predictor_proj(self.predictor_norm(x[:, context.shape[1] :]))


class IJepa(nn.Module):
    def __init__(self, encoder, predictor, **_):
        super().__init__()
        self.encoder = VisionTransformer(**encoder)
        self.target_encoder = VisionTransformer(**encoder).requires_grad_(False)
        self.predictor = MaskedPredictor(self.encoder.grid**2, encoder["width"], **predictor)

    def forward(self, pixels, context, targets):
        with torch.no_grad():
            h = self.target_encoder(pixels)
            h = F.layer_norm(h, h.shape[-1:])
            h = torch.cat([gather_tokens(h, block) for block in targets.split(h.shape[0])])
        return F.smooth_l1_loss(self.predictor(self.encoder(pixels, context), context, targets), h)


model = IJepa(**config)
model.load_state_dict({name[6:]: value for name, value in data.items() if name.startswith("model.")})
loss_of = torch.compile(model) if mode == "compile" else model
parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
source, average = list(model.encoder.parameters()), list(model.target_encoder.parameters())
batches = [
    (data[f"pixels.{index}"], data[f"context.{index}"].long(), data[f"targets.{index}"].long()) for index in (0, 1)
]


def update_average():
    with torch.no_grad():
        torch._foreach_lerp_(average, source, 1 - MOMENTUM)


serve_steps(lambda index: loss_of(*batches[index % 2]), parameters, update_average, precision)
