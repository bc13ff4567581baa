"""Masks as pycocotools makes them, for tests/unit/test_polygon.c and test_coco.c.

    pip install --target DIR pycocotools==2.0.11 numpy xxhash
    PYTHONPATH=DIR python3 tests/golden/make_masks.py COCO_MINI tests/golden

coco_masks.txt: annotation id, h, w, area, XXH3-64 of the mask [h, w] and of its compressed RLE
string; every annotation of the 80 photographs. coco_labels.txt: image id, XXH3-64 of its label map as
uint8: annotations painted by falling area, equal ones by rising id, 255 elsewhere.
polygons.txt: h, w, XXH3-64 of the mask, number of corners, x and y of each; drawn at random,
partly outside, with repeated and collinear corners.
"""

import json
import pathlib
import random
import sys

import numpy as np
import xxhash
from pycocotools import mask as coco

mini, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def digest(a):
    return xxhash.xxh3_64_hexdigest(np.ascontiguousarray(a).tobytes())


def rle_of(annotation, h, w):
    s = annotation["segmentation"]
    if isinstance(s, list):
        return coco.merge(coco.frPyObjects(s, h, w))
    return coco.frPyObjects(s, h, w) if isinstance(s["counts"], list) else s


def photographs():
    data = json.loads((mini / "annotations" / "instances_train2017.json").read_text())
    images = {im["id"]: im for im in data["images"]}
    index = {c["id"]: k for k, c in enumerate(sorted(data["categories"], key=lambda c: c["id"]))}
    lines, painted = [], {i: [] for i in images}
    for a in sorted(data["annotations"], key=lambda a: a["id"]):
        h, w = images[a["image_id"]]["height"], images[a["image_id"]]["width"]
        rle = rle_of(a, h, w)
        mask = coco.decode(rle)
        painted[a["image_id"]].append((-int(mask.sum()), a["id"], index[a["category_id"]], mask))
        lines.append("%d %d %d %d %s %s\n" % (a["id"], h, w, mask.sum(), digest(mask), xxhash.xxh3_64_hexdigest(rle["counts"])))
    (out / "coco_masks.txt").write_text("".join(lines))
    lines = []
    for i in sorted(images):
        labels = np.full((images[i]["height"], images[i]["width"]), 255, np.uint8)
        for _, _, k, mask in sorted(painted[i], key=lambda p: p[:2]):
            labels[mask > 0] = k
        lines.append("%d %s\n" % (i, digest(labels)))
    (out / "coco_labels.txt").write_text("".join(lines))


def polygons():
    rng = random.Random(11)
    lines = []
    for k in range(200):
        h, w = rng.randint(1, 60), rng.randint(1, 60)
        n = rng.randint(3, 12)
        lo, hi = ((0, 1), (-0.3, 1.3), (0.2, 0.8))[k % 3]
        xy = [rng.uniform(lo, hi) * (w if i % 2 == 0 else h) for i in range(2 * n)]
        digits = rng.choice((0, 1, 2, 9))
        xy = [round(v, digits) for v in xy]
        if k % 5 == 0:
            xy += xy[-2:]  # a corner twice
        if k % 7 == 0:
            xy[2:4] = [xy[0], xy[3]]  # an upright edge
        mask = coco.decode(coco.merge(coco.frPyObjects([xy], h, w)))
        lines.append("%d %d %s %d %s\n" % (h, w, digest(mask), len(xy) // 2, " ".join(repr(v) for v in xy)))
    (out / "polygons.txt").write_text("".join(lines))


photographs()
polygons()
