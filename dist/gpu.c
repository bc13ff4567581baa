#include "dist/gpu.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The driver API's names and numbers (CUDA Driver API, "Stream Management", "Event Management"). */
enum { CUDA_ERROR_NOT_READY = 600, STREAM_NON_BLOCKING = 1, EVENT_DISABLE_TIMING = 2 };

static struct driver {
    int (*get_context)(void **context);
    int (*set_context)(void *context);
    int (*create_stream)(void **stream, unsigned flags);
    int (*destroy_stream)(void *stream);
    int (*query_stream)(void *stream);
    int (*create_event)(void **event, unsigned flags);
    int (*destroy_event)(void *event);
    int (*record_event)(void *event, void *stream);
    int (*wait_event)(void *stream, void *event, unsigned flags);
    int (*get_error_string)(int error, const char **text);
} driver;

static const struct {
    const char *name;
    size_t at;
} names[] = {
    {"cuCtxGetCurrent", offsetof(struct driver, get_context)},
    {"cuCtxSetCurrent", offsetof(struct driver, set_context)},
    {"cuStreamCreate", offsetof(struct driver, create_stream)},
    {"cuStreamDestroy_v2", offsetof(struct driver, destroy_stream)},
    {"cuStreamQuery", offsetof(struct driver, query_stream)},
    {"cuEventCreate", offsetof(struct driver, create_event)},
    {"cuEventDestroy_v2", offsetof(struct driver, destroy_event)},
    {"cuEventRecord", offsetof(struct driver, record_event)},
    {"cuStreamWaitEvent", offsetof(struct driver, wait_event)},
    {"cuGetErrorString", offsetof(struct driver, get_error_string)},
};

struct gpu {
    void *context, *stream;
};

static const char *said(int error) {
    const char *text = NULL;
    if (!error) return NULL;
    return driver.get_error_string(error, &text) || !text ? "an error of the NVIDIA driver" : text;
}

static const char *load(void) {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL); /* libtorch's */
    if (!library) return "there is no NVIDIA driver (libcuda.so.1)";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *f = dlsym(library, names[i].name);
        if (!f) return "libcuda.so.1 is no NVIDIA driver that we know";
        memcpy((char *)&driver + names[i].at, &f, sizeof f);
    }
    return NULL;
}

const char *gpu_open(struct gpu **g) {
    *g = NULL;
    const char *wrong = load();
    if (wrong) return wrong;
    void *context = NULL, *stream = NULL;
    wrong = said(driver.get_context(&context)); /* libtorch has made it */
    if (!wrong && !context) wrong = "this thread works on no GPU";
    if (!wrong) wrong = said(driver.create_stream(&stream, STREAM_NON_BLOCKING));
    if (wrong) return wrong;
    *g = mem_alloc(1, sizeof **g);
    **g = (struct gpu){context, stream};
    return NULL;
}

void gpu_close(struct gpu *g) {
    if (!g) return;
    driver.destroy_stream(g->stream);
    free(g);
}

const char *gpu_use(struct gpu *g) { return g ? said(driver.set_context(g->context)) : NULL; }

void *gpu_stream(struct gpu *g) { return g ? g->stream : NULL; }

/* libtorch works on the default stream, NULL. */
const char *gpu_mark(struct gpu *g, void **mark) {
    *mark = NULL;
    if (!g) return NULL;
    const char *wrong = gpu_use(g); /* backward runs in threads of libtorch's */
    if (!wrong) wrong = said(driver.create_event(mark, EVENT_DISABLE_TIMING));
    return wrong ? wrong : said(driver.record_event(*mark, NULL));
}

const char *gpu_wait(struct gpu *g, void *mark) {
    if (!g || !mark) return NULL;
    const char *wrong = said(driver.wait_event(g->stream, mark, 0));
    driver.destroy_event(mark); /* which the driver does when it is reached */
    return wrong;
}

const char *gpu_idle(struct gpu *g, bool *idle) {
    int e = g ? driver.query_stream(g->stream) : 0;
    *idle = e == 0;
    return e == CUDA_ERROR_NOT_READY ? NULL : said(e);
}
