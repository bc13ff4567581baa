#include "nn/params.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static tensor *add(struct path path, const char *name, tensor *value, bool buffer) {
    struct params *p = path.params;
    char full[256];
    int len = snprintf(full, sizeof full, "%s%s%s", path.prefix, *path.prefix ? "." : "", name);
    REQUIRE(len < (int)sizeof full, "parameter name too long: %s.%s", path.prefix, name);
    REQUIRE(!params_find(p, full), "two parameters are named %s", full);
    p->at = mem_grow(p->at, &p->cap, p->n + 1, sizeof *p->at);
    if (!buffer) t_require_grad(value, true);
    p->at[p->n++] = (struct param){mem_strdup(full), t_hold(value), buffer, !buffer};
    return value;
}

tensor *path_param(struct path p, const char *name, tensor *v) { return add(p, name, v, false); }
tensor *path_buffer(struct path p, const char *name, tensor *v) { return add(p, name, v, true); }

void params_free(struct params *p) {
    for (size_t i = 0; i < p->n; i++) {
        free(p->at[i].name);
        t_drop(p->at[i].t);
    }
    free(p->at);
    *p = (struct params){0};
}

struct path params_root(struct params *p) {
    return (struct path){.params = p};
}

struct path path_at(struct path p, const char *fmt, ...) {
    char part[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(part, sizeof part, fmt, ap);
    va_end(ap);
    struct path q = {.params = p.params};
    int len = snprintf(q.prefix, sizeof q.prefix, "%s%s%s", p.prefix, *p.prefix ? "." : "", part);
    REQUIRE(len < (int)sizeof q.prefix, "parameter path too long: %s.%s", p.prefix, part);
    return q;
}

struct param *params_find(const struct params *p, const char *name) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].name, name) == 0) return &p->at[i];
    return NULL;
}

void params_freeze_one(struct param *p) {
    p->trainable = false;
    t_require_grad(p->t, false);
}

size_t params_freeze(struct params *p, const char *pattern, bool on) {
    size_t hits = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct param *q = &p->at[i];
        if (q->buffer || fnmatch(pattern, q->name, 0) != 0) continue;
        q->trainable = !on;
        t_require_grad(q->t, !on);
        hits++;
    }
    return hits;
}

int64_t params_count(const struct params *p, bool trainable_only) {
    int64_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        if (!p->at[i].buffer && (p->at[i].trainable || !trainable_only)) n += t_numel(p->at[i].t);
    return n;
}

void params_clear_grads(struct params *p) {
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].trainable) t_clear_grad(p->at[i].t);
}
