#!/usr/bin/env python3
"""Makes tests/data/sets: miniature trees of every data set that `ovseg data prepare` knows, in the
formats in which they are published, the same as archives, and the label maps and pixels that must
come out. The rules are written here once more, in Python, from reference-spec 5.1.

Usage: pip install numpy==1.26.4 pillow==9.5.0 scipy==1.11.4 opencv-python-headless==4.9.0.80
       tests/data/make_sets.py [DIR]
"""
import io
import json
import os
import shutil
import sys
import tarfile
import zipfile
import zlib

import cv2
import numpy as np
import scipy.io
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
LABELS = os.path.join(HERE, "..", "..", "data", "labels")
OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "sets")
TREE, ARCHIVES, EXPECTED = (os.path.join(OUT, d) for d in ("tree", "archives", "expected"))
random = np.random.RandomState(6)
pixels = []  # lines of expected/pixels.txt


def raw_values(table):
    """raw value -> class, out of one of our tables."""
    out = {}
    for line in open(os.path.join(LABELS, table), encoding="utf-8"):
        if line.startswith("- {"):
            out[int(line.split("raw: ")[1].split("}")[0].split(",")[0])] = len(out)
    return out


def save(path, data):
    full = os.path.join(TREE, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as f:
        f.write(data)


def encoded(image, form, **options):
    b = io.BytesIO()
    image.save(b, form, **options)
    return b.getvalue()


def photo(h, w):
    """A smooth picture: small as a JPEG, and no two alike."""
    y, x = np.mgrid[0:h, 0:w]
    a, b, c = random.uniform(0.5, 2, 3)
    rgb = np.stack([128 + 100 * np.sin(a * x / w * 6 + y / h * 3), 255 * y / h * (b / 2),
                    128 + 120 * np.cos(c * (x + y) / (w + h) * 9)], -1)
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))


def regions(h, w, values, n=5):
    """A map of rectangles."""
    out = np.full((h, w), values[0], np.int64)
    for i in range(n):
        y, x = random.randint(0, h), random.randint(0, w)
        out[y:y + h // 2, x:x + w // 2] = values[(i + 1) % len(values)]
    return out


def png(values, palette=False):
    image = Image.fromarray(values.astype(np.uint8))
    if palette:
        image = image.convert("P")
        image.putdata(values.flatten().tolist())
        image.putpalette([(37 * i + 11 * k) % 256 for i in range(256) for k in range(3)])
    return encoded(image, "PNG")


def tiff(values):
    return encoded(Image.fromarray(values.astype(np.uint16)), "TIFF")


def mapped(values, table, ignore):
    out = np.full(values.shape, ignore, np.int64)
    for raw, k in table.items():
        out[values == raw] = k
    return out


def expect(set_name, name, classes):
    path = os.path.join(EXPECTED, set_name, name + ".png")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # 16 bits a pixel, grey: what Pillow makes of mode I;16
    Image.fromarray(classes.astype(np.uint16)).save(path)


def expect_pixels(set_name, name, rgb):
    h, w = rgb.shape[:2]
    pixels.append("%s %s %d %d %08x" % (set_name, name, h, w, zlib.crc32(rgb.tobytes())))


# ---- the sets ----


def coco():
    table = raw_values("coco_stuff_171.yaml")
    holes = [11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90]  # spec: these, and all else, are ignored
    assert not set(holes) & set(table) and len(table) == 171 and max(table) == 181
    captions = {"images": [], "annotations": []}
    for split, ids in (("train2017", (9, 25, 30, 34, 42, 49)), ("val2017", (139, 285))):
        for i in ids:
            name, h, w = "%012d" % i, 24 + i % 5, 20 + i % 7
            values = regions(h, w, [[0, 181, 11, 33, 90], [255, 91, 44, 168, 29], [92, 36]][i % 3], 6)
            if i == 30:
                values[:] = [255, 11, 70, 182][i % 4]  # all of it unlabelled: left out
            save("coco/%s/%s.jpg" % (split, name), encoded(photo(h, w), "JPEG", quality=80))
            captions["images"].append({"id": i, "file_name": name + ".jpg", "height": h, "width": w})
            for k in range(2 if i % 2 else 1):
                captions["annotations"].append(
                    {"id": 10 * i + k, "image_id": i, "caption": "caption %d of picture %d" % (k, i)})
            if i == 34:
                continue  # a picture without a map
            save("coco/stuffthingmaps/%s/%s.png" % (split, name), png(values))
            classes = mapped(values, table, 255)
            if not (classes == 255).all():
                save("coco/stuffthingmaps_detectron2/%s/%s.png" % (split, name), png(classes))
                expect("coco-stuff", name, classes)
    save("coco/stuffthingmaps/train2017/%012d.png" % 77, png(regions(9, 9, [1, 2])))  # no picture
    save("coco/annotations/captions_train2017.json", json.dumps(captions).encode())


def ade_150():
    for i in (1, 2, 3):
        name, h, w = "ADE_val_%08d" % i, 20 + i, 30 - i
        values = regions(h, w, [0, 1, 150, 75, 13 * i])
        save("ADEChallengeData2016/images/validation/%s.jpg" % name,
             encoded(photo(h, w), "JPEG", quality=80))
        save("ADEChallengeData2016/annotations/validation/%s.png" % name, png(values))
        classes = (values.astype(np.uint8) - 1).astype(np.int64)  # 0 wraps to 255
        save("ADEChallengeData2016/annotations_detectron2/validation/%s.png" % name, png(classes))
        expect("ade20k-150", name, classes)


def seg_png(values):
    """The _seg.png of the full ADE20K: class number in R and G, instances in B."""
    b = np.broadcast_to((np.arange(values.shape[1]) // 8).astype(np.uint8), values.shape)
    r = values // 256 * 10 + values % 10  # its last digit is not part of the number
    return encoded(Image.fromarray(np.stack([r, values % 256, b], -1).astype(np.uint8)), "PNG")


def ade_847():
    table = raw_values("ade20k_847.yaml")
    raw = sorted(table)
    assert len(raw) == 847
    root = "ADE20K_2021_17_01/images/ADE"
    for i, (h, w) in enumerate(((30, 40), (513, 647), (771, 514), (25, 25)), 1):
        name = "ADE_val_%08d" % i
        values = regions(h, w, [raw[0], raw[-1], raw[300 + i], 0, 3149], 4)
        if i == 4:
            values[:] = 0  # no class of the 847
        place = "%s/validation/%s" % (root, "urban/street" if i % 2 else "work_place/office")
        jpeg = encoded(photo(h, w), "JPEG", quality=40)
        save("%s/%s.jpg" % (place, name), jpeg)
        save("%s/%s_seg.png" % (place, name), seg_png(values))
        save("%s/%s/instance_000_%s.png" % (place, name, name), png(np.zeros((3, 3))))
        save("%s/%s.json" % (place, name), b"{}")
        classes = mapped(values, table, 65535)
        if i == 4:
            continue
        original = np.array(Image.open(io.BytesIO(jpeg)).convert("RGB"))
        expect("ade20k-847-original", name, classes)
        expect_pixels("ade20k-847-original", name, original)
        if min(h, w) > 512:
            side = round(max(h, w) / min(h, w) * 512)
            size = (side, 512) if h < w else (512, side)  # width, height
            original = cv2.resize(original, size, interpolation=cv2.INTER_LINEAR)
            classes = cv2.resize(classes.astype(np.uint16), size, interpolation=cv2.INTER_NEAREST)
        again = encoded(Image.fromarray(original), "JPEG")  # Pillow's default, 75
        kept = np.array(Image.open(io.BytesIO(again)).convert("RGB"))
        expect("ade20k-847", name, classes)
        expect_pixels("ade20k-847", name, kept)
        if i > 1:
            continue  # half a megabyte each
        save("ADE20K_2021_17_01/images_detectron2/validation/%s.jpg" % name, again)
        save("ADE20K_2021_17_01/annotations_detectron2/validation/%s.tif" % name, tiff(classes))
    save("%s/training/urban/street/ADE_train_00000001.jpg" % root, encoded(photo(9, 9), "JPEG"))
    save("%s/training/urban/street/ADE_train_00000001_seg.png" % root,
         seg_png(np.full((9, 9), raw[5])))


def context():
    table = raw_values("pascal_context_59.yaml")
    names = ["2008_000002", "2008_000003", "2010_001000"]
    for i, name in enumerate(names):
        h, w = 22 + i, 31 - i
        values = regions(h, w, [sorted(table)[3 * i], 459, 1, 284, 424][: 4 + i % 2], 5)
        matrix = values.astype([np.uint16, np.float64, np.uint16][i])
        b = io.BytesIO()
        scipy.io.savemat(b, {"LabelMap": matrix}, do_compression=i != 2)
        # the day it was made stands in the header
        save("VOCdevkit/VOC2010/trainval/%s.mat" % name,
             b"MATLAB 5.0 MAT-file, made for a test".ljust(124) + b.getvalue()[124:])
        save("VOCdevkit/VOC2010/JPEGImages/%s.jpg" % name,
             encoded(photo(h, w), "JPEG", quality=80))
        few, all_ = mapped(values, table, 255), (values.astype(np.uint16) - 1).astype(np.int64)
        expect("pascal-context-59", name, few)
        expect("pascal-context-459", name, all_)
        save("VOCdevkit/VOC2010/annotations_detectron2/pc59_val/%s.png" % name, png(few))
        save("VOCdevkit/VOC2010/annotations_detectron2/pc459_val/%s.tif" % name, tiff(all_))
    save("VOCdevkit/VOC2010/JPEGImages/2009_000009.jpg", encoded(photo(8, 8), "JPEG"))  # not listed
    save("VOCdevkit/VOC2010/pascalcontext_val.txt", "".join(n + "\n" for n in names).encode())


def voc():
    names = ["2007_000033", "2007_000042", "2007_000061"]
    for i, name in enumerate(names):
        h, w = 20 + 2 * i, 26
        values = regions(h, w, [0, 1, 20, 255, 7])
        if i == 2:
            values = np.where(values == 255, 255, 0)  # background alone: left out
        else:
            expect("voc-20", name, np.where((values == 0) | (values == 255), 255, values - 1))
            save("VOCdevkit/VOC2012/annotations_detectron2/val/%s.png" % name,
                 png(np.where((values == 0) | (values == 255), 255, values - 1)))
        save("VOCdevkit/VOC2012/SegmentationClassAug/%s.png" % name, png(values, palette=i == 0))
        save("VOCdevkit/VOC2012/JPEGImages/%s.jpg" % name,
             encoded(photo(h, w), "JPEG", quality=80))
    save("VOCdevkit/VOC2012/SegmentationClassAug/2007_000032.png", png(np.full((5, 5), 3)))
    save("VOCdevkit/VOC2012/JPEGImages/2007_000032.jpg", encoded(photo(5, 5), "JPEG"))  # of train
    save("VOCdevkit/VOC2012/ImageSets/Main/val.txt", b"2007_000032 -1\n")
    save("VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt",
         "".join(n + "\n" for n in names).encode())


def own():
    lines = []
    for i, name in enumerate(("garden", "kitchen", "street")):
        h, w = 18 + i, 24
        form = ("JPEG", "PNG", "WEBP")[i]
        suffix = ("jpg", "png", "webp")[i]
        options = {"lossless": True} if i == 2 else {}
        save("own/images/%s.%s" % (name, suffix), encoded(photo(h, w), form, **options))
        values = regions(h, w, [0, 1, 2, 255])
        save("own/masks/%s.png" % name, png(values))
        expect("folder", name, values)
        lines.append(json.dumps({"image": "%s.%s" % (name, suffix), "captions": ["a " + name]}))
    save("own/names.txt", b"flower bed\ncupboard, closet\nasphalt\n")
    save("own/captions.jsonl", ("\n".join(lines) + "\n").encode())


# ---- the archives they come in ----


def files_below(*places):
    for place in places:
        full = os.path.join(TREE, place)
        for folder, dirs, names in sorted(os.walk(full)) if os.path.isdir(full) else []:
            dirs.sort()
            yield from (os.path.relpath(os.path.join(folder, n), TREE) for n in sorted(names))
        if os.path.isfile(full):
            yield place


def make_zip(name, strip, *places):
    with zipfile.ZipFile(os.path.join(ARCHIVES, name), "w", zipfile.ZIP_DEFLATED) as z:
        for path in files_below(*places):
            info = zipfile.ZipInfo(path[len(strip):], (2020, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            z.writestr(info, open(os.path.join(TREE, path), "rb").read())


def make_tar(name, strip, *places):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w", format=tarfile.GNU_FORMAT) as t:
        for path in files_below(*places):
            data = open(os.path.join(TREE, path), "rb").read()
            info = tarfile.TarInfo(path[len(strip):])
            info.size, info.mtime = len(data), 1577836800
            t.addfile(info, io.BytesIO(data))
    data = b.getvalue()
    if name.endswith(".gz"):
        z = zlib.compressobj(9, zlib.DEFLATED, 31)
        data = z.compress(data) + z.flush()
    with open(os.path.join(ARCHIVES, name), "wb") as f:
        f.write(data)


def archives():
    os.makedirs(ARCHIVES)
    make_zip("train2017.zip", "coco/", "coco/train2017")
    make_zip("val2017.zip", "coco/", "coco/val2017")
    make_zip("stuffthingmaps_trainval2017.zip", "coco/stuffthingmaps/", "coco/stuffthingmaps")
    make_zip("annotations_trainval2017.zip", "coco/", "coco/annotations")
    ade = "ADEChallengeData2016/"
    make_zip("ADEChallengeData2016.zip", "", ade + "images", ade + "annotations")
    make_zip("ADE20K_2021_17_01.zip", "", "ADE20K_2021_17_01/images")
    voc = "VOCdevkit/VOC2010/"
    make_tar("VOCtrainval_03-May-2010.tar", "", voc + "JPEGImages", voc + "pascalcontext_val.txt")
    make_tar("trainval.tar.gz", voc, voc + "trainval")
    voc = "VOCdevkit/VOC2012/"
    make_tar("VOCtrainval_11-May-2012.tar", "", voc + "JPEGImages", voc + "ImageSets")
    make_zip("SegmentationClassAug.zip", voc, voc + "SegmentationClassAug")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    for make in (coco, ade_150, ade_847, context, voc, own, archives):
        make()
    with open(os.path.join(EXPECTED, "pixels.txt"), "w", encoding="utf-8") as f:
        f.write("# set, picture, height, width, CRC-32 of its RGB bytes\n" + "\n".join(pixels) + "\n")


main()
