"""Hashes of photographs as Pillow decodes them, for tests/unit/test_image.c.

    pip install --target DIR pillow==9.5.0 'numpy<2' xxhash
    PYTHONPATH=DIR python3 tests/golden/make_photos.py COCO_MINI > tests/golden/photos.txt

A line: file name, h, w, XXH3-64 of Image.open(f).convert("RGB") as [h, w, 3] bytes.
"""

import pathlib
import sys

import numpy as np
import xxhash
from PIL import Image

for path in sorted(pathlib.Path(sys.argv[1], "train2017").glob("*.jpg")):
    rgb = np.asarray(Image.open(path).convert("RGB"))
    print(path.name, *rgb.shape[:2], xxhash.xxh3_64_hexdigest(np.ascontiguousarray(rgb).tobytes()))
