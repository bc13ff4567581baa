#include "train/not_finite.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "checkpoints/safetensors.h"
#include "train/loop.h"

enum { KEPT = 3, NAMED = 16 }; /* steps whose batches are kept; samples in a message */

/* Parameters whose gradients are not finite: all of them tells of the loss, a few of a layer. */
struct bad_gradients {
    size_t n, of;
    const char *first; /* NULL: all are finite, only the loss is not */
};

static struct bad_gradients bad_gradients(const struct params *p) {
    struct bad_gradients bad = {0};
    int scope = t_scope_open("not finite", T_NO_GRAD);
    for (size_t i = 0; i < p->n; i++) {
        tensor *grad = t_grad(p->at[i].t);
        bad.of += grad != NULL;
        if (!grad || t_item(t_isfinite_all(grad)) > 0) continue;
        if (!bad.n++) bad.first = p->at[i].name;
    }
    t_scope_close(scope, NULL);
    return bad;
}

/* As printf writes it, without the sign that a NaN happens to have. */
static double plain(double x) { return isnan(x) ? (double)NAN : x; }

static void name_samples(const struct training *t, struct str *to) {
    size_t n = 0;
    const int64_t *sample = t->samples ? t->samples(t->self, &n) : NULL;
    for (size_t i = 0; i < n && i < NAMED; i++)
        str_add(to, "%s%lld", i ? ", " : "", (long long)sample[i]);
    if (n > NAMED) str_add(to, ", ... (%zu)", n);
    if (!n) str_add(to, "unknown");
}

/* rank-R.safetensors: what the stage says the batch was. */
static int write_tensors(const struct training *t, const char *dir) {
    struct params batch = {0};
    struct safetensors_out out;
    char name[32];
    snprintf(name, sizeof name, "rank-%d.safetensors", comm_rank(t->node->comm));
    char *path = path_join(dir, name);
    int scope = t_scope_open("batch", T_NO_GRAD);
    t->dump(t->self, params_root(&batch));
    int status = error_status() ? error_status() : safetensors_out_open(&out, path);
    if (!status) {
        for (size_t i = 0; i < batch.n; i++)
            safetensors_out_name(&out, batch.at[i].name, t_dtype(batch.at[i].t),
                                 t_shape(batch.at[i].t));
        for (size_t i = 0; !status && i < batch.n; i++)
            status = safetensors_out_put_tensor(&out, batch.at[i].t);
        if (!status) status = safetensors_out_commit(&out);
        safetensors_out_close(&out);
    }
    t_scope_close(scope, NULL);
    params_free(&batch);
    free(path);
    return status;
}

/* Nothing that goes wrong here hides why it was begun. */
static void keep_batch(const struct training *t, int64_t step) {
    if (!t->dump || t->skipped.total > KEPT) return;
    char *name = mem_format("not-finite-%06lld", (long long)step);
    char *dir = path_join(t->node->dir, name);
    int status = dir_make(dir);
    if (!status) status = write_tensors(t, dir);
    if (status)
        log_warn("the batch is not kept: %s", error_message());
    else
        log_warn("%s: its batch is in %s", t->node->name, dir);
    error_clear();
    free(name);
    free(dir);
}

int not_finite(struct training *t, int64_t step, double loss, double norm) {
    const struct train_options *o = &t->node->config.train;
    struct skipped *s = &t->skipped;
    struct str samples = {0};
    struct bad_gradients bad = bad_gradients(t->params);
    s->total++;
    s->in_row++;
    name_samples(t, &samples);
    char *whose = bad.n ? mem_format("gradients of %zu of %zu parameters, the first %s", bad.n,
                                     bad.of, bad.first)
                        : mem_strdup("all gradients are finite");
    char *what = mem_format("loss %g, gradient norm %g; %s; samples %s", plain(loss), plain(norm),
                            whose, samples.at);
    keep_batch(t, step);
    int status = 0;
    if (o->not_finite == NOT_FINITE_STOP)
        status = error_set(ERR_INTERNAL,
                           "not finite, nothing was updated: %s (update.not_finite: skip goes on)",
                           what);
    else if (s->in_row > o->not_finite_most)
        status =
            error_set(ERR_INTERNAL, "not finite, %lld steps in a row (update.not_finite_most): %s",
                      (long long)s->in_row, what);
    else
        log_warn("%s: step %lld is skipped, not finite: %s", t->node->name, (long long)step, what);
    str_free(&samples);
    free(what);
    free(whose);
    return status;
}

void skipped_write(const struct skipped *s, struct json_out *j) {
    json_object(j);
    json_key_int(j, "total", s->total);
    json_key_int(j, "in_row", s->in_row);
    json_end(j);
}

static int64_t count(const cJSON *from, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(from, key);
    return cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble < 1e15
               ? (int64_t)x->valuedouble
               : 0;
}

void skipped_read(struct skipped *s, const cJSON *from) {
    *s = (struct skipped){count(from, "total"), count(from, "in_row")};
}
