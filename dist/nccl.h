/* NCCL's C API, loaded at run time: no header and no library of NVIDIA's is needed to build. Types
 * and numbers are those of NCCL's documentation, "NCCL API"; they have not changed since 2.14.
 * The calls are made in dist/ alone. */
#pragma once

#include <stddef.h>

enum nccl_result {
    NCCL_SUCCESS = 0,
    NCCL_UNHANDLED_CUDA_ERROR = 1,
    NCCL_SYSTEM_ERROR = 2,
    NCCL_INTERNAL_ERROR = 3,
    NCCL_INVALID_ARGUMENT = 4,
    NCCL_INVALID_USAGE = 5,
    NCCL_REMOTE_ERROR = 6,
    NCCL_IN_PROGRESS = 7,
};
enum nccl_type { NCCL_UINT8 = 1, NCCL_FLOAT32 = 7 };
enum nccl_op { NCCL_SUM = 0 };
enum { NCCL_OLDEST = 21400 }; /* 2.14: communicators that do not block */

struct nccl_comm;
struct nccl_id {
    char bytes[128];
};
/* The first form of ncclConfig_t: `size` and `version` tell a newer library which one it is. */
struct nccl_config {
    size_t size;
    unsigned magic, version;
    int blocking;
};
#define NCCL_CONFIG ((struct nccl_config){sizeof(struct nccl_config), 0xcafebeef, NCCL_OLDEST, 0})

/* enum nccl_result as int; `stream` is a cudaStream_t, which is the driver's CUstream. */
struct nccl {
    int (*get_version)(int *version);
    int (*get_unique_id)(struct nccl_id *id);
    int (*init)(struct nccl_comm **comm, int size, struct nccl_id id, int rank,
                struct nccl_config *config);
    int (*all_reduce)(const void *from, void *to, size_t n, int type, int op,
                      struct nccl_comm *comm, void *stream);
    int (*all_gather)(const void *from, void *to, size_t n_of_each, int type,
                      struct nccl_comm *comm, void *stream);
    int (*broadcast)(const void *from, void *to, size_t n, int type, int root,
                     struct nccl_comm *comm, void *stream);
    int (*get_async_error)(struct nccl_comm *comm, int *error);
    int (*finalize)(struct nccl_comm *comm);
    int (*destroy)(struct nccl_comm *comm);
    int (*abort)(struct nccl_comm *comm);
    const char *(*get_error_string)(int error);
    const char *(*get_last_error)(struct nccl_comm *comm); /* comm NULL: of any */
    int version;                                           /* 22809: 2.28.9 */
};

/* NULL, or why there is no usable NCCL; the text is valid until the next call. *out: the functions
 * of libnccl.so.2, which stays in the process. */
const char *nccl_load(const struct nccl **out);

void nccl_version_text(int version, char out[24]); /* "2.28.9" */

/* Before nccl_load(): sums in an order that depends on the number of ranks and on nothing else. A
 * choice that the user's environment makes is kept. */
void nccl_fix_order(void);
