"""Hashes of what OpenCV makes of drawn noise, for tests/unit/test_resize.c.

    pip install --target DIR opencv-python-headless==4.9.0.80 'numpy<2' xxhash
    PYTHONPATH=DIR python3 tests/golden/make_cv.py > tests/golden/resize_cv.txt

A line: filter, channels, h, w of the source, h, w of the result, XXH3-64 of the result's bytes
(nearest: of 16-bit values). The source is that of make_resize.py, which draws 8 bits; 16-bit ones
are two of them. OpenCV 5.0.0 gives the same.
"""

import random

import cv2
import numpy as np
import xxhash


def noise(n):
    x = (np.arange(n, dtype=np.uint64) * 2654435761) % 2**32
    x ^= x >> 16
    x = (x * 0x45D9F3B) % 2**32
    return ((x ^ (x >> 16)) & 255).astype(np.uint8)


def case(name, c, h, w, oh, ow):
    if name == "linear":
        image = noise(h * w * c).reshape((h, w, c))
        out = cv2.resize(image, (ow, oh), interpolation=cv2.INTER_LINEAR)
    else:
        image = noise(2 * h * w).view("<u2").reshape((h, w))
        out = cv2.resize(image, (ow, oh), interpolation=cv2.INTER_NEAREST)
    print(name, c, h, w, oh, ow, xxhash.xxh3_64_hexdigest(np.ascontiguousarray(out).tobytes()))


def main():
    rng = random.Random(7)
    for name in ("linear", "nearest"):
        c = 3 if name == "linear" else 1
        case(name, c, 1, 1, 5, 7)
        case(name, c, 1, 90, 3, 20)
        case(name, c, 90, 1, 20, 1)
        case(name, c, 48, 64, 48, 64)
        case(name, c, 48, 64, 24, 32)  # half: an average of four there
        case(name, c, 48, 64, 96, 128)
        case(name, c, 2, 3000, 40, 9)
        case(name, c, 513, 700, 512, 699)
        case(name, c, 683, 1024, 512, 768)
        case(name, c, 1024, 683, 768, 512)
        for _ in range(90):
            case(name, c, *(rng.randint(1, 200) for _ in range(4)))


main()
