"""Files of tensors (safetensors) for the scripts of this folder."""
import json

import numpy as np
import torch

TYPES = {"F32": np.float32, "I64": np.int64, "I32": np.int32, "U8": np.uint8}


def load(path):
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(size))
    data = np.memmap(path, np.uint8, "r", 8 + size)
    out = {}
    for key, x in header.items():
        if key != "__metadata__":
            a, b = x["data_offsets"]
            array = np.array(data[a:b]).view(TYPES[x["dtype"]]).reshape(x["shape"])
            out[key] = torch.from_numpy(array)
    return out


def save(path, tensors):
    header, at = {}, 0
    for key, x in tensors.items():
        header[key] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + 4 * x.numel()]}
        at += 4 * x.numel()
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for x in tensors.values():
            f.write(x.contiguous().numpy().tobytes())
