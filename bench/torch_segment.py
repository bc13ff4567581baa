"""PyTorch's side of bench/segment: OVSeg's larger model on one picture (reference-spec 8).

Usage: torch_segment.py write WEIGHTS.pth
       torch_segment.py stock|tuned WEIGHTS.pth INPUTS.safetensors OUT.safetensors THREADS

`write` makes weights, random ones, in the reference's layout. Otherwise the seconds of each part go
to stdout as JSON. What is computed is the same as ours: texts are cut at the longest end. `stock` is
as a user writes it; `tuned` keeps memory, uses fused attention and loads without drawing first.
"""
import ctypes
import json
import sys
import time

KIND = sys.argv[1]
TUNED = KIND == "tuned"
if TUNED:  # before anything large is allocated: blocks stay in the process (M_MMAP_THRESHOLD, ...)
    libc = ctypes.CDLL(None)
    libc.mallopt(-3, 1 << 30)
    libc.mallopt(-1, (1 << 31) - 1)

import torch
import torch.nn.functional as F

import reference
from tensors import load, save

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1) * 255
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1) * 255
CLIP, SIDE, TEXTS, THRESHOLD, LAMBDA = "clip_adapter.clip_model.", 224, 256, 0.4, 0.7


def make():
    proposals = reference.MaskFormer(TUNED, reference.Swin(TUNED), out=768)
    clip = reference.Clip(3, TUNED, width=768, image={"patch": 14, "width": 1024, "layers": 24})
    return proposals.eval(), clip.eval()


def open_models(path):
    if TUNED:
        with torch.device("meta"):
            proposals, clip = make()
        clip.causal = torch.full((77, 77), -torch.inf).triu(1)
        proposals.mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
        proposals.std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    else:
        proposals, clip = make()
    weights = torch.load(path, weights_only=True)["model"]
    inner = {k[len(CLIP):]: v for k, v in weights.items() if k.startswith(CLIP)}
    outer = {k: v for k, v in weights.items() if k in proposals.state_dict()}
    clip.load_state_dict(inner, assign=TUNED)
    proposals.load_state_dict(outer, assign=TUNED)
    return proposals, clip


def write(path):
    torch.manual_seed(1)
    weights = {}
    for model, prefix in zip(make(), ("", CLIP)):
        for name, x in model.state_dict().items():
            if x.is_floating_point():
                fan = x[0].numel() if x.dim() > 1 else 1
                norm = "norm" in name or "ln_" in name or name == "logit_scale"
                x = torch.randn_like(x) * (0.02 if norm or fan == 1 else fan**-0.5)
                x = x + 1 if norm and name.endswith("weight") else x
            weights[prefix + name] = x
    weights[CLIP + "logit_scale"] = torch.tensor(4.6052)
    weights["criterion.empty_weight"] = torch.cat([torch.ones(171), torch.tensor([0.1])])
    weights["clip_adapter.pixel_mean"] = MEAN[None]
    weights["clip_adapter.pixel_std"] = STD[None]
    torch.save({"model": weights}, path)


def encode_texts(clip, ids):
    flat = ids.flatten(0, 1)
    order = flat.argmax(-1).argsort(stable=True)  # like lengths together, as ours
    out = torch.empty(len(flat), 768)
    for rows in order.split(TEXTS):
        cut = int(flat[rows].argmax(-1).max()) + 1
        out[rows] = F.normalize(clip.encode_text(flat[rows, :cut]), dim=-1)
    return F.normalize(out.view(*ids.shape[:2], -1).mean(1), dim=-1)


def propose(model, pixels, text):
    h, w = pixels.shape[-2:]
    x = F.pad((pixels - model.mean) / model.std, (0, -w % 32, 0, -h % 32))
    logits, masks = model.classify(x, text, all_layers=False)
    masks = F.interpolate(masks[-1], size=x.shape[-2:], mode="bilinear", align_corners=False)
    return logits[-1, 0].softmax(-1)[:, :-1], masks[0, :, :h, :w].sigmoid()


def crops_of(pixels, soft):
    """Normalized crops [V, 3, S, S], their masks [V, S, S], and which proposals they are of."""
    regions, masks, which = [], [], []
    for q, mask in enumerate(soft > THRESHOLD):
        rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        if not len(rows):
            continue
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        m = mask[box].float()
        region = ((pixels[0][:, box[0], box[1]] * m + (1 - m) * MEAN) - MEAN) / STD
        regions.append(F.interpolate(region[None], size=(SIDE, SIDE), mode="bicubic"))
        masks.append(F.interpolate(m[None, None], size=(SIDE, SIDE), mode="nearest")[0])
        which.append(q)
    return torch.cat(regions), torch.cat(masks), torch.tensor(which)


def fuse(prob, soft, features, text, which, size):
    theirs = torch.ones_like(prob)
    theirs[which] = (100 * features @ text.T).softmax(-1)
    fused = prob**(1 - LAMBDA) * theirs**LAMBDA
    scores = torch.einsum("qk,qhw->khw", fused, soft)
    scores = F.interpolate(scores[None], size=size, mode="bilinear", align_corners=False)[0]
    return fused, scores.argmax(0)


class Parts:
    def __init__(self):
        self.seconds, self.since = {}, time.perf_counter()

    def done(self, name):
        now = time.perf_counter()
        self.seconds[name], self.since = now - self.since, now


@torch.inference_mode()
def segment(weights, inputs, out):
    parts, x = Parts(), load(inputs)
    pixels = x["pixels"].permute(2, 0, 1)[None].float()
    parts.done("read")
    proposals, clip = open_models(weights)
    parts.done("load")
    text = encode_texts(clip, x["ids"])
    parts.done("text")
    prob, soft = propose(proposals, pixels, text)
    parts.done("proposals")
    regions, masks, which = crops_of(pixels, soft)
    parts.done("crops")
    features = F.normalize(clip.visual(regions, masks), dim=-1)
    parts.done("CLIP")
    fused, label = fuse(prob, soft, features, text, which, tuple(x["original"].tolist()))
    parts.done("fuse")
    save(out, {"text_features": text, "fused": fused, "clip_image_features": features,
               "label": label.float()})
    print(json.dumps({"parts": parts.seconds, "crops": len(which)}))


if KIND == "write":
    write(sys.argv[2])
else:
    torch.set_num_threads(int(sys.argv[5]))
    segment(*sys.argv[2:5])
