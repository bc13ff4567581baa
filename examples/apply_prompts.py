#!/usr/bin/env python3
"""Mask prompts of ovseg, applied in plain PyTorch: the names of a picture's regions, and its labels.

    ovseg export RUN -o m.ovseg
    ovseg convert m.ovseg/clip.safetensors prompts.safetensors --as prompts
    ovseg segment -m m.ovseg --classes "sky,car" --dump dump.safetensors -o out PICTURE
    apply_prompts.py m.ovseg/clip.safetensors prompts.safetensors dump.safetensors [LAMBDA]
"""
import json, sys, torch
import torch.nn.functional as F

TYPES = {"F32": torch.float32, "I64": torch.int64, "U8": torch.uint8, "BOOL": torch.bool}

def load(path):  # safetensors: length, JSON of what there is, data
    data = bytearray(open(path, "rb").read())
    n = 8 + int.from_bytes(data[:8], "little")
    head = json.loads(data[8:n])
    meta = head.pop("__metadata__", {})
    tensor = lambda x: torch.frombuffer(data[n:][slice(*x["data_offsets"])], dtype=TYPES[x["dtype"]])
    return {name: tensor(x).reshape(x["shape"]) for name, x in head.items() if 0 not in x["shape"]}, meta

def block(w, x, heads, act):  # of CLIP's image tower, x: [B, T, W]
    norm = lambda y, name: F.layer_norm(y, y.shape[-1:], w[name + ".weight"], w[name + ".bias"])
    linear = lambda y, name: F.linear(y, w[name + ".weight"], w[name + ".bias"])
    qkv = F.linear(norm(x, "ln_1"), w["attn.in_proj_weight"], w["attn.in_proj_bias"])
    q, k, v = (y.unflatten(2, (heads, -1)).transpose(1, 2) for y in qkv.chunk(3, 2))
    y = torch.softmax(q @ k.transpose(2, 3) * q.shape[3] ** -0.5, 3) @ v
    x = x + linear(y.transpose(1, 2).flatten(2), "attn.out_proj")
    return x + linear(act(linear(norm(x, "ln_2"), "mlp.c_fc")), "mlp.c_proj")

def features(clip, prompts, image, mask, heads, act):  # [B, 3, S, S], [B, S, S] -> [B, D]
    w = {k[7:]: v for k, v in clip.items() if k.startswith("visual.")}
    patch, width = w["conv1.weight"].shape[-1], w["conv1.weight"].shape[0]
    x = F.conv2d(image, w["conv1.weight"], stride=patch).flatten(2).transpose(1, 2)
    seen = F.max_pool2d(mask[:, None].float(), patch).flatten(2).transpose(1, 2) > 0
    x = torch.where(seen, x, prompts[0])  # patches that hold nothing of the region
    x = torch.cat([w["class_embedding"].expand(len(x), 1, width), x], 1) + w["positional_embedding"]
    x = F.layer_norm(x, (width,), w["ln_pre.weight"], w["ln_pre.bias"])
    for i in range(sum(k.endswith("ln_1.weight") for k in w)):
        at = f"transformer.resblocks.{i}."
        x = block({k[len(at):]: v for k, v in w.items() if k.startswith(at)}, x, heads, act)
        if i + 1 < len(prompts):
            x = torch.cat([x[:, :1], torch.where(seen, x[:, 1:], prompts[i + 1])], 1)
    return F.normalize(F.layer_norm(x[:, 0], (width,), w["ln_post.weight"], w["ln_post.bias"]) @ w["proj"], dim=1)

clip, meta = load(sys.argv[1])
prompts, d = load(sys.argv[2])[0]["visual.mask_embedding"], load(sys.argv[3])[0]
lam, known = float(sys.argv[4]) if len(sys.argv) > 4 else 0.7, json.loads(meta["clip"])
act = F.gelu if known["activation"] == "gelu" else lambda x: x * torch.sigmoid(1.702 * x)
f = features(clip, prompts, d["regions_224"], d["region_masks"], int(known["image_heads"]), act)
K, (_, h, w), valid = d["fused"].shape[1], d["fused_before_resize"].shape, d["valid"] > 0
named = torch.ones_like(d["fused"])  # of proposals too small for CLIP to be asked about
named[valid] = torch.softmax(clip["logit_scale"].exp() * f @ d["text_features"][:K].T, 1)
fused = torch.softmax(d["pred_logits"], 1)[:, :K] ** (1 - lam) * named ** lam
masks = F.interpolate(d["pred_masks"][None], scale_factor=4, mode="bilinear")[0, :, :h, :w].sigmoid()
scores = torch.einsum("qk,qhw->khw", fused, masks)
label = F.interpolate(scores[None], d["label"].shape, mode="bilinear")[0].argmax(0)
apart, other = (f - d["clip_image_features"]).abs().max().item(), (label != d["label"]).sum().item()
print(f"{len(f)} regions: features differ by {apart:.1e} at most; {other} of {label.numel()} labels differ")
sys.exit(other != 0 or apart > 1e-4)
