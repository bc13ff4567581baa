#include "base/spans.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"

enum { SPANS_MAX = 32, DEPTH_MAX = 16, OFF = -1 };

static _Thread_local struct {
    int n, depth;
    const char *name[SPANS_MAX];
    double seconds[SPANS_MAX];
    int open[DEPTH_MAX]; /* indices of names, outermost first */
    double since;        /* the last begin or end */
    double other;
    bool on;
} spans;

void spans_open(void) {
    memset(&spans, 0, sizeof spans);
    spans.on = true;
    spans.since = clock_s();
}

/* What has passed belongs to the innermost open span. */
static void lap(void) {
    double now = clock_s();
    double *to = spans.depth ? &spans.seconds[spans.open[spans.depth - 1]] : &spans.other;
    *to += now - spans.since;
    spans.since = now;
}

static int find(const char *name) {
    int i = 0;
    while (i < spans.n && strcmp(spans.name[i], name) != 0) i++;
    return i;
}

int span_begin(const char *name) {
    if (!spans.on) return OFF;
    lap();
    int i = find(name);
    REQUIRE(i < SPANS_MAX && spans.depth < DEPTH_MAX, "span %s: too many", name);
    if (i == spans.n) spans.name[spans.n++] = name;
    spans.open[spans.depth++] = i;
    return spans.depth;
}

void span_end(int span) {
    if (span == OFF) return;
    REQUIRE(span == spans.depth, "span %d ends while %d are open", span, spans.depth);
    lap();
    spans.depth--;
}

void spans_text(struct str *out) {
    lap();
    for (int i = 0; i < spans.n; i++) str_add(out, "%s %.2f s, ", spans.name[i], spans.seconds[i]);
    str_add(out, "other %.2f s", spans.other);
}

double spans_seconds(const char *name) {
    lap();
    int i = find(name);
    return i < spans.n ? spans.seconds[i] : 0;
}
