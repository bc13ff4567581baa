#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/error.h"

uint64_t hash_bytes(const void *p, size_t n) { return XXH3_64bits(p, n); }
uint64_t hash_string(const char *s) { return hash_bytes(s, strlen(s)); }

void hasher_open(struct hasher *h) {
    h->state = XXH3_createState();
    REQUIRE(h->state, "out of memory");
    XXH3_64bits_reset(h->state);
}

void hasher_add(struct hasher *h, const void *p, size_t n) { XXH3_64bits_update(h->state, p, n); }
void hasher_add_string(struct hasher *h, const char *s) { hasher_add(h, s, strlen(s) + 1); }

uint64_t hasher_close(struct hasher *h) {
    uint64_t value = XXH3_64bits_digest(h->state);
    XXH3_freeState(h->state);
    h->state = NULL;
    return value;
}

int hash_file(const char *path, uint64_t *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    struct hasher h;
    hasher_open(&h);
    static _Thread_local char block[1 << 16];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0) hasher_add(&h, block, (size_t)n);
    int failed = n < 0 ? errno : 0;
    close(fd);
    *out = hasher_close(&h);
    return failed ? error_set(ERR_MISSING, "%s: %s", path, strerror(failed)) : 0;
}

void hash_hex(uint64_t h, char out[17]) { snprintf(out, 17, "%016llx", (unsigned long long)h); }

int hash_parse(const char *hex, uint64_t *out) {
    *out = 0;
    if (strlen(hex) != 16) return error_set(ERR_DATA, "\"%s\" is not a 16-digit hash", hex);
    for (const char *c = hex; *c; c++) {
        const char *digits = "0123456789abcdef", *d = strchr(digits, *c);
        if (!d) return error_set(ERR_DATA, "\"%s\" is not a 16-digit hash", hex);
        *out = *out << 4 | (uint64_t)(d - digits);
    }
    return 0;
}
