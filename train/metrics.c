#include "train/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "train/events.h"

void metrics_put(struct metrics_row *r, const char *name, double value) {
    REQUIRE(r->n < METRICS_MAX, "more than %d metrics in a row", METRICS_MAX);
    r->at[r->n++] = (struct metric){name, value};
}

double metrics_value(const struct metrics_row *r, const char *name) {
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->at[i].name, name) == 0) return r->at[i].value;
    return NAN;
}

/* Keeps the lines up to `step`; a line that was cut off in the middle goes too. */
static int drop_later_lines(const char *path, int64_t step) {
    if (!file_exists(path)) return 0;
    struct bytes old;
    int status = file_read(path, (size_t)1 << 30, &old);
    if (status) return status;
    struct str kept = {0};
    char *line = (char *)old.at, *end;
    while ((end = memchr(line, '\n', (size_t)((char *)old.at + old.n - line)))) {
        *end = '\0';
        const char *at = strstr(line, "\"step\":");
        if (at && strtoll(at + 7, NULL, 10) <= step) str_add(&kept, "%s\n", line);
        line = end + 1;
    }
    status = file_write(path, kept.at ? kept.at : "", kept.n);
    str_free(&kept);
    bytes_free(&old);
    return status;
}

static double wall_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void put(struct metrics *m, int fd, const struct str *s) {
    const char *p = s->at;
    size_t n = s->n;
    while (n && !m->broken) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) {
            m->broken = errno;
            log_warn("%s: %s; the run goes on without its metrics", m->path, strerror(errno));
            return;
        }
        p += k;
        n -= (size_t)k;
    }
}

int metrics_open(struct metrics *m, const char *run, int64_t step) {
    *m = (struct metrics){.path = path_join(run, "metrics.jsonl"), .fd = -1, .events = -1};
    int status = drop_later_lines(m->path, step);
    char *events = mem_format("%s/events.out.tfevents.%lld.ovseg", run, (long long)time(NULL));
    if (!status) {
        m->fd = open(m->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        m->events = open(events, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (m->fd < 0 || m->events < 0)
            status = error_set(ERR_IO, "%s: cannot create: %s", m->path, strerror(errno));
    }
    free(events);
    if (status) {
        metrics_close(m);
        return status;
    }
    struct str header = {0};
    events_header(&header, wall_s());
    put(m, m->events, &header);
    str_free(&header);
    return 0;
}

void metrics_write(struct metrics *m, const char *kind, int64_t step, const struct metrics_row *r) {
    struct str line = {0}, events = {0};
    struct json_out j = {.to = &line};
    double wall = wall_s();
    json_object(&j);
    json_key_string(&j, "kind", kind);
    json_key_int(&j, "step", step);
    json_key_real(&j, "wall", wall);
    for (int i = 0; i < r->n; i++) {
        json_key_real(&j, r->at[i].name, r->at[i].value);
        if (isnan(r->at[i].value)) continue; /* no class of the kind: a curve without that point */
        char *tag = mem_format("%s/%s", kind, r->at[i].name);
        events_scalar(&events, wall, step, tag, (float)r->at[i].value);
        free(tag);
    }
    json_end(&j);
    str_add(&line, "\n");
    put(m, m->fd, &line);
    if (events.n) put(m, m->events, &events);
    str_free(&line);
    str_free(&events);
}

void metrics_close(struct metrics *m) {
    if (m->fd >= 0) close(m->fd);
    if (m->events >= 0) close(m->events);
    free(m->path);
    *m = (struct metrics){.fd = -1, .events = -1};
}
