#include "tests/test.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "train/metrics.h"

static void write_steps(const char *run, int64_t from, int64_t to, double value) {
    struct metrics m;
    CHECK_OK(metrics_open(&m, run, from));
    for (int64_t step = from + 1; step <= to; step++) {
        struct metrics_row row = {0};
        metrics_put(&row, "loss", value);
        metrics_write(&m, "train", step, &row);
    }
    metrics_close(&m);
}

/* "1:0.5 2:0.5": step and loss of every line. */
static void check_lines(const char *run, const char *expected) {
    char *path = path_join(run, "metrics.jsonl"), *loss;
    struct bytes b;
    struct str s = {0};
    CHECK_OK(file_read(path, 1 << 20, &b));
    for (char *at = (char *)b.at, *step; (step = strstr(at, "\"step\":")); at = loss) {
        loss = strstr(step, "\"loss\":");
        CHECK(loss);
        str_add(&s, "%s%ld:%g", s.n ? " " : "", strtol(step + 7, NULL, 10), strtod(loss + 7, NULL));
    }
    CHECK_TEXT(s.at ? s.at : "", expected);
    free(path);
    bytes_free(&b);
    str_free(&s);
}

TEST(lines_after_the_step_of_the_checkpoint_are_dropped_on_resume) {
    write_steps(test_dir(), 0, 4, 0.5);
    check_lines(test_dir(), "1:0.5 2:0.5 3:0.5 4:0.5");
    write_steps(test_dir(), 2, 5, 0.25);
    check_lines(test_dir(), "1:0.5 2:0.5 3:0.25 4:0.25 5:0.25");
    write_steps(test_dir(), 0, 1, 0.125); /* a start from nothing */
    check_lines(test_dir(), "1:0.125");
    write_steps(test_dir(), -1, 0, 0.25); /* what is measured before the first step */
    write_steps(test_dir(), -1, 1, 0.75); /* is not there twice */
    check_lines(test_dir(), "0:0.75 1:0.75");
}

TEST(a_line_that_was_cut_off_is_dropped_on_resume) {
    write_steps(test_dir(), 0, 2, 0.5);
    char *path = test_path("metrics.jsonl");
    int fd = open(path, O_WRONLY | O_APPEND);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, "{\"kind\":\"train\",\"step\":2,\"lo", 27), 27);
    close(fd);
    write_steps(test_dir(), 2, 3, 0.25);
    check_lines(test_dir(), "1:0.5 2:0.5 3:0.25");
    free(path);
}

TEST(a_metric_that_is_not_finite_is_null_in_the_file) {
    struct metrics m;
    struct metrics_row row = {0};
    CHECK_OK(metrics_open(&m, test_dir(), 0));
    metrics_put(&row, "loss", NAN);
    metrics_write(&m, "train", 1, &row);
    metrics_close(&m);
    char *path = test_path("metrics.jsonl");
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    CHECK_HAS((char *)b.at, "\"loss\":null}");
    bytes_free(&b);
    free(path);
}

TEST(a_closed_pipe_or_a_full_disk_stops_only_the_metrics) {
    struct metrics m;
    int ends[2];
    signal(SIGPIPE, SIG_IGN); /* as the program does at its start */
    CHECK_OK(metrics_open(&m, test_dir(), 0));
    CHECK_INT(pipe(ends), 0);
    close(ends[0]);
    CHECK(dup2(ends[1], m.fd) == m.fd);
    close(ends[1]);
    struct metrics_row row = {0};
    metrics_put(&row, "loss", 1);
    metrics_write(&m, "train", 1, &row);
    CHECK(m.broken);
    metrics_write(&m, "train", 2, &row); /* and again, silently */
    metrics_close(&m);

    /* /dev/full refuses every byte. */
    CHECK_OK(metrics_open(&m, test_dir(), 0));
    int full = open("/dev/full", O_WRONLY);
    CHECK(full >= 0);
    CHECK(dup2(full, m.fd) == m.fd);
    close(full);
    metrics_write(&m, "train", 1, &row);
    CHECK(m.broken);
    metrics_close(&m);
}

TEST(metrics_that_cannot_be_opened_are_an_error_with_the_path) {
    char *missing = test_path("nowhere");
    struct metrics m;
    CHECK_ERROR(metrics_open(&m, missing, 0), ERR_IO, "nowhere/metrics.jsonl");
    free(missing);
}

static bool holds(const struct bytes *b, const char *text) {
    size_t n = strlen(text), i = 0;
    while (i + n <= b->n && memcmp(b->at + i, text, n) != 0) i++;
    return i + n <= b->n;
}

/* TensorBoard draws a NaN as a triangle; a curve of a class that is not there has no point. */
TEST(what_is_not_a_number_is_null_in_the_lines_and_no_event) {
    struct metrics m;
    struct metrics_row row = {0};
    struct strings files = {0};
    struct bytes lines, events = {0};
    char *path = test_path("metrics.jsonl");
    CHECK_OK(metrics_open(&m, test_dir(), -1));
    metrics_put(&row, "loss", 0.5);
    metrics_put(&row, "unseen", NAN);
    metrics_write(&m, "validation", 1, &row);
    metrics_close(&m);
    CHECK_OK(file_read(path, 1 << 20, &lines));
    CHECK_HAS((char *)lines.at, "\"loss\":0.5");
    CHECK_HAS((char *)lines.at, "\"unseen\":null");
    CHECK_OK(dir_list(test_dir(), &files));
    for (size_t i = 0; i < files.n; i++) {
        char *file = test_path(files.at[i]);
        if (strstr(file, "tfevents")) CHECK_OK(file_read(file, 1 << 20, &events));
        free(file);
    }
    CHECK(holds(&events, "validation/loss"));
    CHECK(!holds(&events, "validation/unseen"));
    bytes_free(&lines);
    bytes_free(&events);
    strings_free(&files);
    free(path);
}
