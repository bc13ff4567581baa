/* What the decoders of the single formats share. */
#pragma once

#include "data/image.h"

int jpeg_decode(const uint8_t *at, size_t n, const char *name, bool upright, struct image *out);
int jpeg_size(const uint8_t *at, size_t n, const char *name, bool upright, int64_t *h, int64_t *w);

int jpeg_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out);
int png_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out);

bool png_is(const uint8_t *at, size_t n);
int png_decode(const uint8_t *at, size_t n, const char *name, struct image *out);
int png_size(const uint8_t *at, size_t n, const char *name, int64_t *h, int64_t *w);

bool webp_is(const uint8_t *at, size_t n);
int webp_decode(const uint8_t *at, size_t n, const char *name, struct image *out);
int webp_size(const uint8_t *at, size_t n, const char *name, int64_t *h, int64_t *w);

/* The limits of image.h; ERR_DATA names the size. */
int image_check_size(const char *name, int64_t h, int64_t w);
