#include "train/pictures/picture_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/spans.h"
#include "checkpoints/safetensors.h"
#include "train/panoptic_files.h"
#include "train/pictures/picture_overlay.h"
#include "train/pictures/picture_reader.h"
#include "train/signals.h"

/* What the model said of one picture. */
struct result {
    struct labels labels;
    struct scores scores;
    struct panoptic panoptic;
    struct dump dump;
};

static void result_free(struct result *r) {
    labels_free(&r->labels);
    scores_free(&r->scores);
    panoptic_free(&r->panoptic);
    dump_free(&r->dump);
}

/* ---- the files of a picture ---- */

static int write_labels(const struct picture_work *w, const char *path, const struct labels *l) {
    struct bytes png = {0};
    int status = picture_labels_encode(l, (int64_t)w->names->n, &png);
    if (!status) status = file_write(path, png.at, png.n);
    bytes_free(&png);
    return status;
}

static int write_scores(const char *path, const struct scores *s) {
    struct safetensors_out out;
    int status = safetensors_out_open(&out, path);
    safetensors_out_name(&out, "score", T_F32, SHAPE(s->h, s->w));
    if (!status) status = safetensors_out_put(&out, s->at, (size_t)(s->h * s->w) * sizeof *s->at);
    if (!status) status = safetensors_out_commit(&out);
    safetensors_out_close(&out);
    return status;
}

/* The tensors by name, and the label map. */
static int write_dump(const struct picture_work *w, const struct picture_file *p,
                      struct result *r) {
    char *name = mem_format("%s.safetensors", p->stem);
    char *path = w->dump_file ? mem_strdup(w->dump) : path_join(w->dump, name);
    char *dir = path_dir(path);
    int scope = t_scope_open("dump", T_NO_GRAD);
    dump_put_labels(&r->dump, "label", &r->labels);
    struct safetensors_out out;
    int status = w->dump_file ? 0 : dir_make(dir);
    if (safetensors_out_open(&out, path)) status = error_status();
    for (int i = 0; i < r->dump.n; i++)
        safetensors_out_name(&out, r->dump.at[i].name, t_dtype(r->dump.at[i].x),
                             t_shape(r->dump.at[i].x));
    for (int i = 0; !status && i < r->dump.n; i++)
        status = safetensors_out_put_tensor(&out, t_contiguous(r->dump.at[i].x));
    if (!status) status = safetensors_out_commit(&out);
    safetensors_out_close(&out);
    t_scope_close(scope, NULL);
    free(dir);
    free(path);
    free(name);
    return status;
}

static int write_one(const struct picture_work *w, const struct picture_file *p,
                     const struct picture_read *from, struct result *r,
                     const struct picture_found *f) {
    const struct picture_outputs *o = &w->outputs;
    const struct picture_source source = {p->name, w->record->made_by, from->hash};
    char *path[PICTURE_KINDS];
    for (int k = 0; k < PICTURE_KINDS; k++) path[k] = picture_output(o, p, (enum picture_kind)k);
    int status = file_remove(path[PICTURE_JSON]); /* an old one does not speak of new files */
    if (!status) status = write_labels(w, path[PICTURE_LABELS], &r->labels);
    if (!status && o->wanted[PICTURE_OVERLAY])
        status = picture_overlay_write(path[PICTURE_OVERLAY], &from->im, &r->labels, w->names);
    if (!status && o->wanted[PICTURE_SCORES])
        status = write_scores(path[PICTURE_SCORES], &r->scores);
    if (!status && o->wanted[PICTURE_IDS])
        status = panoptic_write(path[PICTURE_IDS], path[PICTURE_SEGMENTS], &r->panoptic, w->names,
                                w->segmenter->thing);
    if (!status && w->dump) status = write_dump(w, p, r);
    if (!status)
        status = picture_json_write(path[PICTURE_JSON], &source, f, w->names,
                                    o->rle ? &r->labels : NULL);
    for (int k = 0; k < PICTURE_KINDS; k++) free(path[k]);
    return status;
}

/* ---- one after the other ---- */

void picture_tell_spans(const char *of) {
    struct str text = {0};
    spans_text(&text);
    log_info("%s: %s", of, text.at);
    str_free(&text);
    spans_open();
}

static int segment_one(const struct picture_work *w, const struct picture_file *p,
                       const struct picture_read *from, struct picture_found *f) {
    struct result r = {0};
    int status = segmenter_scored(w->segmenter, p->path, &from->im, &r.labels, &r.scores,
                                  w->outputs.wanted[PICTURE_IDS] ? &r.panoptic : NULL,
                                  w->dump ? &r.dump : NULL);
    if (!status) {
        int span = span_begin("write");
        int64_t K = (int64_t)w->names->n;
        segment_unlabel(&r.labels, &r.scores, w->rules.least, w->rules.background, K);
        picture_find(f, &r.labels, &r.scores, K);
        status = write_one(w, p, from, &r, f);
        span_end(span);
    }
    result_free(&r);
    return status;
}

/* How a walk over the pictures stands. */
struct walk {
    struct picture_totals totals;
    struct picture_failures failures;
};

/* A picture in its turn. */
static int take(const struct picture_work *w, struct walk *k, struct picture_reader *reader,
                const struct picture_file *p) {
    struct picture_read from;
    int span = span_begin("read");
    int status = picture_reader_next(reader, &from);
    span_end(span);
    if (status) return picture_failed(&k->failures);
    if (!from.done) {
        status = segment_one(w, p, &from, &from.found);
        bool own = status && w->segmenter->given && (status == ERR_DATA || status == ERR_MISSING);
        if (own) { /* its masks */
            picture_read_free(&from);
            return picture_failed(&k->failures);
        }
    }
    if (!status) {
        picture_totals_add(&k->totals, &from.found);
        *(from.done ? &k->totals.before : &k->totals.done) += 1;
        if (w->each) picture_print(stdout, p->path, &from.found, w->names, w->rules.background);
        if (w->verbose) picture_tell_spans(p->path);
    }
    picture_read_free(&from);
    return status;
}

static int finish(const struct picture_work *w, const struct walk *k) {
    if (!w->each)
        picture_totals_print(stdout, &k->totals, k->failures.n, w->names, w->rules.background);
    if (fflush(stdout)) return error_set(ERR_IO, "stdout: cannot write");
    return picture_failures_end(&k->failures, w->list->n);
}

static int stopped(const struct picture_work *w, size_t done) {
    if (!signals_pending() || done == w->list->n) return 0;
    return signals_error(
        "%zu of %zu pictures are done, the same command with --resume does the "
        "others",
        done, w->list->n);
}

int picture_work(const struct picture_work *w) {
    struct walk k = {.failures.how = w->damaged};
    struct progress bar;
    struct picture_reader *reader = picture_reader_open(
        w->list, &w->outputs, w->resume ? w->record->made_by : NULL, (int64_t)w->names->n);
    int status = reader ? 0 : error_status();
    picture_totals_open(&k.totals, (int64_t)w->names->n);
    progress_open(&bar, "segment", "pictures", 0, (int64_t)w->list->n, 30);
    for (size_t i = 0; !status && i < w->list->n; i++) {
        status = take(w, &k, reader, &w->list->at[i]);
        progress_at(&bar, (int64_t)i + 1, NULL);
        if (!status) status = stopped(w, i + 1);
    }
    progress_close(&bar);
    if (!status) status = finish(w, &k);
    if (status && fflush(stdout)) log_warn("stdout: cannot write");
    picture_totals_free(&k.totals);
    picture_reader_close(reader);
    return status;
}
