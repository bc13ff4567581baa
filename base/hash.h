/* Content hashes: 64-bit XXH3 for files, tensors and settings. Not a defence against an adversary
 * who may choose the contents; published weights are checked by sha256 instead. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *p, size_t n);
uint64_t hash_string(const char *s);

/* The hash of many pieces. Pieces run together: put lengths or separators between them. */
struct hasher {
    void *state;
};
void hasher_open(struct hasher *h);
void hasher_add(struct hasher *h, const void *p, size_t n);
void hasher_add_string(struct hasher *h, const char *s); /* with its final NUL */
uint64_t hasher_close(struct hasher *h);                 /* frees the state */

int hash_file(const char *path, uint64_t *out); /* ERR_MISSING when it cannot be read */

/* 16 hex digits and NUL, and back; hash_parse returns 0 or ERR_DATA. */
void hash_hex(uint64_t h, char out[17]);
int hash_parse(const char *hex, uint64_t *out);
