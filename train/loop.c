#include "train/loop.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/rng.h"
#include "checkpoints/checkpoint.h"
#include "train/run.h"
#include "train/signals.h"

/* What a life of the loop knows besides its task. */
struct life {
    struct training *t;
    char *dir;
    int64_t step; /* the next one */
    double best;  /* validation so far; NaN: none */
    struct metrics metrics;
    struct progress progress;
};

static struct checkpoint checkpoint_of(const struct life *l, const char *state, bool best) {
    return (struct checkpoint){
        .step = l->step,
        .part = {{"model", l->t->params}, {"optimizer", &l->t->adamw->state}},
        .config = l->t->node->id,
        .state = state,
        .best = best};
}

static int save(const struct life *l, bool best) {
    struct str state = {0};
    struct json_out j = {.to = &state};
    json_object(&j);
    json_key_int(&j, "step", l->step);
    json_key_real(&j, "seconds", run_seconds(l->t->node));
    json_key_real(&j, "best", l->best);
    scaler_write(&l->t->scaler, &j);
    if (l->t->keep) {
        json_key(&j, "samples");
        l->t->keep(l->t->self, &j);
    }
    json_end(&j);
    struct checkpoint c = checkpoint_of(l, state.at, best);
    int status = checkpoint_save(l->dir, &c);
    str_free(&state);
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

static int restore(struct life *l) {
    struct checkpoint c = checkpoint_of(l, NULL, false);
    struct checkpoint_found found;
    int status = checkpoint_load_last(l->dir, &c, &found);
    if (!status && found.path) {
        cJSON *state = cJSON_Parse((const char *)found.state.at);
        l->step = found.step;
        l->t->node->seconds = number(state, "seconds", 0); /* of the parts before it, too */
        l->best = number(state, "best", NAN);
        restore_scaler(&l->t->scaler, state);
        if (l->t->restore && l->step < l->t->schedule.total &&
            l->t->restore(l->t->self, cJSON_GetObjectItemCaseSensitive(state, "samples")))
            status = error_context("%s", found.path);
        cJSON_Delete(state);
        if (!status && l->step < l->t->schedule.total)
            log_info("%s: goes on from step %lld of %lld", l->t->node->name, (long long)l->step,
                     (long long)l->t->schedule.total);
    }
    checkpoint_found_free(&found);
    return status;
}

int training_step(struct training *t, int64_t step, struct metrics_row *row) {
    double rate = schedule_rate(&t->schedule, step);
    struct rng r = rng_stream((uint64_t)t->node->config.run.seed, "step", (uint64_t)step);
    t_seed(rng_next(&r));

    int scope = t_scope_open(t->node->name, T_TRAIN);
    tensor *loss = t->loss(t->self, step, row); /* [] */
    t_backward(scaler_up(&t->scaler, loss));
    scaler_down(&t->scaler, t->adamw);
    tensor *norm = adamw_clip(t->adamw, t->clip_norm); /* [] */
    double loss_value = t_item(loss), norm_value = t_item(norm);
    bool pass = scaler_passes(&t->scaler, norm_value);
    if (!error_status() && pass && !(isfinite(loss_value) && isfinite(norm_value)))
        error_set(ERR_INTERNAL, "loss %g, gradient norm %g: not finite; nothing was updated",
                  loss_value, norm_value);
    if (pass) adamw_step(t->adamw, rate);
    if (t->updated) t->updated(t->self);
    params_clear_grads(t->params);
    t_scope_close(scope, NULL);

    if (t->scaler.scale > 0) metrics_put(row, "loss_scale", t->scaler.scale);
    metrics_put(row, "loss", loss_value);
    metrics_put(row, "grad_norm", norm_value);
    metrics_put(row, "lr", rate);
    if (error_status()) return error_context("%s: step %lld", t->node->name, (long long)step);
    return 0;
}

/* *better: the best result so far. */
static int validate(struct life *l, bool *better) {
    struct training *t = l->t;
    struct metrics_row row = {0};
    int scope = t_scope_open("validate", T_NO_GRAD | T_EVAL);
    int status = t->validate(t->self, &row);
    t_scope_close(scope, NULL);
    if (status) return status;
    metrics_write(&l->metrics, "validate", l->step, &row);
    struct str text = {0};
    for (int i = 0; i < row.n; i++) str_add(&text, " %s %.4g", row.at[i].name, row.at[i].value);
    log_info("%s: step %lld, validation:%s", t->node->name, (long long)l->step, text.at);
    str_free(&text);
    double value = row.at[0].value;
    *better = isfinite(value) && !(value <= l->best); /* the first one beats NaN */
    if (*better) l->best = value;
    return 0;
}

static int loop_steps(struct life *l) {
    struct training *t = l->t;
    const struct run_options *run = &t->node->config.run;
    int64_t total = t->schedule.total, saved = l->step;
    int status = 0;
    while (!status && l->step < total) {
        struct metrics_row row = {0};
        status = training_step(t, l->step, &row);
        if (status) break;
        l->step++;
        char note[48];
        snprintf(note, sizeof note, "loss %.4g", row.at[row.n - 3].value);
        progress_at(&l->progress, l->step, note);
        if (l->step % run->log_every == 0 || l->step == total)
            metrics_write(&l->metrics, "train", l->step, &row);
        bool last = l->step == total, better = false;
        if (t->validate && (last || (t->validate_every && l->step % t->validate_every == 0)))
            status = validate(l, &better);
        bool best = better && t->keep_best;
        int stop = signals_pending();
        if (!status && (last || stop || best || l->step - saved >= run->checkpoint_every)) {
            status = save(l, best);
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

int loop_run(struct training *t) {
    struct life l = {.t = t, .best = NAN, .metrics = {.fd = -1, .events = -1}};
    l.dir = t->part ? path_join(t->node->dir, t->part) : mem_strdup(t->node->dir);
    if (t->node->config.run.precision == PRECISION_FP16) scaler_open(&t->scaler);
    int status = dir_make(l.dir);
    if (!status) status = restore(&l);
    if (!status) status = metrics_open(&l.metrics, l.dir, l.step);
    if (!status && l.step < t->schedule.total) {
        char *what =
            mem_format("%s%s%s", t->node->name, t->part ? " " : "", t->part ? t->part : "");
        progress_open(&l.progress, what, "steps", l.step, t->schedule.total, 30);
        if (t->start) status = t->start(t->self, l.step);
        if (!status) status = loop_steps(&l);
        progress_close(&l.progress);
        free(what);
    }
    metrics_close(&l.metrics);
    free(l.dir);
    return status;
}
