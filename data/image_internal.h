/* What the decoders of the single formats share. */
#pragma once

#include "data/image.h"

/* Decoders give pixels and facts as stored; data/image.c turns them. A decoder says the orientation
 * that its look says. */
int jpeg_decode(const uint8_t *at, size_t n, const char *name, struct image *out, int *orientation);
int jpeg_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out);

bool png_is(const uint8_t *at, size_t n);
int png_decode(const uint8_t *at, size_t n, const char *name, struct image *out, int *orientation);
int png_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out);

bool webp_is(const uint8_t *at, size_t n);
int webp_decode(const uint8_t *at, size_t n, const char *name, struct image *out, int *orientation);
int webp_look(const uint8_t *at, size_t n, const char *name, struct image_facts *out);

/* The limits of image.h; ERR_DATA names the size. */
int image_check_size(const char *name, int64_t h, int64_t w);

/* The orientation in a block of EXIF, which is a TIFF header and what follows it, with "Exif\0\0"
 * in front or without; 1 when it says nothing that can be understood. */
int exif_orientation(const uint8_t *p, size_t n);
