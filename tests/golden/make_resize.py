"""Hashes of what Pillow makes of drawn noise, for tests/unit/test_resize.c.

    pip install --target DIR pillow==9.5.0 'numpy<2' xxhash
    PYTHONPATH=DIR python3 tests/golden/make_resize.py > tests/golden/resize.txt

A line: channels, h, w of the source, filter, h, w of the result, the box as four floats, XXH3-64
of the result's bytes. The source is source() below.

The version is that of the reference's time: newer ones (13.0) take the vertical pass first when an
image is widened and flattened, and then differ by 1 in some pixels.
"""

import random

import numpy as np
import xxhash
from PIL import Image

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def source(h, w, c):
    i = np.arange(h * w * c, dtype=np.uint64)
    x = (i * 2654435761) % 2**32
    x ^= x >> 16
    x = (x * 0x45D9F3B) % 2**32
    x ^= x >> 16
    return (x & 255).astype(np.uint8).reshape((h, w, c) if c > 1 else (h, w))


def case(c, h, w, name, oh, ow, box=None):
    box = tuple(float(np.float32(v)) for v in (box or (0, 0, w, h)))
    out = Image.fromarray(source(h, w, c)).resize((ow, oh), FILTERS[name], box=box)
    digest = xxhash.xxh3_64_hexdigest(np.ascontiguousarray(np.asarray(out)).tobytes())
    print(c, h, w, name, oh, ow, *("%.9g" % v for v in box), digest)


def main():
    rng = random.Random(7)
    for name in FILTERS:
        case(3, 48, 64, name, 48, 64)  # the same size: a copy
        case(3, 48, 64, name, 224, 224)
        case(1, 48, 64, name, 24, 32)
        case(3, 48, 64, name, 48, 31)  # one pass only
        case(3, 48, 64, name, 17, 64)
        case(3, 1, 1, name, 5, 7)  # sides of 1
        case(3, 1, 90, name, 3, 20)
        case(1, 90, 1, name, 20, 1)
        case(3, 33, 57, name, 1, 1)
        case(3, 2, 3000, name, 40, 9)  # extreme ratios
        case(1, 3000, 2, name, 7, 300)
        case(3, 300, 400, name, 3, 4)
        case(3, 9, 7, name, 900, 3)
        case(3, 120, 160, name, 224, 224, (10, 20, 90, 100))  # boxes
        case(3, 120, 160, name, 80, 80, (10, 20, 90, 100))  # a crop, no scaling
        case(3, 120, 160, name, 50, 60, (0.5, 0.25, 159.5, 119.75))
        case(1, 120, 160, name, 33, 44, (158.9, 118.2, 160, 120))
        case(3, 120, 160, name, 120, 160, (0, 0, 160, 119.3))
        for _ in range(12):
            h, w = rng.randint(1, 130), rng.randint(1, 130)
            oh, ow = rng.randint(1, 180), rng.randint(1, 180)
            x0, y0 = rng.uniform(0, w * 0.7), rng.uniform(0, h * 0.7)
            x1, y1 = rng.uniform(x0 + 0.2 * w, w), rng.uniform(y0 + 0.2 * h, h)
            case(rng.choice((1, 3)), h, w, name, oh, ow, (x0, y0, x1, y1))
    for name in ("bilinear", "bicubic"):
        for k in range(12):  # photographs up and down, as training does
            h, w = rng.choice(((480, 640), (427, 640), (375, 500), (224, 224)))
            short = rng.randint(20, 700) if k < 8 else rng.choice((224, 336, 512, 1024))
            scale = short / min(h, w)
            case(3, h, w, name, round(h * scale), round(w * scale))
        for k in range(12):  # one side by much more than the other, both ways
            h, w = rng.randint(1, 9), rng.randint(200, 900)
            oh, ow = rng.randint(1, 400), rng.randint(1, 40)
            case(rng.choice((1, 3)), *((h, w) if k % 2 else (w, h)), name, oh, ow)
        for k in range(10):  # sides of one pixel, in and out
            h, w, oh, ow = (rng.choice((1, 1, 2, 3, 57)) for _ in range(4))
            case(rng.choice((1, 3)), h, w, name, oh, ow)
        for k in range(14):  # boxes narrower than a pixel, of whole pixels, at the borders
            h, w = rng.randint(2, 90), rng.randint(2, 90)
            x0, y0 = (rng.randint(0, w - 1), rng.randint(0, h - 1)) if k % 2 else (rng.uniform(0, w - 1), rng.uniform(0, h - 1))
            x1, y1 = (w, h) if k % 3 == 0 else (x0 + rng.uniform(0.05, w - x0), y0 + rng.uniform(0.05, h - y0))
            case(rng.choice((1, 3)), h, w, name, rng.randint(1, 120), rng.randint(1, 120), (x0, y0, x1, y1))
        for k in range(12):  # the same size in one direction; near to the same in both
            h, w = rng.randint(5, 200), rng.randint(5, 200)
            oh, ow = ((h, w + 1), (h - 1, w), (h + 1, w - 1), (h, 2 * w))[k % 4]
            case(rng.choice((1, 3)), h, w, name, oh, ow)


main()
