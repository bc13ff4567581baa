"""Small files of every kind that Pillow writes, and hashes of how it reads them, for
tests/unit/test_image.c.

    pip install --target DIR pillow==9.5.0 'numpy<2' xxhash
    PYTHONPATH=DIR python3 tests/golden/make_images.py tests/golden/images

list.txt: file, 1 when turned by its EXIF orientation, h, w, XXH3-64 of the RGB bytes.
"""

import io
import pathlib
import struct
import sys
import zlib

import numpy as np
import xxhash
from PIL import Image, ImageOps

OUT = pathlib.Path(sys.argv[1])
H, W = 21, 34


def photo():
    y, x = np.mgrid[0:H, 0:W]
    rgb = np.stack([x * 7, y * 11, (x * x + 3 * y) % 256], -1)
    rgb[5:12, 8:20] = (200, 30, 60)
    return Image.fromarray(rgb.astype(np.uint8))


def png(bits, kind, rows, extra=b"", interlace=0):
    """A PNG of any bit depth and colour type; rows: bytes of each scan line."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", W, H, bits, kind, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + r for r in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk_of(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def riff_chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


def packed(values, bits):
    rows = []
    for r in values:
        s = "".join(format(v, "0%db" % bits) for v in r)
        s += "0" * (-len(s) % 8)
        rows.append(bytes(int(s[i : i + 8], 2) for i in range(0, len(s), 8)))
    return rows


def adam7(rgb):
    """Scan lines of the seven passes, 8-bit RGB."""
    rows = []
    for y0, x0, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        part = rgb[y0::dy, x0::dx]
        rows += [r.tobytes() for r in part if r.size]
    return rows


def files():
    im = photo()
    a = np.asarray(im)
    i = np.arange(H * W).reshape(H, W)
    noise = ((i.astype(np.uint64) * 2654435761) >> 7).astype(np.uint16)

    def saved(kind, image=im, **options):
        b = io.BytesIO()
        image.save(b, kind, **options)
        return b.getvalue()

    yield "photo.jpg", saved("JPEG")
    yield "full.jpg", saved("JPEG", subsampling=0, quality=95)
    yield "half.jpg", saved("JPEG", subsampling=1)
    yield "progressive.jpg", saved("JPEG", progressive=True)
    yield "grey.jpg", saved("JPEG", im.convert("L"))
    yield "cmyk.jpg", saved("JPEG", im.convert("CMYK"))
    for o in range(1, 9):
        yield "exif%d.jpg" % o, saved("JPEG", exif=exif_of(o))
    yield "rgb.png", saved("PNG")
    yield "rgba.png", png(8, 6, [np.concatenate([r, r[:, :1]], 1).tobytes() for r in a])
    yield "grey_alpha.png", png(8, 4, [r[:, :2].tobytes() for r in a])
    yield "interlaced.png", png(8, 2, adam7(a), interlace=1)
    yield "keyed.png", png(8, 2, [r.tobytes() for r in a], chunk_of(b"tRNS", b"\0\xc8\0\x1e\0\x3c"))
    for bits in (1, 2, 4, 8):
        yield "grey%d.png" % bits, png(bits, 0, packed(i % (1 << bits), bits))
    yield "grey16.png", png(16, 0, [r.astype(">u2").tobytes() for r in noise])
    yield "grey_alpha16.png", png(16, 4, [np.stack([r, r], -1).astype(">u2").tobytes() for r in noise])
    yield "rgb16.png", png(16, 2, [np.stack([r, r * 3, r * 5], -1).astype(">u2").tobytes() for r in noise])
    yield "rgba16.png", png(16, 6, [np.stack([r, r * 3, r * 5, r], -1).astype(">u2").tobytes() for r in noise])
    colours = bytes((37 * k + 11 * (k % 3)) % 256 for k in range(48))
    plte = chunk_of(b"PLTE", colours)
    yield "palette.png", png(8, 3, packed(i % 7, 8), plte + chunk_of(b"tRNS", b"\0\x80\xff"))
    yield "palette4.png", png(4, 3, packed(i % 16, 4), plte)
    yield "palette1.png", png(1, 3, packed(i % 2, 1), plte)
    yield "lossless.webp", saved("WEBP", lossless=True)
    yield "exif6.png", saved("PNG", exif=exif_of(6))
    whole = saved("PNG")
    end = whole.index(b"IDAT") - 4
    end += 12 + struct.unpack(">I", whole[end : end + 4])[0]
    yield "exif3behind.png", whole[:end] + chunk_of(b"eXIf", exif_of(3).tobytes()[6:]) + whole[end:]
    yield "exif5.webp", saved("WEBP", lossless=True, exif=exif_of(5).tobytes())
    bare = saved("WEBP", lossless=True, exif=exif_of(8).tobytes())
    body = bare[8 : bare.index(b"EXIF")]  # a chunk of odd length, and the mark that others write
    body += riff_chunk(b"ODD ", b"odd") + riff_chunk(b"EXIF", exif_of(8).tobytes())
    yield "exif8marked.webp", riff_chunk(b"RIFF", body)


def main():
    OUT.mkdir(exist_ok=True)
    lines = []
    for name, data in files():
        (OUT / name).write_bytes(data)
        if name == "grey16.png":
            continue  # clipped at 255 here; a label map to us, and refused as a picture
        for upright in (0, 1) if "exif" in name else (0,):
            im = Image.open(io.BytesIO(data))
            if upright:
                im = ImageOps.exif_transpose(im)
            rgb = np.ascontiguousarray(im.convert("RGB"))
            lines.append("%s %d %d %d %s\n" % (name, upright, *rgb.shape[:2], xxhash.xxh3_64_hexdigest(rgb.tobytes())))
    (OUT / "list.txt").write_text("".join(lines))


main()
