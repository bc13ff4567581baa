"""Writes colour.json: OpenCV's conversions of bytes between RGB and HSV, for data/colour_jitter.

One row of 512 colours each way, as wide as a training crop; XXH3-64 of all colours, 65,536 a row;
and of rows of n of the 512, whose last n % 32 go through other code of OpenCV's. On a CPU with
AVX2: pip install opencv-python-headless xxhash.
"""
import json
import pathlib

import cv2
import numpy as np
import xxhash

rng = np.random.RandomState(3)
rgb = rng.randint(0, 256, (1, 512, 3)).astype(np.uint8)
rgb[0, :32] = rgb[0, :32, :1]  # greys
hsv = rgb.copy()
hsv[0, :, 0] = rng.randint(0, 180, 512)
to = cv2.cvtColor(np.ascontiguousarray(rgb[:, :, ::-1]), cv2.COLOR_BGR2HSV)
back = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[:, :, ::-1]
golden = {name: x.reshape(-1).tolist() for name, x in
          (("rgb", rgb), ("rgb_to_hsv", to), ("hsv", hsv), ("hsv_to_rgb", back))}


def rows(count, code):
    """All colours with this many first values, through a conversion, one first value a row."""
    digest = xxhash.xxh3_64()
    i = np.arange(1 << 16)
    for a in range(count):
        row = np.stack([np.full(1 << 16, a), i >> 8, i & 255], -1).astype(np.uint8)[None]
        out = cv2.cvtColor(row, code)
        digest.update(np.ascontiguousarray(out).tobytes())
    return digest.hexdigest()


# RGB2HSV is BGR2HSV of the channels turned round, and back.
golden["all_to_hsv"] = rows(256, cv2.COLOR_RGB2HSV)
golden["all_from_hsv"] = rows(180, cv2.COLOR_HSV2RGB)
golden["rows"] = {
    str(n): xxhash.xxh3_64_hexdigest(
        cv2.cvtColor(np.ascontiguousarray(hsv[:, :n]), cv2.COLOR_HSV2RGB).tobytes()
    )
    for n in (*range(1, 100), 240, 341, 427, 500, 511)
}
path = pathlib.Path(__file__).with_name("colour.json")
path.write_text(json.dumps(golden, separators=(",", ":")).replace("],", "],\n") + "\n")
