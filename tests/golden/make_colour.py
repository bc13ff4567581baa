"""Writes colour.json: OpenCV's conversions of bytes between RGB and HSV, for data/colour_jitter.

One row of 512 colours each way, as wide as a training crop: pip install opencv-python-headless.
"""
import json
import pathlib

import cv2
import numpy as np

rng = np.random.RandomState(3)
rgb = rng.randint(0, 256, (1, 512, 3)).astype(np.uint8)
rgb[0, :32] = rgb[0, :32, :1]  # greys
hsv = rgb.copy()
hsv[0, :, 0] = rng.randint(0, 180, 512)
to = cv2.cvtColor(np.ascontiguousarray(rgb[:, :, ::-1]), cv2.COLOR_BGR2HSV)
back = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[:, :, ::-1]
golden = {name: x.reshape(-1).tolist() for name, x in
          (("rgb", rgb), ("rgb_to_hsv", to), ("hsv", hsv), ("hsv_to_rgb", back))}
path = pathlib.Path(__file__).with_name("colour.json")
path.write_text(json.dumps(golden, separators=(",", ":")).replace("],", "],\n") + "\n")
