#include "train/sweep/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "train/sweep/sweep_join.h"

/* Whether both are of one setting of one scope. */
static bool same_key(const struct override *a, const struct override *b) {
    const char *x = a->scope ? a->scope : "", *y = b->scope ? b->scope : "";
    return strcmp(x, y) == 0 && strcmp(a->key, b->key) == 0;
}

static bool is_tried(const struct sweep *s, const struct override *o) {
    if (strcmp(o->key, "seed") == 0 && (!o->scope || strcmp(o->scope, "*") == 0)) return true;
    for (size_t i = 0; i < s->settings.n; i++)
        for (size_t k = 0; k < s->settings.at[i].set.n; k++)
            if (same_key(o, &s->settings.at[i].set.at[k])) return true;
    return false;
}

bool sweep_tries(const struct sweep *s, const char *key) {
    for (size_t i = 0; i < s->settings.n; i++)
        for (size_t k = 0; k < s->settings.at[i].set.n; k++)
            if (strcmp(s->settings.at[i].set.at[k].key, key) == 0) return true;
    return false;
}

static int check_given(const struct sweep *s) {
    struct problems p = {0};
    for (size_t i = 0; i < s->given.n; i++) {
        const struct override *o = &s->given.at[i];
        if (is_tried(s, o))
            problems_add(&p, "command line: %s%s%s: %s sets it for each trial%s",
                         o->scope ? o->scope : "", o->scope ? ":" : "", o->key, s->file.path,
                         strcmp(o->key, "seed") == 0 ? " (--seeds)" : "");
    }
    return problems_close(&p, ERR_CONFIG);
}

static void take_seeds(struct ints *to, const struct ints *seeds) {
    if (!seeds || !seeds->n) return;
    free(to->at);
    to->at = mem_alloc(seeds->n, sizeof *to->at);
    to->n = seeds->n;
    memcpy(to->at, seeds->at, seeds->n * sizeof *to->at);
}

int sweep_read(struct sweep *s, const char *path, struct overrides *given,
               const struct ints *seeds) {
    *s = (struct sweep){.given = *given};
    *given = (struct overrides){0};
    int status = sweep_file_read(&s->file, path);
    if (status) return status;
    take_seeds(&s->file.opt.seeds, seeds);
    status = sweep_settings_of(&s->settings, &s->file);
    if (!status) status = check_given(s);
    if (status) return status;
    size_t n_seeds = s->file.opt.seeds.n;
    s->n_trials = s->settings.n * n_seeds;
    s->trial = mem_alloc(s->n_trials, sizeof *s->trial);
    for (size_t k = 0; k < s->n_trials; k++)
        s->trial[k] =
            (struct sweep_trial){.setting = k / n_seeds, .seed = s->file.opt.seeds.at[k % n_seeds]};
    return 0;
}

/* ---- the graph of a trial ---- */

static void put(struct overrides *to, const struct override *o) {
    to->at = mem_grow(to->at, &to->cap, to->n + 1, sizeof *to->at);
    override_copy(&to->at[to->n++], o);
}

/* What the sweep itself says, at the place of one of its settings. The scope is a config's name,
 * which may have blanks or colons in it. */
static void put_own(struct overrides *to, const struct sweep *s, const char *scope, const char *key,
                    const char *value, const char *where) {
    const struct setting_entry *e = settings_find(&s->file.doc, where);
    struct override o = {
        .scope = (char *)scope, .key = (char *)key, .value = (char *)value}; /* put() copies */
    if (e && e->file) {
        o.file = (char *)e->file;
        o.mark = e->yaml.mark;
    }
    put(to, &o);
}

static void overrides_of(const struct sweep *s, size_t trial, struct overrides *to) {
    const struct sweep_trial *t = &s->trial[trial];
    const struct overrides *set = &s->settings.at[t->setting].set;
    char seed[32];
    snprintf(seed, sizeof seed, "%lld", (long long)t->seed);
    *to = (struct overrides){0};
    for (size_t i = 0; i < s->given.n; i++) put(to, &s->given.at[i]);
    put_own(to, s, NULL, "seed", seed, "seeds");
    for (size_t i = 0; i < set->n; i++) put(to, &set->at[i]);
}

static struct node *closing_of(const struct graph *g) {
    return g->named->then ? g->named->then : g->named;
}

bool sweep_judged_apart(const struct sweep *s, const struct graph *g) {
    const struct node *n = closing_of(g);
    const struct sweep_options *o = &s->file.opt;
    const char *set = n->config.eval.set;
    return *o->metric && o->on == SWEEP_VALIDATION && n->config.run.stage == STAGE_EVALUATE &&
           strncmp(set, "val", 3) != 0 && strncmp(set, "train", 5) != 0;
}

int sweep_load(const struct sweep *s, size_t trial, struct graph *g) {
    struct overrides o;
    overrides_of(s, trial, &o);
    int status = graph_load(g, s->file.config, o.at, o.n);
    overrides_free(&o);
    return status;
}

int sweep_graph(const struct sweep *s, size_t trial, bool judged, struct graph *g) {
    struct overrides o;
    overrides_of(s, trial, &o);
    int status = graph_open(g, s->file.config, o.at, o.n);
    if (!status && judged && sweep_judged_apart(s, g)) {
        const struct node *n = closing_of(g);
        put_own(&o, s, n == g->named ? NULL : n->name, "eval.set", "val", "objective.metric");
        graph_close(g);
        status = graph_open(g, s->file.config, o.at, o.n);
    }
    overrides_free(&o);
    return status;
}

/* ---- what is done, and what is not ---- */

static void need(const struct sweep *s, size_t i, bool *needed) {
    const struct sweep_stage *stage = &s->stage[i];
    if (stage->state == SWEEP_DONE || needed[i]) return;
    needed[i] = true;
    for (size_t k = 0; k < stage->inputs.n; k++) need(s, stage->need[k], needed);
}

void sweep_needed(const struct sweep *s, bool *needed) {
    memset(needed, 0, s->n_stages * sizeof *needed);
    for (size_t t = 0; t < s->n_trials; t++)
        for (size_t k = 0; k < s->trial[t].n_wanted; k++) need(s, s->trial[t].wanted[k], needed);
}

bool sweep_trial_done(const struct sweep *s, size_t trial) {
    const struct sweep_trial *t = &s->trial[trial];
    for (size_t k = 0; k < t->n_wanted; k++)
        if (s->stage[t->wanted[k]].state != SWEEP_DONE) return false;
    return true;
}

static size_t failed_below(const struct sweep *s, size_t i) {
    const struct sweep_stage *stage = &s->stage[i];
    if (stage->state == SWEEP_DONE) return SIZE_MAX;
    if (stage->state == SWEEP_FAILED) return i;
    for (size_t k = 0; k < stage->inputs.n; k++) {
        size_t found = failed_below(s, stage->need[k]);
        if (found != SIZE_MAX) return found;
    }
    return SIZE_MAX;
}

size_t sweep_trial_failed(const struct sweep *s, size_t trial) {
    const struct sweep_trial *t = &s->trial[trial];
    size_t found = SIZE_MAX;
    for (size_t k = 0; found == SIZE_MAX && k < t->n_wanted; k++)
        found = failed_below(s, t->wanted[k]);
    return found;
}

char *sweep_log(const struct sweep *s, const struct sweep_stage *stage) {
    return mem_format("%s/logs/%s.log", s->dir, path_base(stage->dir));
}

static char *failure_path(const struct sweep *s, const struct sweep_stage *stage) {
    return mem_format("%s/failed/%s", s->dir, path_base(stage->dir));
}

int sweep_note_failure(const struct sweep *s, struct sweep_stage *stage, int code,
                       const char *message) {
    char *path = failure_path(s, stage), *dir = path_dir(path);
    char *text = mem_format("%d\n%s\n", code, message ? message : "");
    int status = code ? dir_make(dir) : 0;
    if (!status) status = code ? file_write(path, text, strlen(text)) : file_remove(path);
    free(stage->message);
    stage->message = code ? mem_strdup(message ? message : "") : NULL;
    stage->code = code;
    stage->state = code ? SWEEP_FAILED : stage->state;
    free(text);
    free(dir);
    free(path);
    return status;
}

/* What an earlier command remembered. */
static void recall_failure(const struct sweep *s, struct sweep_stage *stage) {
    char *path = failure_path(s, stage), *end;
    struct bytes text = {0};
    if (stage->state != SWEEP_DONE && file_exists(path) && !file_read(path, 1 << 16, &text)) {
        stage->code = (int)strtol((char *)text.at, &end, 10);
        end += *end == '\n';
        end[strcspn(end, "\n")] = '\0';
        stage->message = mem_strdup(end);
        stage->state = SWEEP_FAILED;
    }
    error_clear();
    bytes_free(&text);
    free(path);
}

/* ---- all graphs ---- */

static char *identity(const struct sweep *s) {
    struct str text = {0};
    char hex[17];
    str_add(&text, "ovseg sweep 1\n");
    for (size_t t = 0; t < s->n_trials; t++) {
        const struct sweep_trial *trial = &s->trial[t];
        str_add(&text, "%s\nseed %lld", s->settings.at[trial->setting].label,
                (long long)trial->seed);
        for (size_t k = 0; k < trial->n_wanted; k++)
            str_add(&text, " %s", path_base(s->stage[trial->wanted[k]].dir));
        str_add(&text, "\n");
    }
    hash_hex(hash_string(text.at), hex);
    str_free(&text);
    return mem_format("sweep-%s-%.12s", s->file.name, hex);
}

static int add_trial(struct sweep *s, size_t trial) {
    struct graph g;
    int status = sweep_graph(s, trial, false, &g);
    if (!status) status = graph_check_inputs(&g);
    if (!status && s->check) status = s->check(&g);
    bool apart = !status && sweep_judged_apart(s, &g);
    if (!status && !s->output_dir) {
        s->output_dir = mem_strdup(g.named->config.run.output_dir);
        s->time_limit = mem_strdup(g.named->config.run.time_limit);
    }
    if (!status) {
        content_save(&g.content); /* large files are not hashed again for each trial */
        sweep_join(s, trial, &g, false);
    }
    graph_close(&g);
    if (!apart) return status;
    status = sweep_graph(s, trial, true, &g);
    if (!status) status = graph_check_inputs(&g);
    if (!status) sweep_join(s, trial, &g, true);
    graph_close(&g);
    return status;
}

int sweep_build(struct sweep *s) {
    struct problems p = {0};
    for (size_t t = 0; t < s->n_trials && !problems_full(&p); t++)
        if (add_trial(s, t)) problems_take_error(&p);
    int status = problems_close(&p, ERR_CONFIG);
    if (status) return status;
    sweep_join_needs(s);
    char *name = identity(s);
    s->dir = path_join(s->output_dir, name);
    free(name);
    for (size_t i = 0; i < s->n_stages; i++) recall_failure(s, &s->stage[i]);
    return 0;
}

void sweep_close(struct sweep *s) {
    for (size_t i = 0; i < s->n_stages; i++) {
        struct sweep_stage *stage = &s->stage[i];
        char *const owned[] = {stage->name, stage->kind, stage->dir, stage->message};
        for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) free(owned[k]);
        strings_free(&stage->inputs);
        free(stage->need);
    }
    for (size_t t = 0; t < s->n_trials; t++) free(s->trial[t].stage);
    free(s->trial);
    free(s->stage);
    free(s->slot);
    free(s->output_dir);
    free(s->time_limit);
    free(s->dir);
    overrides_free(&s->given);
    sweep_settings_free(&s->settings);
    sweep_file_close(&s->file);
    *s = (struct sweep){0};
}
