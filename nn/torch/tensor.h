/* Tensors: the C face of libtorch. Everything above this header is plain C.
 *
 * Ownership. Every tensor returned here belongs to the innermost open scope and dies when that
 * scope closes. t_scope_close() hands one result on to the enclosing scope (a tensor of an outer
 * scope stays where it is), t_keep() any further ones; t_hold() takes a tensor out of scopes for
 * good (parameters, optimizer state), until t_drop(). Nobody else frees tensors.
 *
 * Errors. Ops never return a status. A failing op records the error (base/error.h) and returns
 * NULL; while an error is pending every op is a no-op that returns NULL, so nothing is modified
 * after the first failure. Sizes then read 1 (safe to divide by and to loop over), items NaN.
 *
 * Threads. The scope stack and the error slot are per thread; one thread runs tensor programs.
 *
 * Shapes are written [B, L, C] in comments. A tensor argument may be NULL only where it says so.
 * The functions follow PyTorch's of the same name; no defaults and no logic live here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/precision.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tensor tensor;

enum t_dtype { T_F32, T_F64, T_BF16, T_F16, T_I64, T_I32, T_U8, T_BOOL };

struct shape {
    int n;
    int64_t d[8];
};
#define SHAPE(...)                                                                                 \
    ((struct shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define SCALAR ((struct shape){0, {0}})

/* Scopes: temporaries, modes and a name for error messages, all undone by t_scope_close(). The name
 * is not copied. */
enum t_mode {
    T_INHERIT = 0,
    T_NO_GRAD = 1,
    T_TRAIN = 2, /* dropout and batch statistics on; off in the outermost scope */
    T_EVAL = 4,
    T_GRAD = 64,       /* undoes T_NO_GRAD */
    T_RECOMPUTE = 128, /* what nn/recompute.h is given is computed again in the backward */
    T_MODEL = 8,       /* here products and convolutions are made in the precision of the scope */
    T_META = 16,       /* what is made has a shape and a type, and no values: for checks */
    T_UNDRAWN = 32,    /* t_randn, t_uniform: any values, undrawn; weights that are loaded next */
};
/* A mode, too: the precision of this scope and those in it, fp32 in the outermost. It counts in
 * T_MODEL scopes alone, so that losses and statistics, which are computed outside of them, stay
 * float32. In 16 bits the results of products are bf16 or fp16 tensors; models return float32. */
#define T_PRECISION(p) ((p) == PRECISION_RUN ? 0 : ((int)(p) + 1) << 8)
int t_scope_open(const char *name, int modes);
tensor *t_scope_close(int scope, tensor *result); /* result may be NULL; returns result */
tensor *t_keep(int scope, tensor *x);             /* as a further result of `scope`, still open */
tensor *t_hold(tensor *x);                        /* NULL stays NULL */
void t_drop(tensor *x);                           /* NULL is fine */
/* x, the next of a chain of blocks; the one before, which nobody reads again, is freed. One of an
 * outer scope, and NULL, stay what they are. `x = t_next(x, block(..., x))` */
tensor *t_next(tensor *before, tensor *x);
bool t_training(void);
bool t_grad_enabled(void);        /* what is computed now can be differentiated */
enum precision t_precision(void); /* of the innermost scope */
bool t_half_products(void); /* products are made in 16 bits here: a T_MODEL scope of bf16 or fp16 */
bool t_recomputes(void);    /* in a T_RECOMPUTE scope */
int t_modes(void);      /* training, model and precision: of a scope that is to go on elsewhere */
size_t t_live(void);    /* handles alive in this process; for leak tests */
void t_fail_at(long n); /* the n-th op from now fails, 0: none; for tests of error paths */

/* The library.
 *
 * A process works on one device, the CPU unless t_cuda_start() has been told otherwise before the
 * first tensor: tensors are made there, t_from_data() copies to it, t_item() and t_copy_out() from
 * it, and nothing else moves. Random weights are drawn on the host: the same on every device. */
enum t_device { T_CPU, T_CUDA };
enum t_device t_device(void);
/* Loads libtorch's half for NVIDIA GPUs and makes GPU `index` the device, or the only one that this
 * process sees; -1: the CPU after all, before anything was computed. "", or why there is no usable
 * GPU; the process then works on the CPU. The text is valid until the next call. */
const char *t_cuda_start(int index);
/* Only kernels that give the same bits each time; an op that has none is an error. Those of CPUs
 * do so anyway. Before the first product on a GPU. */
void t_deterministic(bool on);
bool t_is_deterministic(void);
const char *t_device_name(void); /* "CPU", "NVIDIA H200" */
void t_set_threads(int n);
int t_threads(void);
void t_seed(uint64_t seed); /* of dropout and of the random constructors */
tensor *t_draws(void);      /* the state of that generator; on the host */
void t_set_draws(tensor *state);
const char *t_version(void); /* "2.11.0" */

/* Making tensors. */
tensor *t_empty(struct shape s, enum t_dtype dtype);
tensor *t_zeros(struct shape s, enum t_dtype dtype);
tensor *t_ones(struct shape s, enum t_dtype dtype);
tensor *t_full(struct shape s, double value, enum t_dtype dtype);
tensor *t_arange(int64_t n, enum t_dtype dtype);                           /* [n]: 0, 1, ... */
tensor *t_randn(struct shape s, double std);                               /* f32, mean 0 */
tensor *t_uniform(struct shape s, double lo, double hi);                   /* f32 */
tensor *t_from_data(const void *data, struct shape s, enum t_dtype dtype); /* copies */
/* The elements at `data`, on the CPU; when the last tensor of them is gone, let_go(ctx) is called,
 * by whichever thread. NULL, by an error: it is not. */
tensor *t_over(void *data, struct shape s, enum t_dtype dtype, void (*let_go)(void *), void *ctx);
tensor *t_zeros_like(tensor *x);
tensor *t_clone(tensor *x);
tensor *t_detach(tensor *x); /* shares memory, no gradient flows */
tensor *t_cast(tensor *x, enum t_dtype dtype);
tensor *t_contiguous(tensor *x);
tensor *t_channels_last(tensor *x); /* [N, C, H, W], the same values in NHWC order in memory */

/* Looking at tensors. */
int t_dim(tensor *x);
int64_t t_size(tensor *x, int dim); /* dim may be negative */
int64_t t_numel(tensor *x);
struct shape t_shape(tensor *x); /* SCALAR while an error is pending */
enum t_dtype t_dtype(tensor *x);
double t_item(tensor *x); /* one element */
/* Copies all elements to the host in row-major order. `bytes` must be their exact size. 0, or the
 * pending error: host code inside a tensor program reads by this function and stops when it fails.
 */
int t_copy_out(tensor *x, void *dst, size_t bytes);
/* The elements where they lie, in the order of memory, without a gap; NULL while an error is
 * pending and when there are gaps (which is an error, too). What moves whole tensors between
 * processes. */
void *t_data(tensor *x);
/* t_numel(like) elements of flat: [n], from `at` on, in the shape and the order of memory of
 * `like`; shares their memory. */
tensor *t_part_like(tensor *flat, int64_t at, tensor *like);

/* Element by element; shapes broadcast. */
tensor *t_add(tensor *a, tensor *b);
tensor *t_sub(tensor *a, tensor *b);
tensor *t_mul(tensor *a, tensor *b);
tensor *t_div(tensor *a, tensor *b);
tensor *t_scale(tensor *x, double s);
tensor *t_shift(tensor *x, double s); /* x + s */
tensor *t_pow(tensor *x, double e);
tensor *t_neg(tensor *x);
tensor *t_exp(tensor *x);
tensor *t_log(tensor *x);
tensor *t_sqrt(tensor *x);
tensor *t_rsqrt(tensor *x);
tensor *t_abs(tensor *x);
tensor *t_sin(tensor *x);
tensor *t_cos(tensor *x);
tensor *t_relu(tensor *x);
tensor *t_gelu(tensor *x); /* exact, with erf */
tensor *t_sigmoid(tensor *x);
tensor *t_silu(tensor *x); /* x sigmoid(x), one pass forward and one back */
tensor *t_log_sigmoid(tensor *x);
tensor *t_softplus(tensor *x);
tensor *t_clamp(tensor *x, double lo, double hi);
tensor *t_maximum(tensor *a, tensor *b);
tensor *t_gt(tensor *x, double s);  /* bool */
tensor *t_lt(tensor *x, double s);  /* bool */
tensor *t_eq(tensor *a, tensor *b); /* bool */
tensor *t_where(tensor *cond, tensor *a, tensor *b);
tensor *t_isfinite_all(tensor *x);      /* [] bool */
tensor *t_dropout(tensor *x, double p); /* active in T_TRAIN scopes */

/* Reductions. `keep` leaves the axis in place with size 1. */
tensor *t_sum(tensor *x);  /* -> [] */
tensor *t_mean(tensor *x); /* -> [] */
tensor *t_sum_dim(tensor *x, int dim, bool keep);
tensor *t_mean_dim(tensor *x, int dim, bool keep);
tensor *t_amax(tensor *x, int dim, bool keep);
tensor *t_argmax(tensor *x, int dim); /* i64 */
tensor *t_logsumexp(tensor *x, int dim, bool keep);
tensor *t_softmax(tensor *x, int dim);
tensor *t_log_softmax(tensor *x, int dim);
tensor *t_norm(tensor *x, int dim, bool keep); /* L2 */
tensor *t_dot(tensor *a, tensor *b);           /* [n], [n] -> [] */

/* Shapes. */
tensor *t_reshape(tensor *x, struct shape s); /* one size may be -1 */
tensor *t_permute(tensor *x, struct shape order);
tensor *t_transpose(tensor *x, int a, int b);
tensor *t_expand(tensor *x, struct shape s); /* -1 keeps a size */
tensor *t_unsqueeze(tensor *x, int dim);
tensor *t_squeeze(tensor *x, int dim);
tensor *t_select(tensor *x, int dim, int64_t i);
tensor *t_narrow(tensor *x, int dim, int64_t start, int64_t length);
tensor *t_cat(tensor *const *x, size_t n, int dim);
tensor *t_stack(tensor *const *x, size_t n, int dim);
tensor *t_flip(tensor *x, int dim);
tensor *t_roll(tensor *x, int64_t shift, int dim);
tensor *t_pad(tensor *x, struct shape last_first, double value); /* {left, right, top, bottom} */
tensor *t_tril(tensor *x, int64_t diagonal);
tensor *t_triu(tensor *x, int64_t diagonal);
tensor *t_index_select(tensor *x, int dim, tensor *index); /* index: [n] i64 */
tensor *t_gather(tensor *x, int dim, tensor *index);

/* Layers, without parameters of their own. */
tensor *t_matmul(tensor *a, tensor *b);
tensor *t_linear(tensor *x, tensor *weight, tensor *bias); /* weight [out, in]; bias may be NULL */
tensor *t_embedding(tensor *weight, tensor *ids);          /* [n, C], [...] i64 -> [..., C] */
tensor *t_layer_norm(tensor *x, tensor *weight, tensor *bias, double eps); /* last axis */
tensor *t_group_norm(tensor *x, int64_t groups, tensor *weight, tensor *bias, double eps);
tensor *t_batch_norm(tensor *x, tensor *weight, tensor *bias, tensor *mean, tensor *var,
                     double momentum, double eps); /* updates mean, var in T_TRAIN scopes */
/* softmax(q k^T scale + mask) v without the [L, L] table; [B, H, L, D]. mask may be NULL (additive,
 * broadcast); causal: no look ahead. */
tensor *t_attention(tensor *q, tensor *k, tensor *v, tensor *mask, bool causal, double scale);

struct conv {
    int64_t stride, padding, dilation, groups;
};
tensor *t_conv2d(tensor *x, tensor *weight, tensor *bias, struct conv c); /* bias may be NULL */
tensor *t_max_pool2d(tensor *x, int64_t kernel, int64_t stride, int64_t padding);
tensor *t_avg_pool2d(tensor *x, int64_t kernel, int64_t stride);

/* Resizing [N, C, H, W] to [N, C, h, w]. align_corners is false; bicubic has a = -0.75; none of
 * them smooths when shrinking. */
tensor *t_resize_nearest(tensor *x, int64_t h, int64_t w);
tensor *t_resize_bilinear(tensor *x, int64_t h, int64_t w);
tensor *t_resize_bicubic(tensor *x, int64_t h, int64_t w);

/* Losses. */
enum t_reduce { T_EACH, T_MEAN, T_SUM }; /* T_MEAN divides by the sum of the weights used */
tensor *t_cross_entropy(tensor *logits, tensor *target, tensor *weight, enum t_reduce r,
                        int64_t ignore);              /* [N, K], [N] i64; weight [K] or NULL */
tensor *t_bce_logits(tensor *logits, tensor *target); /* each element, no reduction */

/* In place, outside autograd. */
void t_zero_(tensor *x);
void t_fill_(tensor *x, double value);
void t_copy_(tensor *x, tensor *from); /* converts the type, broadcasts the shape */
void t_scale_(tensor *x, double s);
void t_add_(tensor *x, tensor *y, double s); /* x += s y */
void t_clamp_(tensor *x, double lo, double hi);

/* Many tensors at once, outside autograd. */
tensor *t_total_norm(tensor *const *x, size_t n);         /* L2 over all elements of all, -> [] */
void t_scale_all_(tensor *const *x, size_t n, tensor *s); /* each times s: [] */
struct adamw_args {
    double lr, beta1, beta2, eps, weight_decay; /* decoupled */
};
/* One AdamW update in one pass over memory; steps[i]: [] f32, counted up here. */
void t_adamw_(tensor *const *x, tensor *const *grad, tensor *const *m, tensor *const *v,
              tensor *const *steps, size_t n, struct adamw_args a);

/* Autograd (nn/torch/autograd.cpp). */
void t_require_grad(tensor *x, bool on);
bool t_requires_grad(tensor *x);
void t_backward(tensor *loss);                 /* loss: []; accumulates into .grad */
void t_backward_from(tensor *y, tensor *grad); /* grad: the gradient of y, same shape */
tensor *t_grad(tensor *x);                     /* NULL when x has no gradient yet */
void t_clear_grad(tensor *x);
void t_set_grad(tensor *x, tensor *grad); /* of the shape and type of x; shares its memory */
/* Calls f(ctx, i) whenever backward has added to the gradient of x, a leaf, from now on. `f` runs
 * in the thread that runs backward, between two ops; an error in it surfaces in t_backward. f NULL:
 * no longer. */
void t_on_grad(tensor *x, void (*f)(void *ctx, size_t i), void *ctx, size_t i);

/* A function whose gradient is written by hand.
 *
 * `forward` runs with autograd off and returns the result (of its own scope). `backward` gets the
 * gradient of the result and sets grad_in[i] for the inputs that need one (NULL: no gradient).
 * Each runs in a root scope of its own, which keeps what it returns; an error recorded inside
 * surfaces in the caller of t_apply or t_backward. `release` (may be NULL) frees ctx when the graph
 * dies; ctx must live until then. */
struct t_function {
    const char *name;
    tensor *(*forward)(void *ctx, tensor *const *in, size_t n);
    void (*backward)(void *ctx, tensor *grad, tensor **grad_in, size_t n);
    void (*release)(void *ctx);
};
tensor *t_apply(const struct t_function *f, void *ctx, tensor *const *in, size_t n);

#ifdef __cplusplus
}
#endif
