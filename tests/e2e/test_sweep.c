/* `ovseg sweep` on the smoke chain: shared stages once, failures kept, stops, resuming, the table.
 * Each case runs a chain of seconds; together they are the smallest tables of the paper. */
/* ctest: timeout=900 labels=slow processors=2 */
#include <signal.h>
#include <time.h>

#include "base/file.h"
#include "data/csv.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static char *smoke(void) { return realpath(TEST_SOURCE_DIR "/configs/smoke", NULL); }

static char *put(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

static char *replaced(const char *text, const char *from, const char *to) {
    struct str s = {0};
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        str_put(&s, text, (size_t)(at - text));
        str_add(&s, "%s", to);
    }
    str_add(&s, "%s", text);
    return s.at;
}

/* ovseg sweep WORD... output_dir=DIR/OUT, where its program is found; NULL ends the words. */
static void sweep_start(struct process *p, const char *out, const char *const *words) {
    const char *argv[24] = {TEST_PROGRAM};
    char *program = path_dir(TEST_PROGRAM), *whole = path_join(program, "ovseg");
    char *dir = mem_format("output_dir=%s/%s", test_dir(), out);
    size_t n = 0;
    argv[n++] = whole;
    argv[n++] = "sweep";
    for (; *words; words++) argv[n++] = *words;
    argv[n++] = dir;
    process_start(p, argv, NULL);
    free(program);
    free(whole);
    free(dir);
}

static struct ended sweep_run(const char *out, const char *const *words) {
    struct process p;
    sweep_start(&p, out, words);
    return process_wait(&p, 850);
}
#define SWEEP(out, ...) sweep_run(out, (const char *const[]){__VA_ARGS__, NULL})

static void check_sweep(const char *out, const char *file, int status) {
    struct ended e = SWEEP(out, file);
    check_status(&e, status);
    ended_free(&e);
}

static bool starts(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* The folder of the sweep; owned. */
static char *sweep_dir(const char *out) {
    char *dir = test_path(out), *found = NULL;
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++)
        if (starts(names.at[i], "sweep-")) {
            CHECK(!found);
            found = path_join(dir, names.at[i]);
        }
    CHECK(found);
    strings_free(&names);
    free(dir);
    return found;
}

static char *table_of(const char *out, const char *name) {
    char *dir = sweep_dir(out), *path = path_join(dir, name), *text = text_of(path);
    free(path);
    free(dir);
    return text;
}

/* How many run folders begin with `name`-, as hashes follow. */
static int runs(const char *out, const char *name) {
    char *dir = test_path(out);
    struct strings names;
    int n = 0;
    CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++)
        n += starts(names.at[i], name) && strlen(names.at[i]) == strlen(name) + 13 &&
             names.at[i][strlen(name)] == '-';
    strings_free(&names);
    free(dir);
    return n;
}

static const char *cell(const struct csv *c, size_t row, const char *column) {
    for (size_t i = 0; i < c->at[0].n; i++)
        if (strcmp(c->at[0].at[i], column) == 0) return c->at[row].at[i];
    test_fail(__FILE__, __LINE__, "sweep.csv has no column %s", column);
}

static void read_csv(const char *out, struct csv *c) {
    char *dir = sweep_dir(out), *path = path_join(dir, "sweep.csv");
    CHECK_OK(csv_read(c, path));
    free(path);
    free(dir);
}

/* A chain without an evaluation: seconds. */
static char *small_sweep(const char *name, const char *rest) {
    char *here = smoke();
    char *text = mem_format("config: %s/finetune.yaml\n%s", here, rest);
    char *path = put(name, text);
    free(text);
    free(here);
    return path;
}

TEST(a_grid_runs_what_trials_share_once_and_ranks_them_by_validation) {
    char *file = small_sweep("grid.yaml",
                             "seeds: [1, 2]\nparameters:\n"
                             "  optim.lr: {values: [1e-4, 1e-2]}\n"
                             "  optim.steps: {value: 8}\n"
                             "objective: {metric: mask_accuracy, on: validation}\n");
    struct ended plan = SWEEP("out", file, "--dry-run");
    check_status(&plan, 0);
    CHECK_HAS(plan.out,
              "4 trials of 2 settings with 2 seeds: 12 stages, 8 of them shared, 12 to run");
    CHECK_HAS(plan.out, "    1  seed 1      run        optim.lr=1e-4");
    CHECK_HAS(plan.out, "    4  seed 2      run        optim.lr=1e-2");
    ended_free(&plan);
    struct ended e = SWEEP("out", file, "-j", "2");
    check_status(&e, 0);
    static const char *const shared[] = {"scenes", "clip", "proposals", "mine"};
    for (size_t i = 0; i < 4; i++) CHECK_INT(runs("out", shared[i]), 2); /* one a seed */
    CHECK_INT(runs("out", "finetune"), 4);
    CHECK_HAS(e.err, "12/12 ");
    CHECK_HAS(e.out, "rank 1");
    struct csv c;
    read_csv("out", &c);
    CHECK_INT(c.n, 5);
    CHECK_TEXT(cell(&c, 4, "trial"), "4");
    CHECK_TEXT(cell(&c, 4, "optim.lr"), "1e-2");
    CHECK_TEXT(cell(&c, 3, "seed"), "1");
    CHECK_TEXT(cell(&c, 1, "state"), "done");
    CHECK_TEXT(cell(&c, 1, "objective"), cell(&c, 1, "mask_accuracy"));
    double a = strtod(cell(&c, 1, "objective"), NULL), b = strtod(cell(&c, 2, "objective"), NULL);
    CHECK_NEAR(strtod(cell(&c, 2, "mean"), NULL), (a + b) / 2, 1e-9);
    CHECK_NEAR(strtod(cell(&c, 2, "deviation"), NULL), fabs(a - b) / sqrt(2), 1e-9);
    csv_free(&c);
    char *before = table_of("out", "sweep.csv");
    struct ended again = SWEEP("out", file, "--dry-run"), rerun = SWEEP("out", file);
    CHECK_HAS(again.out, " 0 to run");
    check_status(&rerun, 0);
    CHECK(rerun.cpu < 20); /* nothing is trained */
    char *after = table_of("out", "sweep.csv");
    CHECK_TEXT(after, before);
    /* the same settings by themselves are the same run */
    struct ended alone =
        TRAIN("out", "smoke/finetune.yaml", "optim.lr=1e-2", "optim.steps=8", "seed=2");
    check_status(&alone, 0);
    CHECK_INT(runs("out", "finetune"), 4);
    ended_free(&e);
    ended_free(&again);
    ended_free(&rerun);
    ended_free(&alone);
    char *const owned[] = {file, before, after};
    for (size_t i = 0; i < 3; i++) free(owned[i]);
}

static const char injected[] =
    "method: list\nlist:\n"
    "  - {name: good, optim.steps: 6}\n"
    "  - {name: too large, optim.steps: 6, batch.global: 100000}\n"
    "  - {name: other, optim.steps: 7}\n"
    "objective: {metric: mask_accuracy}\n";

TEST(a_trial_that_fails_is_kept_and_listed_and_does_not_stop_the_others) {
    char *file = small_sweep("fails.yaml", injected);
    struct ended e = SWEEP("out", file, "-j", "2");
    check_status(&e, 78); /* that of the stage */
    CHECK_HAS(e.err, "1 of 3 trials failed, finetune-");
    CHECK_HAS(e.out, "failed   ");
    CHECK_HAS(e.out, "batch.global 100000, but there are only ");
    struct csv c;
    read_csv("out", &c);
    CHECK_TEXT(cell(&c, 1, "state"), "done");
    CHECK_TEXT(cell(&c, 2, "state"), "failed");
    CHECK_TEXT(cell(&c, 2, "objective"), "");
    CHECK_TEXT(cell(&c, 2, "rank"), "");
    CHECK_TEXT(cell(&c, 3, "state"), "done");
    csv_free(&c);
    char *md = table_of("out", "sweep.md");
    CHECK_HAS(md, "| failed run | exit | why |");
    struct ended status = SWEEP("out", "status", file); /* another process remembers it */
    check_status(&status, 0);
    CHECK_HAS(status.out, "failed     too large");
    CHECK_HAS(status.out, "exit 78: ");
    ended_free(&status);
    ended_free(&e);
    free(md);
    free(file);
}

TEST(what_needs_a_stage_that_failed_is_not_run_and_the_rest_is) {
    char *file = small_sweep("upstream.yaml",
                             "method: list\nlist:\n"
                             "  - {name: good, optim.steps: 4}\n"
                             "  - {name: bad a, optim.steps: 4, clip:batch.global: 100000}\n"
                             "  - {name: bad b, optim.steps: 5, clip:batch.global: 100000}\n");
    struct ended e = SWEEP("out", file);
    check_status(&e, 78);
    CHECK_HAS(e.err, "2 of 3 trials failed, clip-");
    CHECK_HAS(e.out, "not run  ");
    CHECK_INT(runs("out", "clip"), 2);
    CHECK_INT(runs("out", "finetune"), 1);
    struct csv c;
    read_csv("out", &c);
    CHECK_TEXT(cell(&c, 1, "state"), "done");
    CHECK_TEXT(cell(&c, 2, "state"), "not run");
    csv_free(&c);
    ended_free(&e);
    free(file);
}

static const char two[] =
    "parameters:\n  optim.steps: {values: [6, 9]}\nseeds: [1, 2]\n"
    "objective: {metric: mask_accuracy}\n";

/* Interrupts a sweep while it works, then lets it end: the table of one that was left alone. */
static void check_resumes(const char *out, const char *file, int signo, int status,
                          const char *whole) {
    char *dir = test_path(out);
    struct process p;
    sweep_start(&p, out, (const char *const[]){file, "-j", "2", NULL});
    bool begun = false;
    const struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};
    for (int i = 0; !begun && i < 6000; i++) { /* until the first CLIP is at work */
        begun = dir_exists(dir) && runs(out, "clip");
        nanosleep(&nap, NULL);
    }
    CHECK(begun);
    kill(p.pid, signo);
    struct ended e = process_wait(&p, 300);
    check_status(&e, status);
    ended_free(&e);
    if (signo != SIGKILL) {
        char *csv = table_of(out, "sweep.csv");
        CHECK_HAS(csv, ",waiting,");
        free(csv);
    }
    check_sweep(out, file, 0);
    char *csv = table_of(out, "sweep.csv");
    CHECK_TEXT(csv, whole);
    free(csv);
    free(dir);
}

TEST(a_sweep_that_was_stopped_or_killed_goes_on_and_gives_the_same_table) {
    char *file = small_sweep("two.yaml", two);
    check_sweep("whole", file, 0);
    char *whole = table_of("whole", "sweep.csv");
    check_resumes("term", file, SIGTERM, 143, whole);
    check_resumes("usr1", file, SIGUSR1, 75, whole);
    check_resumes("int", file, SIGINT, 130, whole);
    check_resumes("kill", file, SIGKILL, 128 + SIGKILL, whole);
    free(whole);
    free(file);
}

TEST(only_what_is_missing_is_run_again) {
    char *file = small_sweep("missing.yaml", two);
    check_sweep("out", file, 0);
    char *csv = table_of("out", "sweep.csv"), *dir = test_path("out");
    struct csv c;
    read_csv("out", &c);
    char *gone = path_join(dir, cell(&c, 3, "run"));
    char *kept = mem_format("%s/%s/DONE", dir, cell(&c, 1, "run"));
    CHECK_OK(dir_remove(gone));
    char *before = listing_of(kept);
    struct ended plan = SWEEP("out", file, "--dry-run");
    CHECK_HAS(plan.out, " 1 to run");
    check_sweep("out", file, 0);
    char *after = listing_of(kept), *csv_after = table_of("out", "sweep.csv");
    CHECK_TEXT(after, before);
    CHECK_TEXT(csv_after, csv);
    CHECK(dir_exists(gone));
    csv_free(&c);
    ended_free(&plan);
    char *const owned[] = {file, csv, dir, gone, kept, before, after, csv_after};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(the_jobs_of_a_cluster_make_the_same_table) {
    char *file = small_sweep("jobs.yaml", two);
    check_sweep("whole", file, 0);
    CHECK_INT(setenv("PATH", "/nowhere", 1),
              0); /* an sbatch that is installed may have no cluster */
    struct ended plan = SWEEP("out", file, "--on", "slurm");
    check_status(&plan, 0);
    CHECK_HAS(plan.out, "--array=1-4\n");
    CHECK_HAS(plan.out, "    --trial=\"$SLURM_ARRAY_TASK_ID\"\n");
    CHECK_HAS(plan.out, "    --shared \\\n");
    struct ended shared = SWEEP("out", file, "--shared", "-j", "2");
    check_status(&shared, 0);
    CHECK_INT(runs("out", "mine"), 2);
    CHECK_INT(runs("out", "finetune"), 0);
    static const char *const tasks[] = {"4", "2", "1"};
    for (int i = 0; i < 3; i++) {
        struct ended e = SWEEP("out", file, "--trial", tasks[i], "--set", "threads=1");
        check_status(&e, 0);
        ended_free(&e);
    }
    struct ended rest = SWEEP("out", file, "--on", "slurm");
    CHECK_HAS(rest.out, "--array=3\n");
    CHECK(!strstr(rest.out, "--shared"));
    struct ended last = SWEEP("out", file, "--trial", "3", "--set", "threads=1");
    check_status(&last, 0);
    struct ended status = SWEEP("out", "status", file);
    check_status(&status, 0);
    char *csv = table_of("out", "sweep.csv"), *whole = table_of("whole", "sweep.csv");
    CHECK_TEXT(csv, whole);
    struct ended none = SWEEP("out", file, "--trial", "5");
    check_status(&none, 64);
    CHECK_HAS(none.err, "--trial 5: there are 4");
    ended_free(&plan);
    ended_free(&shared);
    ended_free(&rest);
    ended_free(&last);
    ended_free(&status);
    ended_free(&none);
    char *const owned[] = {file, csv, whole};
    for (size_t i = 0; i < 3; i++) free(owned[i]);
}

/* ctest, next: processors=1 */
TEST(mistakes_of_all_trials_are_told_before_the_first_step) {
    char *file = small_sweep("wrong.yaml",
                             "parameters:\n  optim.lrr: {values: [1, 2]}\n"
                             "  finetone:optim.steps: {values: [1, 2]}\n"
                             "  prompt.depth: {value: 3}\n");
    struct ended e = SWEEP("out", file);
    check_status(&e, 78);
    CHECK_HAS(e.err, "wrong.yaml:3:24: unknown setting optim.lrr (did you mean optim.lr?)");
    CHECK_HAS(e.err, "wrong.yaml:5:25: prompt.depth has no effect in stage clip-finetune");
    ended_free(&e);
    char *scope =
        small_sweep("scope.yaml", "parameters:\n  finetone:optim.steps: {values: [1, 2]}\n");
    struct ended s = SWEEP("out", scope);
    check_status(&s, 78);
    CHECK_HAS(s.err, "scope.yaml:3:35: finetone:optim.steps: no config of that name");
    ended_free(&s);
    char *set = small_sweep("set.yaml", two);
    struct ended both = SWEEP("out", set, "optim.steps=3"), seed = SWEEP("out", set, "seed=3");
    check_status(&both, 78);
    CHECK_HAS(both.err, "command line: optim.steps: ");
    check_status(&seed, 78);
    CHECK_HAS(seed.err, "(--seeds)");
    ended_free(&both);
    ended_free(&seed);
    char *out = test_path("out");
    CHECK(!dir_exists(out));
    char *const owned[] = {file, scope, set, out};
    for (size_t i = 0; i < 4; i++) free(owned[i]);
}

/* ---- the shipped sweeps ---- */

static const char *const tables[] = {"table2", "table3",    "table5", "table6",
                                     "table7", "table8",    "lambda", "unmasked",
                                     "fill",   "templates", "loss"};

/* ctest, next: processors=1 */
TEST(every_shipped_sweep_is_whole_on_the_embedded_data) {
    size_t n = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++, n++) {
        char *file = mem_format("%s/configs/sweeps/%s.yaml", TEST_SOURCE_DIR, tables[i]);
        struct ended e = SWEEP("out", file, "--dry-run");
        check_status(&e, 0);
        CHECK_HAS(e.out, "seeds: ");
        ended_free(&e);
        free(file);
    }
    CHECK_INT(n, 11);
}

/* A file of configs/sweeps on the smoke chain, in test_dir(). */
static char *smaller(const char *name) {
    char *here = smoke(), *file = mem_format("%s/configs/sweeps/%s.yaml", TEST_SOURCE_DIR, name);
    char *up = mem_format("%s/", here), *text = text_of(file);
    char *own = replaced(text, "../embedded/mine-gt.yaml", "mine-gt.yaml");
    char *moved = replaced(own, "../", up), *shallow = replaced(moved, "depth: 3", "depth: 2");
    char *seeds = replaced(shallow, "[1, 2, 3]", "[1, 2]");
    char *base = mem_format("%s.yaml", name), *path = put(base, seeds);
    char *const owned[] = {here, file, up, text, own, moved, shallow, seeds, base};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return path;
}

static void check_table(const char *name, size_t rows, const char *has) {
    char *here = smoke();
    char *text = mem_format(
        "stage: mine\ninputs: {scenes: %s/scenes.yaml}\n"
        "mine: {ground_truth: true, images: 64, min_area: 4}\n",
        here);
    char *const made[] = {put("mine-gt.yaml", text), smaller("eval"), smaller("joint"),
                          smaller(name)};
    struct ended e = SWEEP(name, made[3], "eval.mask_threshold=0.3", "eval.min_area=4", "-j", "2");
    check_status(&e, 0);
    char *md = table_of(name, "sweep.md");
    CHECK_HAS(md, has);
    CHECK_HAS(md, " ± ");
    struct csv c;
    read_csv(name, &c);
    CHECK_INT(c.n, 1 + 2 * rows);
    for (size_t i = 1; i < c.n; i++) {
        CHECK_TEXT(cell(&c, i, "state"), "done");
        CHECK(*cell(&c, i, "model.miou.all") && *cell(&c, i, "objective"));
    }
    printf("sweep %s, smoke scale: %zu trials in %.1f s, %.1f s of processor\n", name, c.n - 1,
           e.seconds, e.cpu);
    csv_free(&c);
    ended_free(&e);
    for (size_t i = 0; i < 4; i++) free(made[i]);
    free(md);
    free(here);
    free(text);
}

TEST(table_3_at_smoke_scale) { check_table("table3", 4, "| FT + MPT | 2 of 2 |"); }
TEST(table_5_at_smoke_scale) { check_table("table5", 3, "| MPT, then FT | 2 of 2 |"); }
TEST(table_7_at_smoke_scale) { check_table("table7", 3, "| VPT | 2 of 2 |"); }
TEST(table_8_at_smoke_scale) { check_table("table8", 6, "| both, 75 % GT | 2 of 2 |"); }
