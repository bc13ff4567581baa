/* Bytes as text: RFC 4648, padded. */
#pragma once

#include "base/mem.h"

void base64_add(struct str *out, const void *bytes, size_t n); /* at the end of `out` */
