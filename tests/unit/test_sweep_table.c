/* The table of a sweep whose runs are made here. */
#include "train/sweep/sweep_table.h"

#include <math.h>

#include "base/file.h"
#include "tests/test.h"

enum { SEEDS = 2 };

/* A sweep of so many settings, none of whose trials has begun. */
static void made_open(struct sweep *s, size_t settings) {
    static int64_t seeds[SEEDS] = {1, 2};
    static char metric[] = "miou.all", none[] = "", name[] = "made";
    size_t n = settings * SEEDS;
    *s = (struct sweep){.n_trials = n, .n_stages = n, .dir = test_path("sweep-made")};
    s->file.name = name;
    s->file.opt = (struct sweep_options){.seeds = {seeds, SEEDS}, .metric = metric, .paper = none};
    s->settings = (struct sweep_settings){mem_alloc(settings, sizeof *s->settings.at), settings, 0};
    s->trial = mem_alloc(n, sizeof *s->trial);
    s->stage = mem_alloc(n, sizeof *s->stage);
    for (size_t i = 0; i < settings; i++)
        s->settings.at[i] =
            (struct sweep_setting){.label = mem_format("setting %zu", i), .paper = NAN};
    for (size_t k = 0; k < n; k++) {
        struct sweep_trial *t = &s->trial[k];
        *t = (struct sweep_trial){.setting = k / SEEDS, .seed = seeds[k % SEEDS], .n_stages = 1};
        t->stage = mem_alloc(1, sizeof *t->stage);
        t->stage[0] = t->closing = t->judged = t->wanted[0] = k;
        t->n_wanted = 1;
        s->stage[k] = (struct sweep_stage){.n_trials = 1, .trial = k};
        char *run = mem_format("run-%zu", k);
        s->stage[k].dir = test_path(run);
        free(run);
    }
}

static void made_close(struct sweep *s) {
    for (size_t k = 0; k < s->n_trials; k++) {
        free(s->trial[k].stage);
        free(s->stage[k].dir);
    }
    for (size_t i = 0; i < s->settings.n; i++) free(s->settings.at[i].label);
    free(s->settings.at);
    free(s->trial);
    free(s->stage);
    free(s->dir);
}

/* Many settings have the same objective. */
static double objective(size_t k) { return (double)(k / SEEDS * 7 % 13); }

/* Trial k is whole; each third one has a figure more than others, in their middle. */
static void finish(struct sweep *s, size_t k) {
    char *path = path_join(s->stage[k].dir, "evaluation.json");
    char *text = mem_format("{\"rows\":[{\"name\":\"mpt\",%s\"miou\":{\"all\":%g,\"seen\":%zu}}]}",
                            k % 3 == 1 ? "\"more\":1," : "", objective(k), k);
    CHECK_OK(dir_make(s->stage[k].dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    s->stage[k].state = SWEEP_DONE;
    free(path);
    free(text);
}

static void check_same_table(const struct sweep_table *a, const struct sweep_table *b) {
    struct str csv[2] = {{0}}, md[2] = {{0}};
    sweep_table_csv(a, &csv[0]);
    sweep_table_csv(b, &csv[1]);
    sweep_table_md(a, &md[0]);
    sweep_table_md(b, &md[1]);
    CHECK_TEXT(csv[0].at, csv[1].at);
    CHECK_TEXT(md[0].at, md[1].at);
    for (int i = 0; i < 2; i++) {
        str_free(&csv[i]);
        str_free(&md[i]);
    }
}

TEST(a_table_that_grew_with_its_trials_is_that_which_is_made_at_once) {
    enum { SETTINGS = 8 };
    struct sweep s;
    struct sweep_table t, whole;
    made_open(&s, SETTINGS);
    CHECK_OK(sweep_table_open(&t, &s));
    for (size_t i = 0; i < s.n_trials; i++) { /* in another order than theirs */
        finish(&s, i * 5 % s.n_trials);
        CHECK_OK(sweep_table_refresh(&t));
        CHECK_OK(sweep_table_open(&whole, &s));
        check_same_table(&t, &whole);
        sweep_table_close(&whole);
    }
    sweep_table_close(&t);
    made_close(&s);
}

TEST(ranks_are_one_more_than_what_is_better_and_equal_ones_share_theirs) {
    enum { SETTINGS = 40 };
    struct sweep s;
    made_open(&s, SETTINGS);
    for (size_t k = 0; k + 1 < s.n_trials; k++) finish(&s, k); /* a seed of the last is not there */
    for (int goal = SWEEP_MAX; goal <= SWEEP_MIN; goal++) {
        struct sweep_table t;
        s.file.opt.goal = goal;
        CHECK_OK(sweep_table_open(&t, &s));
        for (size_t i = 0; i + 1 < SETTINGS; i++) {
            size_t better = 0;
            for (size_t k = 0; k + 1 < SETTINGS; k++) {
                double d = objective(k * SEEDS) - objective(i * SEEDS);
                better += goal == SWEEP_MIN ? d < 0 : d > 0;
            }
            CHECK_INT(t.line[i].rank, better + 1);
        }
        CHECK_INT(t.line[SETTINGS - 1].rank, 0);
        sweep_table_close(&t);
    }
    made_close(&s);
}
