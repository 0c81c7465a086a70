"""The layers of lib/nn in PyTorch: the same formulas, the same parameter names."""
import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    """@param inner width of queries, keys and values"""

    def __init__(self, width, heads, inner=None, bias=True, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.inner = width if inner is None else inner
        self.qkv = nn.Linear(width, 3 * self.inner, bias=bias)
        self.proj = nn.Linear(self.inner, width)

    def forward(self, x):
        batch, tokens, _ = x.shape
        split = self.qkv(x).view(batch, tokens, 3, self.heads, self.inner // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.proj(y.transpose(1, 2).reshape(batch, tokens, self.inner))


class Perceptron(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads, hidden=None, eps=1e-6):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = Perceptron(width, hidden or 4 * width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def gather_tokens(x, indices):
    """[B, N, D], [B, K] to [B, K, D]."""
    return x.gather(1, indices.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


class VisionTransformer(nn.Module):
    """Fixed positions without a class token, learnt ones with it."""

    def __init__(self, imageSize, patchSize, width, depth, heads, hidden=None, class_token=False, eps=1e-6):
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
        self.blocks = nn.ModuleList(Block(width, heads, hidden, eps) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=eps)

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
