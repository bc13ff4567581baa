/* A stream of a GPU, and marks in the work of streams: a few functions of NVIDIA's driver, loaded
 * at run time. With the CPU as device there is no stream, and all of this does nothing.
 *
 * Private to dist/. `const char *` results: NULL, or what the driver says is wrong. */
#pragma once

#include <stdbool.h>

struct gpu;

/* A stream of its own on the GPU that this thread works on. */
const char *gpu_open(struct gpu **g);
void gpu_close(struct gpu *g);

const char *gpu_use(struct gpu *g); /* the calling thread works on this GPU */
void *gpu_stream(struct gpu *g);    /* CUstream; NULL for NULL */

/* Marks what the calling thread has asked the GPU for so far, on the stream that libtorch uses. */
const char *gpu_mark(struct gpu *g, void **mark);
/* The stream waits until the GPU has come to the mark, which is then gone. The caller does not. */
const char *gpu_wait(struct gpu *g, void *mark);
/* Whether the stream has done all that it was asked for. */
const char *gpu_idle(struct gpu *g, bool *idle);
