#include "dist/nccl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static struct nccl functions;
static char why[UTF8_SHORT_MAX + 100];

static const struct {
    const char *name;
    size_t at; /* in struct nccl */
} names[] = {
    {"ncclGetVersion", offsetof(struct nccl, get_version)},
    {"ncclGetUniqueId", offsetof(struct nccl, get_unique_id)},
    {"ncclCommInitRankConfig", offsetof(struct nccl, init)},
    {"ncclAllReduce", offsetof(struct nccl, all_reduce)},
    {"ncclAllGather", offsetof(struct nccl, all_gather)},
    {"ncclBroadcast", offsetof(struct nccl, broadcast)},
    {"ncclCommGetAsyncError", offsetof(struct nccl, get_async_error)},
    {"ncclCommFinalize", offsetof(struct nccl, finalize)},
    {"ncclCommDestroy", offsetof(struct nccl, destroy)},
    {"ncclCommAbort", offsetof(struct nccl, abort)},
    {"ncclGetErrorString", offsetof(struct nccl, get_error_string)},
    {"ncclGetLastError", offsetof(struct nccl, get_last_error)},
};

/* Up to 2.8 versions were counted in hundreds. */
void nccl_version_text(int version, char out[24]) {
    int unit = version < 10000 ? 1000 : 10000;
    snprintf(out, 24, "%d.%d.%d", version / unit, version % unit / 100, version % 100);
}

static const char *too_old(int version) {
    char is[24], oldest[24];
    nccl_version_text(version, is);
    nccl_version_text(NCCL_OLDEST, oldest);
    snprintf(why, sizeof why, "libnccl.so.2 is NCCL %s, and %s or newer is needed", is, oldest);
    return why;
}

/* dlsym() gives an object's pointer, which ISO C does not let us cast to a function's. */
static const char *find_functions(void *library) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *f = dlsym(library, names[i].name);
        memcpy((char *)&functions + names[i].at, &f, sizeof f);
        if (i == 0 && f && !functions.get_version(&functions.version) &&
            functions.version < NCCL_OLDEST)
            return too_old(functions.version);
        if (!f) {
            snprintf(why, sizeof why, "libnccl.so.2 has no %s: it is older than 2.14, or no NCCL",
                     names[i].name);
            return why;
        }
    }
    return NULL;
}

const char *nccl_load(const struct nccl **out) {
    *out = &functions;
    if (functions.get_last_error) return NULL; /* the last of them */
    void *library =
        dlopen("libnccl.so.2", RTLD_NOW | RTLD_GLOBAL); /* libtorch's, when that is in */
    if (!library) {
        const char *e = dlerror();
        snprintf(why, sizeof why, "%s; `scripts/setup --cuda` installs it",
                 utf8_short(e ? e : "libnccl.so.2", 400).at);
        return why;
    }
    const char *wrong = find_functions(library);
    if (wrong) {
        functions = (struct nccl){0};
        dlclose(library);
    }
    return wrong;
}

void nccl_fix_order(void) {
    setenv("NCCL_ALGO", "Ring", 0);
    setenv("NCCL_PROTO", "Simple", 0);
}
