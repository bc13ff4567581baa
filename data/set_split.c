#include "data/set_split.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/rng.h"
#include "data/set.h"

enum { REST = -1 };

/* A count, a share of n, or the rest. */
static int parse_amount(const char *text, int64_t n, int64_t *out) {
    char *end;
    *out = REST;
    if (strcmp(text, "rest") == 0) return 0;
    errno = 0;
    double x = strtod(text, &end);
    bool percent = *end == '%' && !end[1], share = percent || strchr(text, '.');
    if (errno || end == text || (*end && !percent) || !(x >= 0) || (!share && x != floor(x)) ||
        x > (percent ? 100
             : share ? 1
                     : 1e15))
        return error_set(
            ERR_USAGE, "\"%s\" is no part: a count (500), a share (0.8 or 80%%) or \"rest\"", text);
    *out = (int64_t)(share ? floor(x / (percent ? 100 : 1) * (double)n + 0.5) : x);
    return 0;
}

static bool is_name(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", s[i]))
            return false;
    return n > 0 && n < sizeof((struct split_part *)0)->name;
}

static int parse_part(const char *text, size_t n, int64_t pictures, struct split_part *p) {
    const char *equals = memchr(text, '=', n);
    size_t k = equals ? (size_t)(equals - text) : 0;
    if (!is_name(text, k))
        return error_set(ERR_USAGE,
                         "\"%.*s\": a part is NAME=AMOUNT, its name of letters, digits, - "
                         "and _",
                         (int)n, text);
    *p = (struct split_part){0};
    memcpy(p->name, text, k);
    char *amount = mem_format("%.*s", (int)(n - k - 1), equals + 1);
    int status = parse_amount(amount, pictures, &p->n);
    free(amount);
    return status;
}

int set_split_parse(const char *text, int64_t n, struct split_part part[SPLIT_PARTS_MAX],
                    int *parts) {
    int64_t sum = 0;
    int rest = -1;
    *parts = 0;
    for (const char *at = text; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (*parts == SPLIT_PARTS_MAX)
            return error_set(ERR_USAGE, "more than %d parts", SPLIT_PARTS_MAX);
        struct split_part *p = &part[*parts];
        if (parse_part(at, strcspn(at, ","), n, p)) return error_status();
        for (int i = 0; i < *parts; i++)
            if (strcmp(part[i].name, p->name) == 0)
                return error_set(ERR_USAGE, "part %s is there twice", p->name);
        if (p->n == REST && rest >= 0)
            return error_set(ERR_USAGE, "\"rest\" goes to one part only");
        if (p->n == REST)
            rest = *parts;
        else
            sum += p->n;
        ++*parts;
    }
    if (sum > n)
        return error_set(ERR_USAGE, "the parts take %lld pictures; there are %lld", (long long)sum,
                         (long long)n);
    if (rest >= 0) part[rest].n = n - sum;
    for (int i = 0; i < *parts; i++)
        if (!part[i].n)
            return error_set(ERR_USAGE, "part %s has no picture (of %lld)", part[i].name,
                             (long long)n);
    return 0;
}

static int by_number(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int write_part(const struct dataset *d, const struct split_part *part, const int64_t *at,
                      const char *dir, int (*stop)(void)) {
    struct set_info info = {d->class_name, d->class_seen, d->n_classes, d->ignore, ""};
    struct set_writer w;
    struct progress bar;
    char *file = mem_format("%s.h5", part->name), *path = path_join(dir, file);
    int status = set_create(&w, path, &info);
    progress_open(&bar, part->name, "pictures", 0, part->n, 30);
    for (int64_t k = 0; k < part->n && !status; k++) {
        status = set_copy(&w, d, at[k]);
        progress_at(&bar, k + 1, NULL);
        if (!status && stop) status = stop();
    }
    progress_close(&bar);
    if (!status) status = set_finish(&w);
    set_drop(&w);
    free(path);
    free(file);
    return status;
}

int set_split(const struct dataset *d, const struct split_part *part, int parts, uint64_t seed,
              const char *dir, int (*stop)(void)) {
    int64_t *order = mem_alloc((size_t)d->n_images, sizeof *order), *at = order;
    struct rng r = rng_stream(seed, "data.split", 0);
    for (int64_t i = 0; i < d->n_images; i++) order[i] = i;
    rng_shuffle(&r, order, d->n_images);
    int status = dir_make(dir);
    for (int i = 0; i < parts && !status; i++) {
        qsort(at, (size_t)part[i].n, sizeof *at, by_number);
        status = write_part(d, &part[i], at, dir, stop);
        at += part[i].n;
    }
    free(order);
    return status;
}
