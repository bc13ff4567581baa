#include "train/sweep/sweep_trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"
#include "configs/config.h"

/* A factor of the product: the rows of the list, or the values of an axis. */
static size_t choices(const struct sweep_file *f, size_t factor) {
    if (factor == 0) return f->n_rows ? f->n_rows : 1;
    const struct sweep_axis *a = &f->axis[factor - 1];
    return a->range ? 1 : a->values.n;
}

static void put(struct overrides *to, const struct override *o) {
    to->at = mem_grow(to->at, &to->cap, to->n + 1, sizeof *to->at);
    override_copy(&to->at[to->n++], o);
}

static void label(struct str *to, const char *key, const char *value) {
    str_add(to, "%s%s=%s", to->n ? " " : "", key, value);
}

static char *whole_key(const struct override *o) {
    return mem_format("%s%s%s", o->scope ? o->scope : "", o->scope ? ":" : "", o->key);
}

static bool is_whole(const char *key) {
    const struct setting_group *g;
    const char *colon = strchr(key, ':');
    const struct setting *s = settings_row(config_known(), colon ? colon + 1 : key, &g);
    return s && s->type == SET_INT;
}

static struct override draw(const struct sweep_file *f, const struct sweep_axis *a, struct rng *r) {
    struct override o;
    char number[32];
    double x =
        a->logarithmic ? exp(rng_range(r, log(a->lo), log(a->hi))) : rng_range(r, a->lo, a->hi);
    json_number(number, is_whole(a->key) ? round(x) : x);
    char *text = mem_format("%s=%s", a->key, number);
    if (override_parse(text, NULL, &o)) error_clear(); /* the key is told of with the graphs */
    free(text);
    o.file = mem_strdup(f->path);
    o.mark = a->mark;
    return o;
}

/* The combination in which factor k has its value pick[k]. */
static void combine(struct sweep_settings *s, const struct sweep_file *f, const size_t *pick,
                    struct rng *r) {
    s->at = mem_grow(s->at, &s->cap, s->n + 1, sizeof *s->at);
    struct sweep_setting *c = &s->at[s->n++];
    struct str text = {0};
    const struct sweep_row *row = f->n_rows ? &f->row[pick[0]] : NULL;
    *c = (struct sweep_setting){.paper = row ? row->paper : NAN};
    if (row && row->name) str_add(&text, "%s", row->name);
    for (size_t i = 0; i < f->n_axes; i++) {
        const struct sweep_axis *a = &f->axis[i];
        struct override drawn = {0};
        if (a->range) drawn = draw(f, a, r);
        const struct override *o = a->range ? &drawn : &a->values.at[pick[i + 1]];
        put(&c->set, o);
        if (!a->constant) string_map_put(&c->columns, a->key, o->value);
        if (!a->constant) label(&text, a->key, o->value);
        override_free(&drawn);
    }
    for (size_t i = 0; row && i < row->set.n; i++) {
        char *key = whole_key(&row->set.at[i]);
        put(&c->set, &row->set.at[i]);
        string_map_put(&c->columns, key, row->set.at[i].value);
        if (!row->name) label(&text, key, row->set.at[i].value);
        free(key);
    }
    c->label = text.at ? text.at : mem_strdup("as it is");
}

/* The last factor runs fastest; false when all have been. */
static bool next(const struct sweep_file *f, size_t *pick) {
    for (size_t k = f->n_axes + 1; k-- > 0;) {
        if (++pick[k] < choices(f, k)) return true;
        pick[k] = 0;
    }
    return false;
}

static bool same(const struct sweep_setting *a, const struct sweep_setting *b) {
    for (size_t i = 0; i < a->set.n; i++)
        if (strcmp(a->set.at[i].value, b->set.at[i].value) != 0) return false;
    return true;
}

/* Drawn without repetition. */
static int draw_all(struct sweep_settings *s, const struct sweep_file *f, size_t *pick) {
    struct rng r = rng_stream((uint64_t)f->opt.random_seed, "sweep", 0);
    for (int64_t tries = 0; s->n < (size_t)f->opt.trials; tries++) {
        if (tries > 100 * f->opt.trials + 1000)
            return error_set(ERR_CONFIG,
                             "%s: trials: %lld different ones were not found in %lld "
                             "draws: fewer, or wider ranges",
                             f->path, (long long)f->opt.trials, (long long)tries);
        for (size_t k = 0; k <= f->n_axes; k++)
            pick[k] = (size_t)rng_below(&r, (int64_t)choices(f, k));
        combine(s, f, pick, &r);
        bool again = false;
        for (size_t i = 0; !again && i + 1 < s->n; i++) again = same(&s->at[i], &s->at[s->n - 1]);
        if (!again) continue;
        struct sweep_settings last = {&s->at[s->n - 1], 1, 0};
        free(last.at->label);
        overrides_free(&last.at->set);
        string_map_free(&last.at->columns);
        s->n--;
    }
    return 0;
}

/* How many combinations there are; 0: more than a sweep may have. */
static size_t count(const struct sweep_file *f, bool *endless) {
    size_t n = 1;
    *endless = false;
    for (size_t k = 0; k <= f->n_axes; k++) {
        *endless |= k && f->axis[k - 1].range;
        if (!size_mul(n, choices(f, k), &n)) return 0;
    }
    return n;
}

int sweep_settings_of(struct sweep_settings *s, const struct sweep_file *f) {
    *s = (struct sweep_settings){0};
    bool endless, random = f->opt.method == SWEEP_RANDOM;
    size_t n = count(f, &endless), most = SWEEP_MAX_TRIALS / f->opt.seeds.n;
    size_t wanted = random ? (size_t)f->opt.trials : n;
    if (!wanted || wanted > most)
        return error_set(ERR_CONFIG, "%s: more than %d trials", f->path, SWEEP_MAX_TRIALS);
    if (random && n && !endless && wanted > n)
        return error_set(ERR_CONFIG, "%s: trials: %zu, but there are only %zu combinations",
                         f->path, wanted, n);
    size_t *pick = mem_alloc(f->n_axes + 1, sizeof *pick);
    int status = 0;
    if (random)
        status = draw_all(s, f, pick);
    else
        do combine(s, f, pick, NULL);
        while (next(f, pick));
    free(pick);
    return status;
}

void sweep_settings_free(struct sweep_settings *s) {
    for (size_t i = 0; i < s->n; i++) {
        free(s->at[i].label);
        overrides_free(&s->at[i].set);
        string_map_free(&s->at[i].columns);
    }
    free(s->at);
    *s = (struct sweep_settings){0};
}
