"""Training samples of reference-spec 5.2 by Pillow, OpenCV and PyTorch, for
tests/unit/test_segment_sample.c.

    pip install --target DIR pillow==9.5.0 'numpy<2' xxhash opencv-python-headless torch
    PYTHONPATH=DIR python3 tests/golden/make_samples.py > tests/golden/samples.txt

A line: recipe, h, w of the source, number of the sample, XXH3-64 of its pixels [H, W, 3] and of its
label map as uint16 [H, W]. The draws are those of our generator (base/rng.h), whose numbers are
made here anew; all else is what the libraries do. Written from the specification alone.

OpenCV's vector code is that of a CPU with AVX2: 32 pixels at once, multiply and add fused.
"""

import sys

import cv2
import numpy as np
import torch
import xxhash
from PIL import Image

from our_rng import Rng

SEED = 11
IGNORE = 255

# sizes, longest, crop, pad, single_area, colour
RECIPES = {
    "512": ([int(0.1 * k * 512) for k in range(5, 21)], 2048, 512, 512, 1.0, True),
    "r101c-yaml": ([800], 1333, 512, 512, 1.0, True),
    "small": ([48, 64, 96, 150], 180, 96, 96, 1.0, True),
    "odd": ([41, 70, 111], 0, 75, 90, 1.0, True),  # rows that OpenCV's vectors do not divide
    "single": ([64, 96], 0, 32, 32, 0.4, False),
    "plain": ([], 0, 40, 40, 1.0, False),
}


def source(h, w):
    """Patches of colours with grain, and a label map of patches, some without a label."""
    y, x = np.mgrid[0:h, 0:w].astype(np.uint64)
    i = np.arange(h * w * 3, dtype=np.uint64)
    grain = ((i * 2654435761 % 2**32) >> 24).reshape(h, w, 3) % 32
    tone = np.stack([(y // 16) * 37 + (x // 24) * 59, (y // 24) * 83 + x, (x // 16) * 101 + y], -1) % 224
    labels = ((y // 19) * 7 + (x // 23) * 3) % 11
    labels[labels == 10] = IGNORE
    return (tone + grain).astype(np.uint8), labels.astype(np.int64)


def shortest_edge(h, w, size, longest):
    scale = size / min(h, w)
    new_h, new_w = (size, scale * w) if h < w else (scale * h, size)
    if longest and max(new_h, new_w) > longest:
        scale = longest / max(new_h, new_w)
        new_h, new_w = new_h * scale, new_w * scale
    return int(new_h + 0.5), int(new_w + 0.5)


def resize(image, labels, rng, sizes, longest):
    if not sizes:
        return image, labels
    h, w = shortest_edge(*labels.shape, sizes[rng.below(len(sizes))], longest)
    image = np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BILINEAR))
    t = torch.from_numpy(labels.astype(np.float64))[None, None]
    labels = torch.nn.functional.interpolate(t, (h, w), mode="nearest")[0, 0].numpy()
    return image, labels.astype(np.int64)


def crop(image, labels, rng, side, single_area):
    h, w = labels.shape
    for _ in range(10):
        y = rng.below(h - side + 1) if h > side else 0
        x = rng.below(w - side + 1) if w > side else 0
        part = labels[y : y + side, x : x + side]
        kinds, counts = np.unique(part[part != IGNORE], return_counts=True)
        if single_area >= 1 or (len(kinds) > 1 and counts.max() < counts.sum() * single_area):
            break
    return image[y : y + side, x : x + side], part


def truncated(x):
    return np.clip(x, 0, 255).astype(np.uint8)


def ssd(image, rng):
    bgr = np.ascontiguousarray(image[:, :, ::-1])

    def contrast():
        nonlocal bgr
        if rng.coin():
            bgr = truncated(bgr.astype(np.float32) * np.float32(rng.range(0.5, 1.5)))

    def saturation():
        nonlocal bgr
        if rng.coin():
            hsv = cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV)
            hsv[:, :, 1] = truncated(hsv[:, :, 1].astype(np.float32) * np.float32(rng.range(0.5, 1.5)))
            bgr = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)

    def hue():
        nonlocal bgr
        if rng.coin():
            hsv = cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV)
            hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + rng.below(37) - 18) % 180
            bgr = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)

    if rng.coin():
        bgr = truncated(bgr.astype(np.float32) + np.float32(rng.range(-32, 32)))
    steps = [contrast, saturation, hue] if rng.coin() else [saturation, hue, contrast]
    for step in steps:
        step()
    return bgr[:, :, ::-1]


def sample(h, w, recipe, number):
    sizes, longest, side, pad, single_area, colour = RECIPES[recipe]
    rng = Rng(SEED, "sample", number)
    image, labels = resize(*source(h, w), rng, sizes, longest)
    image, labels = crop(image, labels, rng, side, single_area)
    if colour:
        image = ssd(image, rng)
    if rng.coin():
        image, labels = image[:, ::-1], labels[:, ::-1]
    pixels = np.full((pad, pad, 3), 128, np.uint8)
    map_ = np.full((pad, pad), IGNORE, np.uint16)
    pixels[: image.shape[0], : image.shape[1]] = image
    map_[: labels.shape[0], : labels.shape[1]] = labels
    return xxhash.xxh3_64_hexdigest(pixels.tobytes()), xxhash.xxh3_64_hexdigest(map_.tobytes())


def main():
    cases = [("512", 480, 640, 4), ("512", 640, 427, 4), ("r101c-yaml", 333, 500, 2)]
    for recipe in ("small", "odd", "single", "plain"):
        cases += [(recipe, h, w, 12) for h, w in ((120, 160), (97, 61), (30, 200), (1, 77))]
    for recipe, h, w, n in cases:
        for number in range(n):
            print(recipe, h, w, number, *sample(h, w, recipe, number))


if sys.byteorder != "little":
    sys.exit("label maps are hashed as little-endian numbers")
main()
