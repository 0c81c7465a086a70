"""The layers of lib/nn in PyTorch: the same formulas, the same parameter names."""
import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(batch, tokens, width))


class Perceptron(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Perceptron(width, 4 * width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def gather_tokens(x, indices):
    """[B, N, D], [B, K] to [B, K, D]."""
    return x.gather(1, indices.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


class VisionTransformer(nn.Module):
    """Fixed positions without a class token, learnt ones with it."""

    def __init__(self, imageSize, patchSize, width, depth, heads, class_token=False):
        super().__init__()
        self.patch, self.grid = patchSize, imageSize // patchSize
        self.patch_embed = nn.Linear(3 * patchSize**2, width)
        places = torch.empty(1, self.grid**2 + class_token, width)
        if class_token:
            self.cls_token = nn.Parameter(torch.empty(1, 1, width))
            self.pos_embed = nn.Parameter(places)
        else:
            self.cls_token = None
            self.register_buffer("pos_embed", places)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, pixels, keep=None):
        batch, patch, grid = pixels.shape[0], self.patch, self.grid
        x = pixels.view(batch, 3, grid, patch, grid, patch).permute(0, 2, 4, 1, 3, 5).reshape(batch, grid * grid, -1)
        places = self.pos_embed
        if keep is not None:
            x, places = gather_tokens(x, keep), gather_tokens(places.expand(batch, -1, -1), keep)
        if self.cls_token is None:
            x = self.patch_embed(x) + places
        else:
            x = torch.cat([self.cls_token.expand(batch, -1, -1), self.patch_embed(x)], 1) + places
        for block in self.blocks:
            x = block(x)
        return self.norm(x)
