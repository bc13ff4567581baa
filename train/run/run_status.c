#include "train/run/run_status.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "checkpoints/history.h"
#include "train/commands/cmd_runs.h"

enum { SILENT_S = 120 }; /* a step may be long; a reader is told all the same */

static double age_of(const char *path) {
    struct stat st;
    struct timespec now;
    if (stat(path, &st) || clock_gettime(CLOCK_REALTIME, &now)) return NAN;
    double s =
        difftime(now.tv_sec, st.st_mtim.tv_sec) + 1e-9 * (double)(now.tv_nsec - st.st_mtim.tv_nsec);
    return s > 0 ? s : 0; /* clocks of hosts differ */
}

static void take_text(const cJSON *o, const char *key, char *to, size_t n) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    snprintf(to, n, "%s", cJSON_IsString(x) ? x->valuestring : "");
}

static double take(const cJSON *o, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(x) ? x->valuedouble : 0;
}

static void read_progress(struct run_status *s) {
    cJSON *json = run_json(s->look.dir, "progress.json");
    char *path = path_join(s->look.dir, "progress.json");
    s->told = json != NULL;
    s->heard = age_of(path);
    take_text(json, "what", s->what, sizeof s->what);
    take_text(json, "unit", s->unit, sizeof s->unit);
    take_text(json, "note", s->note, sizeof s->note);
    take_text(json, "warning", s->warning, sizeof s->warning);
    s->first = take(json, "first");
    s->done = take(json, "done");
    s->total = take(json, "total");
    s->rate = take(json, "rate");
    s->warnings = (long)take(json, "warnings");
    if (!*s->look.holder.job) take_text(json, "job", s->look.holder.job, sizeof s->look.holder.job);
    free(path);
    cJSON_Delete(json);
}

static void read_checkpoint(struct run_status *s) {
    int64_t *steps = NULL;
    size_t n = 0;
    s->checkpoint = -1;
    if (history_list(s->look.dir, &steps, &n)) error_clear();
    if (n) {
        char *path = history_path(s->look.dir, steps[n - 1], "");
        s->checkpoint = steps[n - 1];
        s->checkpoint_age = age_of(path);
        free(path);
    }
    free(steps);
}

void run_status_read(struct run_status *s, const char *dir) {
    *s = (struct run_status){0};
    run_look(&s->look, dir);
    read_progress(s);
    read_checkpoint(s);
}

void run_status_free(struct run_status *s) { run_look_free(&s->look); }

int run_status_exit(const struct run_status *s) {
    switch (s->look.state) {
    case RUN_DONE:
    case RUN_RUNNING: return 0;
    case RUN_UNFINISHED: return ERR_AGAIN;
    case RUN_FAILED: return s->look.failed_code;
    }
    return ERR_INTERNAL;
}

/* ---- as text ---- */

/* "step 12 of 60 (20 %), 2.31 steps/s, 21.0 s left" */
static void say_progress(const struct run_status *s, struct str *out) {
    str_add(out, "%s: %.0f", *s->what ? s->what : s->look.config, s->done);
    if (s->total > 0) str_add(out, " of %.0f", s->total);
    str_add(out, " %s", s->unit);
    if (s->total > 0) str_add(out, " (%.0f %%)", floor(100 * s->done / s->total));
    if (s->look.state != RUN_RUNNING || !(s->rate > 0)) return;
    str_add(out, ", %.*f %s/s", s->rate < 10 ? 2 : 0, s->rate, s->unit);
    if (s->total > s->done) {
        char span[16];
        clock_span((s->total - s->done) / s->rate, span);
        str_add(out, ", %s left", span);
    }
}

static void say_holder(const struct run_status *s, struct str *out) {
    const struct run_holder *h = &s->look.holder;
    char age[16];
    if (s->look.state == RUN_RUNNING) {
        clock_span(h->since, age);
        str_add(out, "process %ld on %s%s%s, for %s", h->pid, h->host, *h->job ? ", job " : "",
                h->job, age);
        if (s->told) {
            age_text(s->heard, age);
            str_add(out, "; heard of %s ago%s", age,
                    s->heard > SILENT_S ? ": does it hang? Look at its log" : "");
        }
    } else if (s->look.state == RUN_UNFINISHED && s->look.locked) {
        str_add(out, "process %ld on %s was killed; the same command goes on", h->pid, h->host);
    } else if (s->look.state == RUN_UNFINISHED) {
        str_add(out, "stopped; the same command goes on");
    } else if (s->look.state == RUN_FAILED) {
        str_add(out, "exit %d: %s", s->look.failed_code, s->look.failed ? s->look.failed : "");
    } else {
        char span[16], metric[96];
        clock_span(s->look.seconds, span);
        metric_text(&s->look, metric);
        str_add(out, "in %s; %s", span, metric);
    }
}

/* The first phase of a stage with two has figures of its own. */
static cJSON *last_figures(const struct run_status *s, const char *kind) {
    cJSON *line = run_last_metrics(s->look.dir, kind);
    if (line) return line;
    char *phase = path_join(s->look.dir, "pretrain");
    line = run_last_metrics(phase, kind);
    free(phase);
    return line;
}

static bool say_figures(const struct run_status *s, const char *kind, struct str *out) {
    cJSON *line = last_figures(s, kind), *x;
    if (!line) return false;
    str_add(out, "step %.0f:", take(line, "step"));
    cJSON_ArrayForEach(x, line) if (x->string && cJSON_IsNumber(x) &&
                                    strcmp(x->string, "step") != 0 &&
                                    strcmp(x->string, "wall") != 0)
        str_add(out, " %s %.4g", x->string, x->valuedouble);
    cJSON_Delete(line);
    return true;
}

static void put_line(struct str *out, const char *head, struct str *text) {
    if (text->n) str_add(out, "  %-11s %s\n", head, text->at);
    str_free(text);
}

static void say_run(const struct run_status *s, struct str *out) {
    str_add(out, "%s  %s  %s", s->look.dir, s->look.stage, run_state_names[s->look.state]);
}

void run_status_brief(const struct run_status *s, struct str *out) {
    say_run(s, out);
    str_add(out, " ");
    say_holder(s, out);
    str_add(out, "\n");
}

void run_status_screen(const struct run_status *s, struct str *out) {
    struct str text = {0};
    say_run(s, out);
    str_add(out, "\n");
    say_holder(s, &text);
    put_line(out, "", &text);
    if (s->told) say_progress(s, &text);
    put_line(out, "progress", &text);
    say_figures(s, "train", &text);
    put_line(out, "train", &text);
    say_figures(s, "validate", &text);
    put_line(out, "validate", &text);
    say_figures(s, "sign", &text);
    put_line(out, "sign", &text);
    if (s->checkpoint >= 0) {
        char age[16];
        age_text(s->checkpoint_age, age);
        str_add(&text, "step %lld, %s ago", (long long)s->checkpoint, age);
    }
    put_line(out, "checkpoint", &text);
    if (s->warnings) str_add(&text, "%ld, the last: %s", s->warnings, s->warning);
    put_line(out, "warnings", &text);
}

void run_status_line(const struct run_status *s, struct str *out) {
    str_add(out, "%s\t%s\t", s->look.name, run_state_names[s->look.state]);
    if (s->told && s->look.state == RUN_RUNNING) {
        say_progress(s, out);
        if (*s->note) str_add(out, ", %s", s->note);
        if (s->warnings) str_add(out, ", %ld warnings", s->warnings);
    } else {
        say_holder(s, out);
    }
    str_add(out, "\n");
}
