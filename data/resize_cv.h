/* Resizing as OpenCV's cv::resize does it, which prepared the reference's ADE20K-847
 * (reference-spec 5.1): not Pillow's (data/resize.h), since nothing is averaged when a picture
 * shrinks. Equal to cv2 bit for bit on uint8. One thread: callers have many images. */
#pragma once

#include "data/image.h"

/* INTER_LINEAR of uint8: weights of 11 bits, horizontally first. ERR_INTERNAL. */
int image_resize_cv_linear(const struct image *in, int64_t h, int64_t w, struct image *out);

/* INTER_NEAREST: source row floor(y * in / out), in doubles. ERR_INTERNAL. */
int labels_resize_cv_nearest(const struct labels *in, int64_t h, int64_t w, struct labels *out);
