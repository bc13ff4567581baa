"""The models and losses of bench/run in PyTorch, as the papers and the reference compute them.

Parameter names are those of the reference's state dicts, so both sides load one file of weights.
`tuned` is what a careful user of PyTorch changes without changing the work: fused attention,
frozen batch norms as one operation (channels-last and the rest are up to torch_steps.py).
"""
import math

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import nn

# ---- CLIP ----


class Attention(nn.Module):
    """Multi-head attention with PyTorch's names; batch first."""

    def __init__(self, width, heads, tuned, dropout=0.0):
        super().__init__()
        self.heads, self.tuned, self.dropout = heads, tuned, dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, q, k, v, mask=None):
        if not self.tuned:  # the library's own path, as nn.MultiheadAttention takes it
            y, _ = F.multi_head_attention_forward(
                q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1), q.shape[-1], self.heads,
                self.in_proj_weight, self.in_proj_bias, None, None, False, self.dropout,
                self.out_proj.weight, self.out_proj.bias, training=self.training,
                need_weights=False, attn_mask=mask)
            return y.transpose(0, 1)
        batch, width = q.shape[0], q.shape[-1]
        if q is k and k is v:
            q, k, v = F.linear(q, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        else:
            weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
            q, k, v = (F.linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases))
        q, k, v = (x.view(batch, -1, self.heads, width // self.heads).transpose(1, 2)
                   for x in (q, k, v))
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        return self.out_proj(y.transpose(1, 2).reshape(batch, -1, width))


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width, heads, tuned):
        super().__init__()
        self.attn = Attention(width, heads, tuned)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", QuickGELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x, mask=None):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, mask)
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width, layers, heads, tuned):
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads, tuned) for _ in range(layers))


class ImageTower(nn.Module):
    def __init__(self, prompts, tuned, side=224, patch=16, width=768, layers=12, out=512):
        super().__init__()
        self.patch, n = patch, (side // patch)**2
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(1 + n, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Transformer(width, layers, width // 64, tuned)
        self.proj = nn.Parameter(torch.empty(width, out))
        if prompts:
            self.mask_embedding = nn.Parameter(torch.empty(prompts, n, width))
        self.prompts = prompts

    def prompt(self, tokens, visible, depth):
        return torch.where(visible, tokens, self.mask_embedding[depth])

    def forward(self, image, mask):
        x = self.conv1(image).flatten(2).transpose(1, 2)
        if self.prompts:  # a patch is blank where no pixel belongs to the region
            visible = F.max_pool2d(mask[:, None].float(), self.patch).flatten(2).transpose(1, 2) > 0
            x = self.prompt(x, visible, 0)
        x = torch.cat([self.class_embedding.expand(x.shape[0], 1, -1), x], 1)
        x = self.ln_pre(x + self.positional_embedding)
        for i, block in enumerate(self.transformer.resblocks):
            x = block(x)
            if i + 1 < self.prompts:
                x = torch.cat([x[:, :1], self.prompt(x[:, 1:], visible, i + 1)], 1)
        return self.ln_post(x[:, 0]) @ self.proj


class Clip(nn.Module):
    """ViT-B/16, or another of which the sizes are given."""

    def __init__(self, prompts, tuned, width=512, context=77, image=None):
        super().__init__()
        self.visual = ImageTower(prompts, tuned, out=width, **(image or {}))
        self.transformer = Transformer(width, 12, width // 64, tuned)
        self.token_embedding = nn.Embedding(49408, width)
        self.positional_embedding = nn.Parameter(torch.empty(context, width))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, width))
        self.logit_scale = nn.Parameter(torch.empty(()))
        causal = torch.full((context, context), -math.inf).triu(1)
        self.register_buffer("causal", causal, persistent=False)

    def encode_text(self, ids):
        n = ids.shape[1]  # or fewer than the context, when all end before
        x = self.token_embedding(ids) + self.positional_embedding[:n]
        for block in self.transformer.resblocks:
            x = block(x, self.causal[:n, :n])
        return self.ln_final(x)[torch.arange(len(ids)), ids.argmax(-1)] @ self.text_projection

    def loss(self, batch):
        image = F.normalize(self.visual(batch["region"], batch["mask"]), dim=-1)
        with torch.no_grad():  # the tower is frozen
            text = F.normalize(self.encode_text(batch["text"]), dim=-1)
        logits = self.logit_scale.exp() * image @ text.T
        target = torch.arange(len(logits))
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


# ---- MaskFormer ----


class FrozenNorm(nn.Module):
    def __init__(self, channels, tuned):
        super().__init__()
        self.tuned = tuned
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.empty(channels))

    def forward(self, x):
        if self.tuned:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias,
                                training=False, eps=1e-5)
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)


class Conv(nn.Conv2d):
    """A convolution, then its norm."""

    def __init__(self, i, o, kernel, stride=1, norm=None, bias=False):
        super().__init__(i, o, kernel, stride, kernel // 2, bias=bias)
        if norm is not None:
            self.norm = norm

    def forward(self, x):
        x = super().forward(x)
        return self.norm(x) if hasattr(self, "norm") else x


class Bottleneck(nn.Module):
    def __init__(self, i, width, o, stride, tuned):
        super().__init__()
        if i != o or stride != 1:
            self.shortcut = Conv(i, o, 1, stride, FrozenNorm(o, tuned))
        self.conv1 = Conv(i, width, 1, 1, FrozenNorm(width, tuned))
        self.conv2 = Conv(width, width, 3, stride, FrozenNorm(width, tuned))
        self.conv3 = Conv(width, o, 1, 1, FrozenNorm(o, tuned))

    def forward(self, x):
        y = self.conv3(F.relu_(self.conv2(F.relu_(self.conv1(x)))))
        return F.relu_(y + (self.shortcut(x) if hasattr(self, "shortcut") else x))


class ResNet50(nn.Module):
    channels = (256, 512, 1024, 2048)

    def __init__(self, tuned):
        super().__init__()
        self.stem = nn.Module()
        self.stem.conv1 = Conv(3, 64, 7, 2, FrozenNorm(64, tuned))
        i = 64
        for stage, (blocks, width, o) in enumerate(
            ((3, 64, 256), (4, 128, 512), (6, 256, 1024), (3, 512, 2048)), 2):
            units = []
            for j in range(blocks):
                units.append(Bottleneck(i, width, o, 2 if j == 0 and stage > 2 else 1, tuned))
                i = o
            setattr(self, f"res{stage}", nn.Sequential(*units))
        for part in (self.stem, self.res2):  # freeze_at 2
            part.requires_grad_(False)

    def forward(self, x):
        x = F.max_pool2d(F.relu_(self.stem.conv1(x)), 3, 2, 1)
        maps = []
        for stage in (self.res2, self.res3, self.res4, self.res5):
            x = stage(x)
            maps.append(x)
        return maps


class WindowAttention(nn.Module):
    def __init__(self, width, heads, side, tuned):
        super().__init__()
        self.heads, self.side, self.tuned = heads, side, tuned
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * side - 1)**2, heads))
        y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        y, x = y.flatten(), x.flatten()
        index = ((y[:, None] - y + side - 1) * (2 * side - 1) + x[:, None] - x + side - 1)
        self.register_buffer("relative_position_index", index)

    def forward(self, x, mask):  # x: [windows, side^2, width], mask: [windows, side^2, side^2] or None
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).view(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        bias = bias[None] if mask is None else bias[None] + mask[:, None]
        if self.tuned:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(n, -1, -1, -1))
        else:
            y = (q * q.shape[-1]**-0.5 @ k.transpose(-2, -1) + bias).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, tokens, width))


class SwinBlock(nn.Module):
    def __init__(self, width, heads, side, shift, tuned):
        super().__init__()
        self.side, self.shift = side, shift
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, side, tuned)
        self.mlp = nn.Module()
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def windows(self, x):  # [B, H, W, C] -> [windows, side^2, C]
        b, h, w, c = x.shape
        x = x.view(b, h // self.side, self.side, w // self.side, self.side, c)
        return x.transpose(2, 3).reshape(-1, self.side**2, c)

    def mask(self, h, w):
        region = torch.zeros(1, h, w, 1)
        cuts = (slice(0, -self.side), slice(-self.side, -self.shift), slice(-self.shift, None))
        for i, rows in enumerate(cuts):
            for j, columns in enumerate(cuts):
                region[:, rows, columns] = 3 * i + j
        region = self.windows(region).squeeze(-1)
        return (region[:, None] != region[:, :, None]) * -100.0

    def forward(self, x):  # [B, H, W, C]
        b, h, w, c = x.shape
        y = F.pad(self.norm1(x), (0, 0, 0, -w % self.side, 0, -h % self.side))
        rows, columns = y.shape[1:3]
        if self.shift:
            y = y.roll((-self.shift, -self.shift), (1, 2))
        mask = self.mask(rows, columns).repeat(b, 1, 1) if self.shift else None
        y = self.attn(self.windows(y), mask)
        y = y.view(b, rows // self.side, columns // self.side, self.side, self.side, c)
        y = y.transpose(2, 3).reshape(b, rows, columns, c)
        if self.shift:
            y = y.roll((self.shift, self.shift), (1, 2))
        x = x + y[:, :h, :w]
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


class Merging(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        parts = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(torch.cat(parts, -1)))


class Swin(nn.Module):
    """Swin-B of 384 pixels, or another of which the sizes are given."""

    def __init__(self, tuned, width=128, depths=(2, 2, 18, 2), heads=(4, 8, 16, 32), side=12):
        super().__init__()
        self.channels = tuple(width << i for i in range(4))
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, 4, 4)
        self.patch_embed.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList()
        for i, (depth, n) in enumerate(zip(depths, heads)):
            layer = nn.Module()
            layer.blocks = nn.ModuleList(
                SwinBlock(width << i, n, side, j % 2 * (side // 2), tuned) for j in range(depth))
            if i < 3:
                layer.downsample = Merging(width << i)
            setattr(self, f"norm{i}", nn.LayerNorm(width << i))
            self.layers.append(layer)

    def forward(self, x):
        x = F.pad(x, (0, -x.shape[3] % 4, 0, -x.shape[2] % 4))
        x = self.patch_embed.norm(self.patch_embed.proj(x).permute(0, 2, 3, 1))
        maps = []
        for i, layer in enumerate(self.layers):
            for block in layer.blocks:
                x = block(x)
            maps.append(getattr(self, f"norm{i}")(x).permute(0, 3, 1, 2).contiguous())
            if i < 3:
                x = layer.downsample(x)
        return maps


class PixelDecoder(nn.Module):
    def __init__(self, channels, width=256):
        super().__init__()
        for n in (1, 2, 3):
            adapter = Conv(channels[n - 1], width, 1, norm=nn.GroupNorm(32, width))
            setattr(self, f"adapter_{n}", adapter)
            setattr(self, f"layer_{n}", Conv(width, width, 3, norm=nn.GroupNorm(32, width)))
        self.layer_4 = Conv(channels[3], width, 3, norm=nn.GroupNorm(32, width))
        self.mask_features = Conv(width, width, 3, bias=True)

    def forward(self, maps):
        y = F.relu_(self.layer_4(maps[3]))
        for n in (3, 2, 1):
            lateral = getattr(self, f"adapter_{n}")(maps[n - 1])
            y = lateral + F.interpolate(y, size=lateral.shape[-2:], mode="nearest")
            y = F.relu_(getattr(self, f"layer_{n}")(y))
        return self.mask_features(y)


class DecoderLayer(nn.Module):
    def __init__(self, width, heads, hidden, dropout, tuned):
        super().__init__()
        self.self_attn = Attention(width, heads, tuned, dropout)
        self.multihead_attn = Attention(width, heads, tuned, dropout)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.drop = nn.Dropout(dropout)

    def forward(self, x, query_pos, key, memory):
        q = x + query_pos
        x = self.norm1(x + self.drop(self.self_attn(q, q, x)))
        x = self.norm2(x + self.drop(self.multihead_attn(x + query_pos, key, memory)))
        y = self.linear2(self.drop(F.relu_(self.linear1(x))))
        return self.norm3(x + self.drop(y))


class Mlp(nn.Module):
    def __init__(self, *widths):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(widths, widths[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu_(layer(x))
        return self.layers[-1](x)


def sine_positions(h, w, width):
    """[1, h w, width], as in DETR with normalized coordinates."""
    n = width // 2
    y = (torch.arange(1, h + 1, dtype=torch.float32) / (h + 1e-6) * 2 * math.pi)[:, None]
    x = (torch.arange(1, w + 1, dtype=torch.float32) / (w + 1e-6) * 2 * math.pi)[None, :]
    period = 10000**(2 * (torch.arange(n) // 2) / n)
    parts = []
    for axis in (y.expand(h, w), x.expand(h, w)):
        angle = axis[:, :, None] / period
        parts.append(torch.stack((angle[..., 0::2].sin(), angle[..., 1::2].cos()), 3).flatten(2))
    return torch.cat(parts, 2).reshape(1, h * w, width)


class Predictor(nn.Module):
    def __init__(self, tuned, channels, out, width=256, layers=6, queries=100):
        super().__init__()
        self.transformer = nn.Module()
        self.transformer.decoder = nn.Module()
        self.transformer.decoder.layers = nn.ModuleList(
            DecoderLayer(width, 8, 2048, 0.1, tuned) for _ in range(layers))
        self.transformer.decoder.norm = nn.LayerNorm(width)
        self.query_embed = nn.Embedding(queries, width)
        self.input_proj = nn.Conv2d(channels, width, 1)
        self.mask_embed = Mlp(width, width, width, 256)
        self.class_embed = Mlp(width, 1024, out)

    def forward(self, top, features, all_layers=True):
        x = self.input_proj(top)
        batch, width, h, w = x.shape
        memory = x.flatten(2).transpose(1, 2)
        key = memory + sine_positions(h, w, width)
        y = torch.zeros(batch, len(self.query_embed.weight), width)
        states = []
        for layer in self.transformer.decoder.layers:
            y = layer(y, self.query_embed.weight, key, memory)
            states.append(self.transformer.decoder.norm(y))
        states = torch.stack(states if all_layers else states[-1:])  # [layers, B, Q, C]
        masks = torch.einsum("lbqc,bchw->lbqhw", self.mask_embed(states), features)
        return self.class_embed(states), masks


class MaskFormer(nn.Module):
    """ResNet-50 or another backbone, FPN, text-classified queries."""

    def __init__(self, tuned, backbone=None, out=512):
        super().__init__()
        self.backbone = backbone or ResNet50(tuned)
        channels = self.backbone.channels
        self.sem_seg_head = nn.Module()
        self.sem_seg_head.pixel_decoder = PixelDecoder(channels)
        self.sem_seg_head.predictor = Predictor(tuned, channels[3], out)
        self.clip_adapter = nn.Module()
        self.clip_adapter.non_object_embedding = nn.Parameter(torch.empty(1, out))
        self.register_buffer("mean", torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1), False)
        self.register_buffer("std", torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1), False)
        self.layout = torch.contiguous_format

    def forward(self, pixels, text):
        x = ((pixels.float() - self.mean) / self.std).contiguous(memory_format=self.layout)
        return self.classify(x, text)

    def classify(self, x, text, all_layers=True):
        maps = self.backbone(x)
        features = self.sem_seg_head.pixel_decoder(maps)
        embeddings, masks = self.sem_seg_head.predictor(maps[-1], features, all_layers)
        nothing = self.clip_adapter.non_object_embedding
        classes = torch.cat([text, nothing / nothing.norm(dim=-1, keepdim=True)])
        embeddings = embeddings / embeddings.norm(dim=-1, keepdim=True)
        return 100 * embeddings @ classes.T, masks

    def loss(self, batch):
        logits, masks = self(batch["pixels"], batch["text"])
        targets = []
        for m in batch["map"]:
            labels = m.unique()
            labels = labels[labels >= 0]
            targets.append((labels.long(), (m == labels[:, None, None]).float()))
        return sum(layer_loss(l, m, targets) for l, m in zip(logits, masks))


def focal_cost(x, t):
    """x: [Q, P] logits, t: [N, P] -> [Q, N]"""
    p = x.sigmoid()
    hit = 0.25 * (1 - p)**2 * F.binary_cross_entropy_with_logits(x, torch.ones_like(x), reduction="none")
    miss = 0.75 * p**2 * F.binary_cross_entropy_with_logits(x, torch.zeros_like(x), reduction="none")
    return (hit @ t.T + miss @ (1 - t).T) / x.shape[1]


def dice_cost(x, t):
    p = x.sigmoid()
    return 1 - (2 * p @ t.T + 1) / (p.sum(-1)[:, None] + t.sum(-1)[None] + 1)


@torch.no_grad()
def match(logits, masks, targets):
    pairs = []
    for l, m, (labels, t) in zip(logits, masks, targets):
        t = F.interpolate(t[:, None], size=m.shape[-2:], mode="nearest").flatten(1)
        x = m.flatten(1)
        cost = 20 * focal_cost(x, t) - l.softmax(-1)[:, labels] + dice_cost(x, t)
        pairs.append([torch.as_tensor(i) for i in linear_sum_assignment(cost.numpy())])
    return pairs


def layer_loss(logits, masks, targets):
    pairs = match(logits, masks, targets)
    classes = torch.full(logits.shape[:2], logits.shape[-1] - 1)
    weight = torch.ones(logits.shape[-1])
    weight[-1] = 0.1
    for b, (q, n) in enumerate(pairs):
        classes[b, q] = targets[b][0][n]
    ce = F.cross_entropy(logits.transpose(1, 2), classes, weight)
    x = torch.cat([m[q] for m, (q, _) in zip(masks, pairs)])
    t = torch.cat([t[1][n] for t, (_, n) in zip(targets, pairs)]).flatten(1)
    size = targets[0][1].shape[-2:]
    x = F.interpolate(x[:, None], size=size, mode="bilinear", align_corners=False).flatten(1)
    p = x.sigmoid()
    each = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    focal = ((0.25 * t + 0.75 * (1 - t)) * (1 - p_t)**2 * each).mean(1).sum() / len(t)
    dice = (1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)).sum() / len(t)
    return ce + 20 * focal + dice
