"""Writes openai.pt, a tiny CLIP in the layout of OpenAI's files: python3 make_clip.py FOLDER

Needs torch. A TorchScript archive whose parameters have the published names; matrices are half
precision, and three numbers lie beside them as buffers.
"""
import os
import sys

import torch
from torch import nn

WIDTH, GRID, PATCH, FEATURES, CONTEXT, WORDS = 4, 2, 2, 4, 5, 7


class Part(nn.Module):
    """TorchScript wants a method, which nobody runs."""

    def forward(self, x):
        return x


class Attention(Part):
    def __init__(self, width):
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)


class Mlp(Part):
    def __init__(self, width):
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)


class Block(Part):
    def __init__(self, width):
        super().__init__()
        self.attn = Attention(width)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = Mlp(width)


class Blocks(Part):
    def __init__(self, width, layers):
        super().__init__()
        self.resblocks = nn.Sequential(*(Block(width) for _ in range(layers)))


class Image(Part):
    def __init__(self):
        super().__init__()
        self.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        self.positional_embedding = nn.Parameter(torch.zeros(1 + GRID * GRID, WIDTH))
        self.proj = nn.Parameter(torch.zeros(WIDTH, FEATURES))
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.ln_pre, self.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.transformer = Blocks(WIDTH, 1)


class Clip(Part):
    def __init__(self):
        super().__init__()
        self.visual = Image()
        self.transformer = Blocks(WIDTH, 1)
        self.token_embedding = nn.Embedding(WORDS, WIDTH)
        self.positional_embedding = nn.Parameter(torch.zeros(CONTEXT, WIDTH))
        self.text_projection = nn.Parameter(torch.zeros(WIDTH, FEATURES))
        self.ln_final = nn.LayerNorm(WIDTH)
        self.logit_scale = nn.Parameter(torch.zeros(()))
        for name, x in (("input_resolution", GRID * PATCH), ("context_length", CONTEXT), ("vocab_size", WORDS)):
            self.register_buffer(name, torch.tensor(x))


def main(folder):
    torch.manual_seed(0)
    m = Clip()
    with torch.no_grad():
        for name, p in m.named_parameters():
            p.copy_(torch.randn(p.shape))
            if p.dim() >= 2 and "embedding" not in name:
                p.data = p.data.half()
    torch.jit.script(m.eval()).save(os.path.join(folder, "openai.pt"))


if __name__ == "__main__":
    main(sys.argv[1])
