"""Writes the files of PyTorch's that tests/unit/test_pth.c reads: python3 make.py FOLDER

Needs torch and numpy. Element i of a tensor, in row-major order, is formula(name, i); the test
computes the same. The values are exact in half and in bfloat16.
"""
import os
import pickle
import sys
from collections import OrderedDict

import numpy as np
import torch


def formula(name, n):
    k = sum(name.encode())
    return np.array([(i * 7 + k) % 251 for i in range(n)], dtype=np.int64)


def values(name, shape, dtype):
    v = torch.from_numpy(formula(name, int(np.prod(shape))).reshape(shape))
    if dtype == torch.bool:
        return (v % 2).bool()
    if dtype == torch.uint8:
        return v.to(dtype)
    v = v - 125
    return (v / 8).to(dtype) if dtype.is_floating_point else v.to(dtype)


def fill(name, x):
    x.copy_(values(name, tuple(x.shape), x.dtype))
    return x


def model():
    m = OrderedDict()
    for dtype in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool"):
        m["type." + dtype] = values("type." + dtype, (3, 5), getattr(torch, dtype))
    m["scalar"] = values("scalar", (), torch.float32)
    m["empty"] = torch.zeros(0, 4)
    m["transposed"] = fill("transposed", torch.empty(4, 6).t())
    m["permuted"] = fill("permuted", torch.empty(2, 3, 4, dtype=torch.float16).permute(2, 0, 1))
    m["channels_last"] = fill("channels_last", torch.empty(2, 3, 4, 5).contiguous(memory_format=torch.channels_last))
    base = torch.zeros(10, 4)
    m["rows"] = fill("rows", base[2:5])  # dense, in the middle of a storage
    m["window"] = fill("window", base[6:9, 1:3])
    m["every_other"] = fill("every_other", torch.empty(12)[::2])
    m["tied.a"] = values("tied.a", (3, 4), torch.float32)
    m["tied.b"] = m["tied.a"]
    m["expanded"] = torch.tensor([[2.5], [-1.0]]).expand(2, 3)
    m._metadata = OrderedDict({"": {"version": 1}, "type": {"version": 2}})
    return m


def training():
    x = torch.nn.Parameter(values("x", (2, 3), torch.float32))
    y = torch.nn.Parameter(values("y", (4,), torch.float32))
    o = torch.optim.AdamW([{"params": [x], "lr": 1e-3}, {"params": [y]}], lr=1e-4)
    x.grad, y.grad = torch.ones(2, 3), torch.ones(4)
    o.step()
    s = torch.optim.lr_scheduler.LambdaLR(o, lambda step: 1.0)
    return {"model": model(), "optimizer": o.state_dict(), "scheduler": s.state_dict(), "iteration": 7,
            "numbers": [1, -2, 300, 70000, -70000, 1 << 40, -(1 << 40), 1 << 80, 0.5, None, True, "text", (1, 2, 3, 4)],
            "seed": np.float64(0.25), "device": torch.device("cpu"), "size": torch.Size([2, 3]), "type": torch.float16}


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 1)
        self.norm = torch.nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(self.conv(x))


class Script(torch.nn.Module):
    """As OpenAI's CLIP files: modules in modules, half precision, integers as buffers."""

    def __init__(self):
        super().__init__()
        self.visual = Inner()
        self.blocks = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU(), torch.nn.Linear(4, 2))
        self.logit_scale = torch.nn.Parameter(torch.zeros(()))
        self.register_buffer("input_resolution", torch.tensor(0))
        self.sizes = [1, 2]

    def forward(self, x):
        return self.blocks(self.visual(x).mean([2, 3])) * self.logit_scale


def script():
    m = Script()
    m.blocks.half()
    with torch.no_grad():
        for name, x in m.state_dict().items():
            fill(name, x)
    return torch.jit.script(m.eval())


def main(folder):
    def path(name):
        return os.path.join(folder, name)

    torch.manual_seed(0)
    torch.save(training(), path("archive.pth"))
    torch.save(training(), path("stream.pth"), _use_new_zipfile_serialization=False)
    torch.save(model(), path("bare.pth"))
    half = OrderedDict(("module." + k, v.half() if v.is_floating_point() else v)
                       for k, v in (("a.weight", values("a.weight", (3, 2), torch.float32)),
                                    ("count", values("count", (), torch.int64))))
    torch.save({"epoch": 3, "name": "run", "state_dict": half}, path("module.pth"))
    torch.save({"a": torch.nn.Parameter(values("a", (2, 3), torch.bfloat16))}, path("parameter.pth"))
    script().save(path("script.pt"))
    arrays = {n: values(n, s, t).numpy() for n, s, t in (("stem.conv1.weight", (2, 3, 3, 3), torch.float32),
                                                       ("stem.norm.bias", (4,), torch.float64),
                                                       ("one", (), torch.float32), ("flags", (3,), torch.bool),
                                                       ("count", (2,), torch.int64))}
    arrays["columns"] = np.asfortranarray(values("columns", (3, 4), torch.float32).numpy())
    for protocol in (3, 4):
        with open(path("arrays%d.pkl" % protocol), "wb") as f:
            pickle.dump({"model": arrays, "__author__": "us", "matching_heuristics": True}, f, protocol=protocol)
    tensors = {n: values(n, (2, 3), torch.float32) for n in ("a.weight", "b.weight")}
    tensors["view"] = fill("view", torch.empty(3, 2).t())
    with open(path("tensors.pkl"), "wb") as f:
        pickle.dump({"model": tensors, "__author__": "us", "matching_heuristics": True}, f, protocol=4)
    torch.save({"a": torch.zeros(2, dtype=torch.int16)}, path("short.pth"))


if __name__ == "__main__":
    main(sys.argv[1])
