#include "train/loop.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "checkpoints/checkpoint.h"
#include "train/first_try.h"
#include "train/ranks.h"
#include "train/run/run.h"
#include "train/run/run_metrics.h"
#include "train/saver.h"
#include "train/signals.h"
#include "train/signs.h"
#include "train/time_limit.h"

/* What a life of the loop knows besides its task. */
struct life {
    struct training *t;
    char *dir, *what;
    int64_t step; /* the next one */
    double best;  /* validation so far; NaN: none */
    double held;  /* seconds that steps to come waited for checkpoints */
    struct metrics metrics;
    struct saver saver; /* rank 0's */
    struct progress progress;
    struct signs signs;
};

static struct checkpoint checkpoint_of(const struct life *l, const char *state, bool best) {
    return (struct checkpoint){
        .step = l->step,
        .part = {{"model", l->t->params}, {"optimizer", &l->t->adamw->state}},
        .config = l->t->node->id,
        .state = state,
        .best = best};
}

/* `behind`: the next steps need not wait for the disk. */
static int save(struct life *l, bool best, bool behind) {
    double start_s = clock_s();
    struct str state = {0};
    struct json_out j = {.to = &state};
    json_object(&j);
    json_key_int(&j, "step", l->step);
    json_key_real(&j, "seconds", run_seconds(l->t->node));
    json_key_real(&j, "best", l->best);
    json_key(&j, "skipped");
    skipped_write(&l->t->skipped, &j);
    scaler_write(&l->t->scaler, &j);
    if (l->t->keep) {
        json_key(&j, "samples");
        l->t->keep(l->t->self, &j);
    }
    json_end(&j);
    struct checkpoint c = checkpoint_of(l, state.at, best);
    bool first = comm_rank(l->t->node->comm) == 0;
    bool by_thread = behind && l->t->node->config.run.checkpoint_behind;
    int status = first ? run_is_ours(l->t->node) : 0;
    if (!status && first) status = saver_save(&l->saver, l->dir, &c, by_thread);
    str_free(&state);
    status = ranks_agree(l->t->node->comm, status);
    if (behind) l->held += clock_s() - start_s;
    return status;
}

static double number(const cJSON *state, const char *key, double otherwise) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(state, key);
    return cJSON_IsNumber(x) ? x->valuedouble : otherwise;
}

static void restore_scaler(struct scaler *s, const cJSON *state) {
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(state, "scaler");
    if (!(s->scale > 0)) return;
    s->scale = number(from, "scale", s->scale);
    s->good = (int64_t)number(from, "good", 0);
    s->skipped = (int64_t)number(from, "skipped", 0);
}

/* What stands in a checkpoint beside the tensors. */
static int take_state(struct life *l, const char *text) {
    struct training *t = l->t;
    cJSON *state = cJSON_Parse(text);
    int status = 0;
    t->node->seconds = number(state, "seconds", 0); /* of the parts before it, too */
    l->best = number(state, "best", NAN);
    restore_scaler(&t->scaler, state);
    skipped_read(&t->skipped, cJSON_GetObjectItemCaseSensitive(state, "skipped"));
    if (t->restore && l->step < t->schedule.total)
        status = t->restore(t->self, cJSON_GetObjectItemCaseSensitive(state, "samples"));
    cJSON_Delete(state);
    return status;
}

/* Rank 0 reads the checkpoint; all get what it has, or what it starts with. */
static int restore(struct life *l) {
    struct comm *comm = l->t->node->comm;
    struct checkpoint c = checkpoint_of(l, NULL, false);
    struct checkpoint_found found = {0};
    int status = comm_rank(comm) ? 0 : checkpoint_load_last(l->dir, &c, &found);
    status = ranks_agree(comm, status);
    if (!status) {
        ranks_share_params(comm, l->t->params);
        ranks_share_params(comm, &l->t->adamw->state);
        ranks_share_bytes(comm, &found.state);
        comm_broadcast(comm, &found.step, sizeof found.step);
    }
    if (!status && found.state.n) {
        l->step = found.step;
        status = take_state(l, (const char *)found.state.at);
        if (status) error_context("%s", found.path ? found.path : l->dir);
        status = ranks_agree(comm, status);
        if (!status && l->step < l->t->schedule.total)
            log_info("%s: goes on from step %lld of %lld", l->t->node->name, (long long)l->step,
                     (long long)l->t->schedule.total);
    }
    checkpoint_found_free(&found);
    return status ? status : error_status();
}

static void tell_signs(struct life *l, const struct sign_told *told, int n) {
    for (int i = 0; i < n; i++) {
        struct metrics_row sign = {0};
        log_warn("%s: step %lld: %s", l->what, (long long)l->step, told[i].text);
        metrics_put(&sign, told[i].name, told[i].value);
        metrics_write(&l->metrics, "sign", l->step, &sign);
    }
}

/* NaN: of unseen classes, where there are none. */
static void put_value(struct str *text, const char *name, double x) {
    if (isnan(x))
        str_add(text, " %s -", name);
    else
        str_add(text, " %s %.4g", name, x);
}

/* *better: the best result so far. */
static int validate(struct life *l, bool *better) {
    struct training *t = l->t;
    struct metrics_row row = {0};
    int scope = t_scope_open("validate", T_NO_GRAD | T_EVAL);
    int status = t->validate(t->self, &row);
    t_scope_close(scope, NULL);
    if (status) return status;
    bool first = comm_rank(t->node->comm) == 0;
    if (first) metrics_write(&l->metrics, "validate", l->step, &row);
    struct str text = {0};
    for (int i = 0; i < row.n; i++) put_value(&text, row.at[i].name, row.at[i].value);
    log_info("%s: step %lld, validation:%s", t->node->name, (long long)l->step,
             text.at ? text.at : "");
    str_free(&text);
    struct sign_told told[SIGNS];
    if (first) tell_signs(l, told, signs_validation(&l->signs, &row, clock_s(), told));
    if (!l->step) return 0; /* what it began with: no checkpoint has it */
    double value = row.at[0].value;
    *better = isfinite(value) && !(value <= l->best); /* the first one beats NaN */
    if (*better) l->best = value;
    return 0;
}

static void open_signs(struct life *l) {
    const struct training *t = l->t;
    signs_open(&l->signs, &(struct sign_facts){t->compared, t->clip_norm, t->schedule.warmup,
                                               t->schedule.total});
    struct run_curves c = {0};
    if (l->step) run_curves_read(&c, l->dir); /* what an earlier life began with */
    const struct run_curve *set = run_curve(&c, "validate", "mask_accuracy");
    const struct run_curve *probe = run_curve(&c, "validate", "probe_accuracy");
    if (set && probe) signs_began(&l->signs, set->at[0], probe->at[0]);
    run_curves_free(&c);
}

/* Rank 0's: it speaks for all. */
static void look_for_signs(struct life *l, const struct metrics_row *row) {
    struct sign_told told[SIGNS];
    double waited = l->t->waited ? l->t->waited(l->t->self) : 0;
    tell_signs(l, told, signs_step(&l->signs, row, clock_s(), waited, told));
}

static int loop_steps(struct life *l) {
    struct training *t = l->t;
    const struct run_options *run = &t->node->config.run;
    struct comm *comm = t->node->comm;
    bool first = comm_rank(comm) == 0;
    int64_t total = t->schedule.total, first_step = l->step, saved = first_step;
    bool better;
    int status = l->step || !t->validate || !t->validate_first ? 0 : validate(l, &better);
    while (!status && l->step < total) {
        struct metrics_row row = {0};
        time_limit_step(l->step, l->saver.longest);
        status = training_step(t, l->step, &row);
        if (status) break;
        if (l->step++ == first_step) comm_timeout(comm, run->timeout);
        char note[48];
        snprintf(note, sizeof note, "loss %.4g", metrics_value(&row, "loss"));
        if (first) progress_at(&l->progress, l->step, note);
        if (first && (l->step % run->log_every == 0 || l->step == total))
            metrics_write(&l->metrics, "train", l->step, &row);
        if (first) look_for_signs(l, &row);
        bool last = l->step == total;
        better = false;
        if (t->validate && (last || (t->validate_every && l->step % t->validate_every == 0)))
            status = validate(l, &better);
        bool best = better && t->keep_best;
        int stop = status ? 0 : ranks_stop(comm); /* who failed leaves, and exchanges nothing */
        if (!status && (last || stop || best || l->step - saved >= run->checkpoint_every)) {
            comm_timeout(comm, run->timeout_first); /* a disk may be slow */
            status = save(l, best, !last && !stop);
            comm_timeout(comm, run->timeout);
            saved = l->step;
        }
        if (!status && stop && !last)
            status = signals_error(
                "the checkpoint of step %lld is saved, the same command goes on "
                "from there",
                (long long)l->step);
    }
    return status;
}

/* A report for people, and files: rank 0's business. */
static int open_reports(struct life *l) {
    struct training *t = l->t;
    l->what = mem_format("%s%s%s", t->node->name, t->part ? " " : "", t->part ? t->part : "");
    if (l->step < t->schedule.total)
        progress_open(&l->progress, l->what, "steps", l->step, t->schedule.total, 30);
    open_signs(l);
    return metrics_open(&l->metrics, l->dir, l->step ? l->step : -1);
}

/* What a life with steps to do needs before it says that it begins. */
static int prepare(struct life *l) {
    struct training *t = l->t;
    comm_report_to(t->node->comm, l->dir);
    t->reducer =
        reducer_open(t->node->comm, t->params,
                     (struct reducer_options){.shards = t->shards.mine,
                                              .tree = t->shards.tree,
                                              .shared = t->node->config.run.shared_memory});
    if (l->step > 0) return 0;
    struct checkpoint c = checkpoint_of(l, "{}", false);
    return first_try(t, l->dir, &l->saver, &c);
}

int loop_run(struct training *t) {
    struct life l = {.t = t, .best = NAN, .metrics = {.fd = -1, .events = -1}};
    struct comm *comm = t->node->comm;
    bool first = comm_rank(comm) == 0;
    l.dir = t->part ? path_join(t->node->dir, t->part) : mem_strdup(t->node->dir);
    if (t->node->config.run.precision == PRECISION_FP16) scaler_open(&t->scaler);
    int status = ranks_agree(comm, first ? dir_make(l.dir) : 0);
    if (!status && first) first_try_clear(l.dir);
    if (!status) status = restore(&l);
    bool begins = !status && l.step < t->schedule.total;
    if (begins) status = prepare(&l);
    if (!status && first) status = open_reports(&l);
    if (!status && begins) {
        if (t->start) status = t->start(t->self, l.step);
        double start_s = clock_s();
        if (!status) status = loop_steps(&l);
        log_debug("%s: checkpoints held up steps for %.3f s of %.1f s", t->node->name, l.held,
                  clock_s() - start_s);
        if (saver_wait(&l.saver) && !status) status = error_status();
    }
    reducer_close(t->reducer);
    t->reducer = NULL;
    if (first && l.progress.what) progress_close(&l.progress);
    metrics_close(&l.metrics);
    free(l.what);
    free(l.dir);
    return status;
}
