#include "train/pictures/picture_work.h"

#include <stdlib.h>

#include "base/behind.h"
#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/spans.h"
#include "train/pictures/picture_result.h"
#include "train/signals.h"

enum { WAITING = 192 << 20, EACH = 2 }; /* bytes of results, and results a thread, to be written */

void picture_tell_spans(const char *of) {
    struct str text = {0};
    spans_text(&text);
    log_info("%s: %s", of, text.at);
    str_free(&text);
    spans_open();
}

/* How a walk over the pictures stands. */
struct walk {
    const struct picture_work *w;
    struct picture_totals totals;
    struct picture_failures failures;
    struct behind *writers;
};

static int write_behind(void *ctx, void *job) {
    const struct walk *k = ctx;
    struct picture_result *r = job;
    return r->from.done ? 0 : picture_result_write(k->w, r);
}

static void drop(struct picture_result *r) {
    picture_result_free(r);
    free(r);
}

/* ---- results that are written: counted, in order ---- */

static int take_back(struct walk *k) {
    const struct picture_work *w = k->w;
    void *job;
    int status = behind_take(k->writers, &job);
    struct picture_result *r = job;
    if (!status) {
        picture_totals_add(&k->totals, &r->from.found);
        *(r->from.done ? &k->totals.before : &k->totals.done) += 1;
        if (w->each)
            picture_print(stdout, r->of->path, &r->from.found, w->names, w->rules.background);
    }
    drop(r);
    return status;
}

/* All of them; the first error is the result. */
static int take_all_back(struct walk *k) {
    int status = 0;
    while (k->writers && behind_any(k->writers)) {
        int other = take_back(k);
        if (!status) status = other;
    }
    return status;
}

static int hand_over(struct walk *k, struct picture_result *r) {
    size_t bytes = picture_result_bytes(r);
    int status = 0;
    while (!status && !behind_room(k->writers, bytes)) status = take_back(k);
    if (status) {
        drop(r);
        return status;
    }
    behind_put(k->writers, r, bytes);
    if (bytes > WAITING) return take_all_back(k); /* there is no memory for the next beside it */
    while (!status && behind_done(k->writers)) status = take_back(k);
    return status;
}

/* ---- one picture after the other ---- */

/* `own`: the error is this picture's, not the command's. */
static int make(struct walk *k, struct picture_reader *reader, struct picture_result *r,
                bool *own) {
    int span = span_begin("read");
    int status = picture_reader_next(reader, &r->from);
    span_end(span);
    *own = true;
    if (status || r->from.done) return status;
    status = picture_result_make(k->w, r);
    *own = k->w->segmenter->given && (status == ERR_DATA || status == ERR_MISSING); /* its masks */
    return status;
}

/* A picture in its turn. */
static int take(struct walk *k, struct picture_reader *reader, const struct picture_file *p) {
    struct picture_result *r = mem_alloc(1, sizeof *r);
    bool own;
    r->of = p;
    int status = make(k, reader, r, &own);
    if (status) {
        drop(r);
        return own ? picture_failed(&k->failures) : status;
    }
    int span = span_begin("write");
    status = hand_over(k, r);
    span_end(span);
    if (!status && k->w->verbose) picture_tell_spans(p->path);
    return status;
}

static int finish(const struct walk *k) {
    const struct picture_work *w = k->w;
    if (!w->each)
        picture_totals_print(stdout, &k->totals, k->failures.n, w->names, w->rules.background);
    if (fflush(stdout)) return error_set(ERR_IO, "stdout: cannot write");
    return picture_failures_end(&k->failures, w->list->n);
}

static int stopped(struct walk *k, size_t done) {
    if (!signals_pending() || done == k->w->list->n) return 0;
    int status = take_all_back(k);
    if (status) return status;
    return signals_error(
        "%zu of %zu pictures are done, the same command with --resume does the "
        "others",
        done, k->w->list->n);
}

static int walk_all(struct walk *k, struct picture_reader *reader) {
    const struct picture_list *l = k->w->list;
    struct progress bar;
    int status = 0;
    progress_open(&bar, "segment", "pictures", 0, (int64_t)l->n, 30);
    for (size_t i = 0; !status && i < l->n; i++) {
        status = take(k, reader, &l->at[i]);
        progress_at(&bar, (int64_t)i + 1, NULL);
        if (!status) status = stopped(k, i + 1);
    }
    int last = take_all_back(k);
    progress_close(&bar);
    return status ? status : last;
}

static int open_writers(struct walk *k) {
    const struct picture_work *w = k->w;
    int64_t threads = w->dump ? 0 : w->segmenter->node->config.eval.writers; /* dumps are tensors */
    struct behind_options o = {(int)threads, (size_t)(EACH * threads + 1), WAITING};
    k->writers = behind_open(o, write_behind, k);
    return k->writers ? 0 : error_status();
}

int picture_work(const struct picture_work *w) {
    struct walk k = {.w = w, .failures.how = w->damaged};
    struct picture_reader *reader = picture_reader_open(
        w->list, &w->outputs, w->resume ? w->record->made_by : NULL, (int64_t)w->names->n);
    int status = reader ? open_writers(&k) : error_status();
    picture_totals_open(&k.totals, (int64_t)w->names->n);
    if (!status) status = walk_all(&k, reader);
    if (!status) status = finish(&k);
    if (status && fflush(stdout)) log_warn("stdout: cannot write");
    behind_close(k.writers);
    picture_totals_free(&k.totals);
    picture_reader_close(reader);
    return status;
}
