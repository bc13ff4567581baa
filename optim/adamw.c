#include "optim/adamw.h"

#include <math.h>
#include <stdlib.h>

void adamw_open(struct adamw *o, struct groups groups, struct adamw_options opt) {
    *o = (struct adamw){.opt = opt, .groups = groups};
    struct path root = params_root(&o->state);
    struct path m = path_at(root, "exp_avg"), v = path_at(root, "exp_avg_sq");
    struct path step = path_at(root, "step");
    int scope = t_scope_open("adamw", T_NO_GRAD);
    for (size_t i = 0; i < groups.n; i++)
        for (size_t k = 0; k < groups.at[i].n; k++) {
            const struct param *p = &groups.params->at[groups.at[i].members[k]];
            path_buffer(m, p->name, t_zeros_like(p->t));
            path_buffer(v, p->name, t_zeros_like(p->t));
            path_buffer(step, p->name, t_zeros(SCALAR, T_F32));
        }
    t_scope_close(scope, NULL);
}

void adamw_free(struct adamw *o) {
    groups_free(&o->groups);
    params_free(&o->state);
    *o = (struct adamw){0};
}

/* The columns of one group that have a gradient. */
struct columns {
    tensor **x, **grad, **m, **v, **step;
    size_t n;
};

static void columns_open(struct columns *c, size_t cap) {
    tensor **block = mem_alloc(5 * cap, sizeof(tensor *));
    *c = (struct columns){block, block + cap, block + 2 * cap, block + 3 * cap, block + 4 * cap, 0};
}

static void columns_free(struct columns *c) { free(c->x); }

/* `first`: index of the group's first parameter in the state, which holds three tensors for each.
 */
static void columns_fill(struct columns *c, const struct adamw *o, const struct group *g,
                         size_t first) {
    c->n = 0;
    for (size_t k = 0; k < g->n; k++) {
        tensor *x = o->groups.params->at[g->members[k]].t, *grad = t_grad(x);
        if (!grad) continue;
        const struct param *state = &o->state.at[3 * (first + k)];
        size_t i = c->n++;
        c->x[i] = x, c->grad[i] = grad;
        c->m[i] = state[0].t, c->v[i] = state[1].t, c->step[i] = state[2].t;
    }
}

/* Room for all gradients, which are filled in: `n` of them. */
static tensor **all_grads(const struct adamw *o, size_t *n) {
    tensor **grad = mem_alloc(o->groups.params->n, sizeof(tensor *));
    *n = 0;
    for (size_t i = 0; i < o->groups.n; i++)
        for (size_t k = 0; k < o->groups.at[i].n; k++) {
            tensor *g = t_grad(o->groups.params->at[o->groups.at[i].members[k]].t);
            if (g) grad[(*n)++] = g;
        }
    return grad;
}

tensor *adamw_clip(struct adamw *o, double limit) {
    int scope = t_scope_open("clip", T_NO_GRAD);
    size_t n;
    tensor **grad = all_grads(o, &n);
    tensor *norm = n ? t_total_norm(grad, n) : t_zeros(SCALAR, T_F32); /* [] */
    if (n && limit > 0) {
        tensor *s = t_scale(t_pow(t_shift(norm, 1e-6), -1), limit);
        t_scale_all_(grad, n, t_clamp(s, 0, 1));
    }
    free(grad);
    return t_scope_close(scope, norm);
}

void adamw_scale_grads(struct adamw *o, double s) {
    int scope = t_scope_open("scale", T_NO_GRAD);
    size_t n;
    tensor **grad = all_grads(o, &n);
    if (n) t_scale_all_(grad, n, t_full(SCALAR, s, T_F32));
    free(grad);
    t_scope_close(scope, NULL);
}

void adamw_step(struct adamw *o, double lr) {
    int scope = t_scope_open("adamw", T_NO_GRAD);
    struct columns c;
    columns_open(&c, o->groups.params->n);
    for (size_t i = 0, first = 0; i < o->groups.n; first += o->groups.at[i++].n) {
        const struct group *g = &o->groups.at[i];
        columns_fill(&c, o, g, first);
        if (!c.n) continue;
        t_adamw_(c.x, c.grad, c.m, c.v, c.step, c.n,
                 (struct adamw_args){lr * g->lr, o->opt.beta1, o->opt.beta2, o->opt.eps,
                                     g->weight_decay});
    }
    columns_free(&c);
    t_scope_close(scope, NULL);
}
