#include "base/progress.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

enum { BAR = 24 };
static const double REDRAW_S = 0.1, SMOOTH_S = 10, REPORT_S = 1;

/* The file for others, and how far it was when it was written last. */
static struct report {
    char *path;
    double written, rate;
    int64_t done;
    char note[64]; /* the last one */
} report;

void progress_report(const char *path) {
    free(report.path);
    report = (struct report){.path = path ? mem_strdup(path) : NULL};
}

/* Without fsync: a reader wants the newest or none, and nobody reads it after a crash. */
static void replace(const char *path, const struct str *text) {
    char *tmp = mem_format("%s.tmp%ld", path, (long)getpid());
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool whole = fd >= 0 && write(fd, text->at, text->n) == (ssize_t)text->n;
    if (fd >= 0) close(fd);
    if (!whole || rename(tmp, path)) unlink(tmp);
    free(tmp);
}

static void describe(const struct progress *p, const char *note, struct str *out) {
    char warning[512], host[128] = "?";
    struct json_out j = {.to = out};
    gethostname(host, sizeof host - 1);
    json_object(&j);
    json_key_string(&j, "what", p->what);
    json_key_string(&j, "unit", p->unit);
    json_key_int(&j, "first", p->first);
    json_key_int(&j, "done", p->done);
    json_key_int(&j, "total", p->total);
    json_key_real(&j, "rate", report.rate);
    json_key_string(&j, "note", *note ? note : NULL);
    json_key_int(&j, "pid", getpid());
    json_key_string(&j, "host", host);
    json_key_string(&j, "job", getenv("SLURM_JOB_ID"));
    json_key_int(&j, "warnings", log_warnings(warning, sizeof warning));
    json_key_string(&j, "warning", *warning ? warning : NULL);
    json_end(&j);
}

static void write_report(const struct progress *p) {
    struct str text = {0};
    describe(p, report.note, &text);
    replace(report.path, &text);
    str_free(&text);
    report.done = p->done;
}

static void tell_others(const struct progress *p, const char *note, double now) {
    double dt = now - report.written;
    if (!report.path) return;
    snprintf(report.note, sizeof report.note, "%s", note ? note : "");
    if (dt < REPORT_S) return;
    double last = report.written > 0 ? (double)(p->done - report.done) / dt : 0;
    report.rate =
        report.rate > 0 ? report.rate + (1 - exp(-dt / SMOOTH_S)) * (last - report.rate) : last;
    report.written = now;
    write_report(p);
}

void progress_open(struct progress *p, const char *what, const char *unit, int64_t done,
                   int64_t total, double every_s) {
    double now = clock_s();
    *p = (struct progress){.what = what,
                           .unit = unit,
                           .first = done,
                           .total = total,
                           .every_s = every_s,
                           .start = now,
                           .drawn = now,
                           .done = done,
                           .done_then = done};
    report.written = report.rate = 0;
    report.done = done;
    *report.note = '\0';
}

void progress_update(struct progress *p, int64_t done, double now) {
    double dt = now - p->drawn, age = now - p->start;
    p->done = done;
    if (dt <= 0) return;
    /* The mean over all until there is enough for a moving one. */
    double last = (double)(done - p->done_then) / dt, mean = (double)(done - p->first) / age;
    p->rate = age < SMOOTH_S ? mean : p->rate + (1 - exp(-dt / SMOOTH_S)) * (last - p->rate);
    p->drawn = now;
    p->done_then = done;
}

static void rest(const struct progress *p, const char *eta, struct str *out) {
    double left = (double)(p->total - p->done);
    if (p->rate > 0) str_add(out, ", %.*f %s/s", p->rate < 10 ? 2 : 0, p->rate, p->unit);
    if (p->rate > 0 && left > 0) {
        char span[16];
        clock_span(left / p->rate, span);
        str_add(out, ", %s%s", span, eta);
    }
}

void progress_line(const struct progress *p, const char *note, size_t width, struct str *out) {
    double share = p->total > 0 ? (double)p->done / (double)p->total : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    str_add(out, "%s ", p->what);
    if (width && p->total > 0) {
        int full = (int)(share * BAR);
        str_add(out, "[");
        for (int i = 0; i < BAR; i++) str_put(out, i < full ? "#" : "-", 1);
        str_add(out, "] ");
    }
    if (p->total > 0)
        str_add(out, "%.0f %%, %lld/%lld %s", floor(100 * share), (long long)p->done,
                (long long)p->total, p->unit);
    else
        str_add(out, "%lld %s", (long long)p->done, p->unit);
    rest(p, " left", out);
    if (note) str_add(out, ", %s", note);
    if (!width || out->n <= width) return;
    out->n = utf8_whole(out->at, width);
    out->at[out->n] = '\0';
}

/* One less than there are: a full last column makes some terminals scroll. */
static size_t columns(void) {
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1u : 79;
}

void progress_at(struct progress *p, int64_t done, const char *note) {
    double now = clock_s();
    int terminal = log_is_terminal();
    p->done = done;
    tell_others(p, note, now);
    if (now - p->drawn < (terminal ? REDRAW_S : p->every_s)) return;
    progress_update(p, done, now);
    struct str line = {0};
    progress_line(p, note, terminal ? columns() : 0, &line);
    if (terminal)
        log_status(line.at);
    else
        log_info("%s", line.at);
    str_free(&line);
}

void progress_close(struct progress *p) {
    double s = clock_s() - p->start;
    if (report.path && p->done != report.done) write_report(p);
    log_status(NULL);
    if (s < 1) return;
    char span[16];
    clock_span(s, span);
    log_info("%s: %lld %s in %s", p->what, (long long)(p->done - p->first), p->unit, span);
}
