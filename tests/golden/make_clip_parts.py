"""What CLIP's loaders make of pictures by Pillow, for tests/unit/test_clip_picture.c (reference-spec
6.2, 7.3): RandomResizedCrop with our draws, Resize and CenterCrop, and both rules of the mask.

    pip install --target DIR pillow==9.5.0 'numpy<2' xxhash
    PYTHONPATH=DIR python3 tests/golden/make_clip_parts.py > tests/golden/clip_parts.txt

A line: train or val, h, w, side, number, the part (x0 y0 x1 y1), XXH3-64 of the picture
[side, side, 3], of the mask read from its colours, and of the true mask's part by nearest.
"""

import math

import numpy as np
import xxhash
from PIL import Image

from our_rng import Rng

FILL = (124, 116, 103)
SEED = 13


def source(h, w):
    """Grain where the mask is set, the fill elsewhere; some of the grain is the fill's colour."""
    y, x = np.mgrid[0:h, 0:w]
    mask = ((y // 7 + x // 9) % 3 != 0).astype(np.uint8)
    i = np.arange(h * w * 3, dtype=np.uint64)
    image = ((i * 2654435761 % 2**32) >> 20).reshape(h, w, 3).astype(np.uint8)
    image[(mask == 0) | (x % 31 == 0)] = FILL
    return image, mask


def draw(rng, h, w, scale=(0.9, 1.0), ratio=(3 / 4, 4 / 3)):
    """torchvision's RandomResizedCrop.get_params, as the documentation of its algorithm has it."""
    for _ in range(10):
        area = h * w * rng.range(*scale)
        aspect = math.exp(rng.range(math.log(ratio[0]), math.log(ratio[1])))
        cw, ch = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < cw <= w and 0 < ch <= h:
            y, x = rng.below(h - ch + 1), rng.below(w - cw + 1)
            return x, y, x + cw, y + ch
    cw, ch = w, h
    if w / h < ratio[0]:
        ch = round(w / ratio[0])
    elif w / h > ratio[1]:
        cw = round(h * ratio[1])
    y, x = (h - ch) // 2, (w - cw) // 2
    return x, y, x + cw, y + ch


def from_colour(image):
    return (image != FILL).any(-1).astype(np.uint8)


def nearest(mask, side):
    """torch's nearest of float32."""
    index = [
        np.minimum(np.floor(np.arange(side, dtype=np.float32) * np.float32(np.float32(n) / np.float32(side))), n - 1)
        for n in mask.shape
    ]
    return mask[index[0].astype(int)][:, index[1].astype(int)]


def digest(a):
    return xxhash.xxh3_64_hexdigest(np.ascontiguousarray(a).tobytes())


def train(h, w, side, number):
    image, mask = source(h, w)
    x0, y0, x1, y1 = draw(Rng(SEED, "crop", number), h, w)
    out = np.asarray(Image.fromarray(image).crop((x0, y0, x1, y1)).resize((side, side), Image.Resampling.BICUBIC))
    print("train", h, w, side, number, x0, y0, x1, y1, digest(out), digest(from_colour(out)), digest(nearest(mask[y0:y1, x0:x1], side)))


def validate(h, w, side):
    image, _ = source(h, w)
    small = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    resized = Image.fromarray(image).resize(small, Image.Resampling.BICUBIC)
    x, y = round((small[0] - side) / 2), round((small[1] - side) / 2)
    out = np.asarray(resized.crop((x, y, x + side, y + side)))
    print("val", h, w, side, 0, x, y, x + side, y + side, digest(out), digest(from_colour(out)), 0)


def main():
    for h, w in ((224, 224), (336, 336), (180, 240), (120, 90), (20, 300), (300, 20), (3, 4), (1, 9)):
        for number in range(6):
            train(h, w, 224 if h > 30 else 64, number)
    for h, w in ((224, 224), (300, 200), (200, 301), (97, 64), (33, 35)):
        for side in (224, 32):
            validate(h, w, side)


main()
