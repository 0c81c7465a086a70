"""PyTorch in the lewm-train suite: lewm_train.py DATA CONFIG eager|compile float32|bfloat16."""
import json
import sys

import torch
import torch.nn.functional as F
from safetensors_file import read
from steps import prepare, serve_steps
from tiny_world_model import KNOTS, sigreg
from torch import nn
from vision import Attention, Perceptron, VisionTransformer

path, config, mode, precision = sys.argv[1:5]
config = json.loads(config)
prepare()
data = {name: torch.from_numpy(array) for name, array in read(path).items()}


class Projector(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, x):
        y = F.gelu(self.norm(self.hidden(x.flatten(0, -2))))
        return self.output(y).unflatten(0, x.shape[:-1])


class ActionEncoder(nn.Module):
    def __init__(self, width, size, smoothed, hidden):
        super().__init__()
        self.smooth = nn.Linear(size, smoothed)
        self.hidden = nn.Linear(smoothed, hidden)
        self.output = nn.Linear(hidden, width)

    def forward(self, actions):
        return self.output(F.silu(self.hidden(self.smooth(torch.nan_to_num(actions, 0.0)))))


class AdaptiveBlock(nn.Module):
    def __init__(self, width, heads, headWidth, hidden):
        super().__init__()
        self.modulation = nn.Linear(width, 6 * width)
        self.attn_norm = nn.LayerNorm(width)
        self.attn = Attention(width, heads, heads * headWidth, bias=False, causal=True)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = Perceptron(width, hidden)

    def forward(self, x, condition):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(F.silu(condition)).chunk(6, -1)
        modulated = lambda y, shift, scale: F.layer_norm(y, y.shape[-1:], eps=1e-6) * (1 + scale) + shift
        x = x + gate1 * self.attn(self.attn_norm(modulated(x, shift1, scale1)))
        return x + gate2 * self.mlp(self.mlp_norm(modulated(x, shift2, scale2)))


class FramePredictor(nn.Module):
    def __init__(self, history, width, depth, **block):
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, history, width))
        self.blocks = nn.ModuleList(AdaptiveBlock(width, **block) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, z, actions):
        x = z + self.pos_embedding[:, : z.shape[1]]
        for block in self.blocks:
            x = block(x, actions)
        return self.norm(x)


class LeWM(nn.Module):
    def __init__(self, encoder, embeddingSize, projector, predictor, action, historySize, sigregWeight, knots):
        super().__init__()
        width = encoder["width"]
        self.encoder = VisionTransformer(**encoder, class_token=True, eps=1e-12)
        self.projector = Projector(width, projector, embeddingSize)
        self.action_encoder = ActionEncoder(embeddingSize, **action)
        self.predictor = FramePredictor(historySize, **predictor)
        self.pred_proj = Projector(embeddingSize, projector, embeddingSize)
        self.history, self.weight = historySize, sigregWeight
        assert knots == len(KNOTS) + 1

    def forward(self, pixels, actions, directions):
        tokens = self.encoder(pixels.flatten(0, 1))
        z = self.projector(tokens[:, 0]).unflatten(0, pixels.shape[:2])
        conditions = self.action_encoder(actions)[:, : self.history]
        predicted = self.pred_proj(self.predictor(z[:, : self.history], conditions))
        loss = F.mse_loss(predicted, z[:, 1:])
        with torch.autocast("cpu", enabled=False):
            return loss + self.weight * sigreg(z.transpose(0, 1).float(), directions)


model = LeWM(**config)
model.load_state_dict({name[6:]: value for name, value in data.items() if name.startswith("model.")})
loss_of = torch.compile(model) if mode == "compile" else model
batches = [[data[f"{name}.{index}"] for name in ("pixels", "actions", "directions")] for index in (0, 1)]
serve_steps(lambda index: loss_of(*batches[index % 2]), list(model.parameters()), precision=precision)
