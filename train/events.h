/* TensorBoard's event files: length, masked CRC32C, a protocol-buffer Event, masked CRC32C. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* The first record of a file. `wall` is in seconds of Unix time. */
void events_header(struct str *out, double wall);
void events_scalar(struct str *out, double wall, int64_t step, const char *tag, float value);
uint32_t events_crc32c(const void *data, size_t n); /* Castagnoli, not masked */
