#include "checkpoints/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

int input_open(struct input *in, const char *path) {
    *in = (struct input){.path = mem_strdup(path), .fd = open(path, O_RDONLY | O_CLOEXEC)};
    struct stat st;
    if (in->fd < 0 || fstat(in->fd, &st) < 0)
        return error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode)) return error_set(ERR_MISSING, "%s: is not a file", path);
    in->size = (uint64_t)st.st_size;
    return 0;
}

void input_close(struct input *in) {
    if (in->path && in->fd >= 0) close(in->fd);
    free(in->path);
    *in = (struct input){.fd = -1};
}

int input_read(const struct input *in, uint64_t at, void *dst, size_t n) {
    char *p = dst;
    while (n) {
        ssize_t k = pread(in->fd, p, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return error_set(ERR_MISSING, "%s: %s", in->path, strerror(errno));
        if (k == 0) return error_set(ERR_DATA, "%s: became shorter while it was read", in->path);
        p += k;
        at += (uint64_t)k;
        n -= (size_t)k;
    }
    return 0;
}

uint64_t input_little(const uint8_t *p, int bytes) {
    uint64_t x = 0;
    for (int i = bytes - 1; i >= 0; i--) x = x << 8 | p[i];
    return x;
}
