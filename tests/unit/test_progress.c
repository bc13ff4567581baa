#include "base/progress.h"

#include "base/file.h"
#include "base/log.h"
#include "tests/test.h"

static const char *line(const struct progress *p, const char *note, size_t width) {
    static char out[256];
    struct str s = {0};
    progress_line(p, note, width, &s);
    snprintf(out, sizeof out, "%s", s.at);
    str_free(&s);
    return out;
}

TEST(a_line_says_how_far_how_fast_and_how_long) {
    struct progress p;
    progress_open(&p, "proposals", "images", 0, 200, 30);
    CHECK_TEXT(line(&p, NULL, 0), "proposals 0 %, 0/200 images");
    progress_update(&p, 80, p.start + 4);
    CHECK_TEXT(line(&p, "loss 0.512", 0),
               "proposals 40 %, 80/200 images, 20 images/s, 6.0 s left, loss 0.512");
    CHECK_TEXT(line(&p, NULL, 200),
               "proposals [#########---------------] 40 %, 80/200 images, 20 images/s, 6.0 s left");
    progress_update(&p, 200, p.start + 9);
    CHECK_TEXT(line(&p, NULL, 0), "proposals 100 %, 200/200 images, 22 images/s");
}

TEST(a_resumed_run_does_not_count_what_was_done_before) {
    struct progress p;
    progress_open(&p, "train", "steps", 900, 1000, 30);
    progress_update(&p, 910, p.start + 5);
    CHECK_TEXT(line(&p, NULL, 0), "train 91 %, 910/1000 steps, 2.00 steps/s, 45.0 s left");
}

TEST(the_rate_follows_a_change_of_speed) {
    struct progress p;
    progress_open(&p, "train", "steps", 0, 0, 30);
    for (int t = 1; t <= 20; t++) progress_update(&p, 10 * t, p.start + t);
    CHECK_NEAR(p.rate, 10, 1e-9);
    for (int t = 21; t <= 60; t++) progress_update(&p, 200 + (t - 20), p.start + t);
    CHECK_NEAR(p.rate, 1, 0.2); /* the mean over all would be 4; exp(-40 / 10) of 9 is left */
    CHECK_TEXT(line(&p, NULL, 80), "train 240 steps, 1.16 steps/s");
}

TEST(a_line_is_cut_to_the_terminal_in_whole_characters) {
    struct progress p;
    progress_open(&p, "\xC3\xA9\xC3\xA9\xC3\xA9", "x", 0, 0, 30);
    CHECK_TEXT(line(&p, NULL, 3), "\xC3\xA9");
    CHECK_TEXT(line(&p, NULL, 4), "\xC3\xA9\xC3\xA9");
    progress_at(&p, 1, NULL); /* neither a terminal nor 30 s later: says nothing */
    progress_close(&p);
}

TEST(what_others_read_is_replaced_while_it_goes_on_and_names_the_last_warning) {
    struct progress p;
    struct bytes text = {0};
    char *path = test_path("progress.json");
    progress_report(path);
    progress_open(&p, "mpt", "steps", 0, 60, 30);
    log_warn("a picture is damaged");
    progress_at(&p, 1, "loss 0.5");
    CHECK_OK(file_read(path, 4096, &text));
    CHECK_HAS((char *)text.at,
              "\"what\":\"mpt\",\"unit\":\"steps\",\"first\":0,\"done\":1,\"total\":60");
    CHECK_HAS((char *)text.at, "\"warnings\":1,\"warning\":\"a picture is damaged\"");
    bytes_free(&text);
    CHECK_OK(file_remove(path));
    progress_at(&p, 2, NULL); /* less than a second later */
    CHECK(!file_exists(path));
    progress_at(&p, 3, "loss 0.25");
    progress_close(&p); /* the last word is not older than the end */
    CHECK_OK(file_read(path, 4096, &text));
    CHECK_HAS((char *)text.at, "\"done\":3,");
    CHECK_HAS((char *)text.at, "\"note\":\"loss 0.25\"");
    bytes_free(&text);
    progress_report("/no/such/folder/progress.json"); /* is nobody's business */
    progress_at(&p, 3, NULL);
    progress_report(NULL);
    free(path);
}
