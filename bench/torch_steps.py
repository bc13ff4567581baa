"""PyTorch's side of bench/run: the same commands and answers as bench/steps.c.

Usage: torch_steps.py CELL FOLDER THREADS stock|tuned

stock: modules and optimizer as a user writes them. tuned: what eager PyTorch offers for the same
result: memory that is kept, fused attention, a fused optimizer, the faster layout of pictures.
Neither is compiled (torch.compile).
"""
import ctypes
import json
import re
import sys
import time

CELL, FOLDER, THREADS, KIND = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
TUNED = KIND == "tuned"
if TUNED:  # before anything large is allocated: blocks stay in the process (M_MMAP_THRESHOLD, ...)
    libc = ctypes.CDLL(None)
    libc.mallopt(-3, 1 << 30)
    libc.mallopt(-1, (1 << 31) - 1)

import numpy as np
import torch
from torch.utils.flop_counter import (FlopCounterMode, register_flop_formula, sdpa_backward_flop,
                                      sdpa_flop)

import reference
from tensors import load, save

# The counter knows the attention of GPUs alone.
ATTENTION = "_scaled_dot_product_flash_attention_for_cpu"
for _name, _formula in ((ATTENTION, sdpa_flop), (ATTENTION + "_backward", sdpa_backward_flop)):
    register_flop_formula(getattr(torch.ops.aten, _name), get_raw=True)(_formula)


def make():
    if CELL == "proposals":
        model = reference.MaskFormer(TUNED)
        rules = [("backbone.*norm", 1e-5, 0), ("backbone", 1e-5, 1e-4), (".*norm|.*query_embed", 1e-4, 0),
                 ("", 1e-4, 1e-4)]
        options, limit = {"betas": (0.9, 0.999), "eps": 1e-8}, 0.01
    else:
        model = reference.Clip(3 if CELL == "mpt" else 0, TUNED)
        trained = "logit_scale|visual.mask_embedding" if CELL == "mpt" else "logit_scale|visual"
        for name, p in model.named_parameters():
            p.requires_grad_(bool(re.match(trained, name)))
        rules = [("logit_scale|visual.mask_embedding", 5e-6, 0), ("", 5e-6, 0.2)]
        options, limit = {"betas": (0.9, 0.98), "eps": 1e-6}, None
    model.load_state_dict(load(FOLDER + "/weights.safetensors"))
    groups = [[] for _ in rules]
    for name, p in model.named_parameters():
        if p.requires_grad:
            groups[next(i for i, r in enumerate(rules) if re.match(r[0], name))].append(p)
    groups = [{"params": g, "lr": r[1], "weight_decay": r[2]} for g, r in zip(groups, rules) if g]
    return model, torch.optim.AdamW(groups, fused=True if TUNED else None, **options), limit


def backward(model, batch):
    loss = model.loss(batch)
    loss.backward()
    return loss


def choose_layout(model, batch):
    """Channels-last is the faster one on some processors and the slower one on others."""
    times = {}
    for layout in (torch.contiguous_format, torch.channels_last) * 2:  # the second of each counts
        model.layout = layout
        model.backbone.to(memory_format=layout)
        model.sem_seg_head.pixel_decoder.to(memory_format=layout)
        start = time.monotonic()
        backward(model, batch)
        times[layout] = time.monotonic() - start
        model.zero_grad()
    model.layout = min(times, key=times.get)
    model.backbone.to(memory_format=model.layout)
    model.sem_seg_head.pixel_decoder.to(memory_format=model.layout)
    return str(model.layout).removeprefix("torch.")


def step(model, optimizer, limit, batch):
    model.train()
    start = time.monotonic()
    loss = backward(model, batch)
    if limit:
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], limit)
    optimizer.step()
    optimizer.zero_grad()
    if CELL != "proposals":
        with torch.no_grad():
            model.logit_scale.clamp_(0, float(np.log(100)))
    return {"loss": loss.item(), "seconds": time.monotonic() - start}


def costs(*parts):
    with FlopCounterMode(display=False) as counter:
        answer = step(*parts)
    return {**answer, "flop": counter.get_total_flops()}


def gradients(model, path, batch):
    model.eval()
    loss = backward(model, batch)
    out = {"loss": loss.detach()}
    out |= {"grad." + n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    save(path, out)
    model.zero_grad()
    return {}


def main():
    torch.set_num_threads(THREADS)
    model, optimizer, limit = make()
    batch = load(FOLDER + "/batch.safetensors")
    parts = model, optimizer, limit, batch
    answer = {"libtorch": torch.__version__, "threads": torch.get_num_threads(),
              "trained": sum(p.numel() for p in model.parameters() if p.requires_grad)}
    if TUNED and CELL == "proposals":
        answer["layout"] = choose_layout(model, batch)
    print(json.dumps(answer), flush=True)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "gradients":
            answer = gradients(model, rest, batch)
        else:
            answer = {"step": step, "costs": costs}[word](*parts)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
