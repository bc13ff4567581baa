#include "optim/groups.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "base/error.h"

static const struct group_rule *rule_of(const char *name, const struct group_rule *rules,
                                        size_t n) {
    for (size_t i = 0; i < n; i++)
        if (fnmatch(rules[i].pattern, name, 0) == 0) return &rules[i];
    return NULL;
}

static struct group *group_of(struct groups *g, const struct group_rule *r) {
    for (size_t i = 0; i < g->n; i++)
        if (g->at[i].lr == r->lr && g->at[i].weight_decay == r->weight_decay) return &g->at[i];
    struct group *q = &g->at[g->n++];
    *q = (struct group){.lr = r->lr,
                        .weight_decay = r->weight_decay,
                        .members = mem_alloc(g->params->n, sizeof *q->members)};
    return q;
}

int groups_open(struct groups *g, struct params *p, const struct group_rule *rules, size_t n) {
    *g = (struct groups){.params = p, .at = mem_alloc(n, sizeof *g->at)};
    struct str lost = {0};
    for (size_t i = 0; i < p->n; i++) {
        struct param *q = &p->at[i];
        if (q->buffer) continue;
        const struct group_rule *r = rule_of(q->name, rules, n);
        if (!r) {
            str_add(&lost, "\n  %s", q->name);
            continue;
        }
        if (r->lr == 0) params_freeze_one(q);
        if (!q->trainable) continue; /* by the rule, or by the model itself: freeze_at */
        struct group *to = group_of(g, r);
        to->members[to->n++] = i;
        to->elements += t_numel(q->t);
    }
    if (lost.n) error_set(ERR_CONFIG, "no rule of the parameter groups matches:%s", lost.at);
    str_free(&lost);
    return error_status();
}

void groups_free(struct groups *g) {
    for (size_t i = 0; i < g->n; i++) free(g->at[i].members);
    free(g->at);
    *g = (struct groups){0};
}

void groups_print(const struct groups *g, struct str *out) {
    int64_t trained = 0;
    for (size_t i = 0; i < g->n; i++) {
        const struct group *q = &g->at[i];
        str_add(out, "%s%zu tensors, %lld numbers, rate x%g, decay %g", i ? "; " : "", q->n,
                (long long)q->elements, q->lr, q->weight_decay);
        trained += q->elements;
    }
    str_add(out, "%s%lld numbers frozen", g->n ? "; " : "",
            (long long)(params_count(g->params, false) - trained));
}
