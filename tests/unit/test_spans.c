#include "base/spans.h"

#include <pthread.h>

#include "base/clock.h"
#include "tests/test.h"

static void spend(double seconds) {
    for (double until = clock_s() + seconds; clock_s() < until;) {
    }
}

TEST(time_belongs_to_the_innermost_span) {
    spans_open();
    double start = clock_s();
    int outer = span_begin("crops");
    spend(0.02);
    int inner = span_begin("CLIP");
    spend(0.04);
    span_end(inner);
    span_end(outer);
    double all = clock_s() - start, crops = spans_seconds("crops"), clip = spans_seconds("CLIP");
    CHECK(crops >= 0.02);
    CHECK(clip >= 0.04);
    CHECK_NEAR(crops + clip, all, 1e-3); /* nothing is counted twice, or lost */
    struct str text = {0};
    spans_text(&text);
    CHECK_HAS(text.at, "crops 0.0");
    CHECK_HAS(text.at, " s, CLIP 0.0");
    CHECK_HAS(text.at, ", other 0.0");
    str_free(&text);
}

TEST(a_span_that_comes_again_is_added_to_itself) {
    spans_open();
    for (int i = 0; i < 3; i++) {
        int span = span_begin("text");
        spend(0.01);
        span_end(span);
    }
    CHECK(spans_seconds("text") >= 0.03);
    CHECK_NEAR(spans_seconds("fuse"), 0, 0);
    spans_open();
    CHECK_NEAR(spans_seconds("text"), 0, 0);
}

static void *elsewhere(void *unused) {
    (void)unused;
    int span = span_begin("loader");
    spend(0.01);
    span_end(span);
    return NULL;
}

TEST(other_threads_are_not_measured) {
    pthread_t thread;
    spans_open();
    CHECK_INT(pthread_create(&thread, NULL, elsewhere, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_NEAR(spans_seconds("loader"), 0, 0);
}
