#include "nn/recompute.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

struct call {
    recompute_block *block;
    char args[RECOMPUTE_ARGS];
    tensor *in[RECOMPUTE_INPUTS]; /* held, without history */
    bool needs[RECOMPUTE_INPUTS]; /* a gradient */
    size_t n;
    tensor *draws; /* the generator's state before the block; held, NULL: it draws nothing */
    int modes;
};

static void call_free(void *ctx) {
    struct call *c = ctx;
    for (size_t i = 0; i < c->n; i++) t_drop(c->in[i]);
    t_drop(c->draws);
    free(c);
}

/* in: the block's inputs, then the one that only makes the result need a gradient. */
static tensor *forward(void *ctx, tensor *const *in, size_t n) {
    struct call *c = ctx;
    for (size_t i = 0; i + 1 < n; i++) {
        c->needs[i] = t_requires_grad(in[i]);
        c->in[i] = t_hold(t_detach(in[i]));
        c->n++;
    }
    if (error_status()) return NULL;
    if (t_training()) c->draws = t_hold(t_draws());
    return c->block(c->args, c->in, c->n);
}

static void backward(void *ctx, tensor *grad, tensor **grad_in, size_t n) {
    struct call *c = ctx;
    (void)n;
    int scope = t_scope_open("again", T_GRAD | c->modes);
    tensor *leaf[RECOMPUTE_INPUTS], *now = c->draws ? t_draws() : NULL;
    for (size_t i = 0; i < c->n; i++) {
        /* A leaf's gradient takes its layout, and sums over it their order. */
        leaf[i] = t_contiguous(t_detach(c->in[i]));
        if (c->needs[i]) t_require_grad(leaf[i], true);
    }
    if (c->draws) t_set_draws(c->draws);
    tensor *y = error_status() ? NULL : c->block(c->args, leaf, c->n);
    if (c->draws) t_set_draws(now);
    if (y && t_requires_grad(y)) t_backward_from(y, grad);
    for (size_t i = 0; !error_status() && i < c->n; i++)
        if (c->needs[i]) grad_in[i] = t_keep(scope, t_grad(leaf[i]));
    t_scope_close(scope, NULL);
}

static const struct t_function AGAIN = {"block", forward, backward, call_free};

tensor *recompute(recompute_block *block, const void *args, size_t bytes, tensor *const *in,
                  size_t n, bool trains) {
    REQUIRE(n <= RECOMPUTE_INPUTS && bytes <= RECOMPUTE_ARGS, "%zu inputs, %zu bytes", n, bytes);
    bool needs = trains;
    for (size_t i = 0; i < n && !error_status(); i++) needs |= t_requires_grad(in[i]);
    if (!t_recomputes() || !t_grad_enabled() || !needs || error_status()) return block(args, in, n);
    struct call *c = mem_alloc(1, sizeof *c);
    *c = (struct call){.block = block, .modes = t_modes()};
    memcpy(c->args, args, bytes);
    int scope = t_scope_open("recompute", T_INHERIT);
    tensor *all[RECOMPUTE_INPUTS + 1] = {0};
    for (size_t i = 0; i < n; i++) all[i] = in[i];
    all[n] = t_zeros(SHAPE(0), T_F32);
    if (all[n]) t_require_grad(all[n], true);
    return t_scope_close(scope, t_apply(&AGAIN, c, all, n + 1));
}
