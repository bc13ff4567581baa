/* What a sweep file means: trials, their numbers and settings; and what is wrong with one. */
#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "tests/test.h"
#include "train/sweep/sweep_trials.h"

static struct sweep_file f;
static struct sweep_settings s;

static int read(const char *text) {
    char *path = test_path("s.yaml");
    CHECK_OK(file_write(path, text, strlen(text)));
    s = (struct sweep_settings){0};
    int status = sweep_file_read(&f, path);
    if (!status) status = sweep_settings_of(&s, &f);
    free(path);
    return status;
}

static void drop(void) {
    sweep_settings_free(&s);
    sweep_file_close(&f);
}

static const char *value(size_t setting, const char *key) {
    const char *v = string_map_get(&s.at[setting].columns, key);
    return v ? v : "";
}

static void check_wrong(const char *text, const char *says) {
    CHECK_ERROR(read(text), ERR_CONFIG, says);
    drop();
}

TEST(a_grid_is_all_combinations_and_the_last_parameter_runs_fastest) {
    CHECK_OK(
        read("config: a.yaml\nseeds: [3, 4]\nparameters:\n"
             "  finetune:optim.lr: {values: [1e-4, 3e-4]}\n"
             "  optim: {steps: {values: [10, 20, 30]}}\n"
             "  loss.kind: {value: noun-bank}\n"));
    CHECK_INT(s.n, 6);
    CHECK_INT(f.opt.seeds.n, 2);
    CHECK_TEXT(s.at[0].label, "finetune:optim.lr=1e-4 optim.steps=10");
    CHECK_TEXT(s.at[1].label, "finetune:optim.lr=1e-4 optim.steps=20");
    CHECK_TEXT(s.at[5].label, "finetune:optim.lr=3e-4 optim.steps=30");
    CHECK_TEXT(value(4, "finetune:optim.lr"), "3e-4");
    CHECK_INT(s.at[0].set.n, 3); /* the constant is set, but is no column */
    CHECK_TEXT(value(0, "loss.kind"), "");
    CHECK_TEXT(s.at[0].set.at[0].scope, "finetune");
    CHECK_TEXT(s.at[0].set.at[0].key, "optim.lr");
    CHECK_INT(s.at[0].set.at[0].mark.line, 4); /* where a mistake of it will be told */
    char *dir = mem_format("%s/a.yaml", test_dir());
    CHECK_TEXT(f.config, dir);
    free(dir);
    drop();
}

TEST(lists_and_texts_are_values_as_the_command_line_has_them) {
    CHECK_OK(
        read("config: a.yaml\nparameters:\n"
             "  text.templates: {values: [[vild], [\"a photo of a {}.\", b]]}\n"
             "  \"*:crop.fill\": {values: [mean, zero]}\n"
             "  validate.set: {values: [\"\", val]}\n"));
    CHECK_INT(s.n, 8);
    CHECK_TEXT(value(0, "text.templates"), "[vild]");
    CHECK_TEXT(value(4, "text.templates"), "[\"a photo of a {}.\", b]");
    CHECK_TEXT(s.at[0].set.at[1].scope, "*");
    CHECK_TEXT(value(0, "validate.set"), "\"\"");
    drop();
}

TEST(rows_of_a_list_have_names_or_are_called_after_their_settings) {
    CHECK_OK(
        read("config: a.yaml\nmethod: list\nlist:\n"
             "  - {name: raw, inputs.model: b.yaml}\n"
             "  - optim: {lr: 3}\n    mpt:prompt.depth: 2\n"
             "  - name: as it is\n"
             "parameters:\n  eval.lambda: {values: [0.5, 1]}\n"));
    CHECK_INT(s.n, 6); /* the rows outermost */
    CHECK_TEXT(s.at[0].label, "raw eval.lambda=0.5");
    CHECK_TEXT(s.at[3].label, "eval.lambda=1 optim.lr=3 mpt:prompt.depth=2");
    CHECK_TEXT(value(3, "mpt:prompt.depth"), "2");
    CHECK_TEXT(value(0, "inputs.model"), "b.yaml");
    drop();
}

TEST(a_row_may_carry_what_the_paper_has_for_it_which_is_no_setting) {
    CHECK_OK(
        read("config: a.yaml\nmethod: list\npaper: mIoU on A-150\nlist:\n"
             "  - {name: raw, paper: 21.8}\n  - {name: FT, optim.lr: 3}\n"));
    CHECK_TEXT(f.opt.paper, "mIoU on A-150");
    CHECK_NEAR(s.at[0].paper, 21.8, 0);
    CHECK(isnan(s.at[1].paper));
    CHECK_INT(s.at[0].set.n, 0);
    drop();
    CHECK_OK(read("config: a.yaml\nparameters:\n  optim.lr: {values: [1, 2]}\n"));
    CHECK_TEXT(f.opt.paper, "");
    CHECK(isnan(s.at[0].paper));
    drop();
    check_wrong("config: a.yaml\nmethod: list\nlist: [{name: a, paper: much}]\n",
                "s.yaml:3:25: paper: ");
}

TEST(draws_are_the_same_each_time_and_never_twice_the_same_trial) {
    static const char text[] =
        "config: a.yaml\nmethod: random\ntrials: 6\nparameters:\n"
        "  optim.lr: {values: [1, 2, 3]}\n  optim.steps: {values: [4, 5]}\n";
    struct str first = {0}, second = {0};
    CHECK_OK(read(text));
    for (size_t i = 0; i < s.n; i++) {
        str_add(&first, "%s\n", s.at[i].label);
        for (size_t k = 0; k < i; k++) CHECK(strcmp(s.at[i].label, s.at[k].label) != 0);
    }
    CHECK_INT(s.n, 6);
    drop();
    CHECK_OK(read(text));
    for (size_t i = 0; i < s.n; i++) str_add(&second, "%s\n", s.at[i].label);
    CHECK_TEXT(second.at, first.at);
    str_free(&first);
    str_free(&second);
    drop();
}

TEST(ranges_are_drawn_from_even_or_by_their_logarithm_whole_where_the_setting_is) {
    CHECK_OK(
        read("config: a.yaml\nmethod: random\ntrials: 40\nrandom_seed: 7\nparameters:\n"
             "  optim.lr: {min: 1e-6, max: 1e-2, scale: log}\n"
             "  finetune:optim.steps: {min: 10, max: 20}\n"));
    int low = 0;
    CHECK_INT(s.n, 40);
    for (size_t i = 0; i < s.n; i++) {
        double lr = strtod(value(i, "optim.lr"), NULL);
        CHECK(lr >= 1e-6 && lr <= 1e-2);
        low += lr < 1e-4;
        const char *steps = value(i, "finetune:optim.steps");
        CHECK(!strchr(steps, '.') && strtol(steps, NULL, 10) >= 10 &&
              strtol(steps, NULL, 10) <= 20);
    }
    CHECK(low > 8 && low < 32); /* half of them, by the logarithm; 1 % otherwise */
    drop();
}

TEST(mistakes_are_told_all_at_once_with_their_places) {
    CHECK_ERROR(read("confg: a.yaml\nmethod: gird\nseeds: [1, x]\nparameters:\n"
                     "  optim.lr: [1, 2]\n  optim.steps: {values: 3}\n"
                     "  seed: {values: [1, 2]}\n"),
                ERR_CONFIG, "s.yaml:1:1: unknown setting confg (did you mean config?)");
    drop();
    static const char *const wrong[][2] = {
        {"config: a.yaml\nmethod: gird\n", "s.yaml:2:9: method: \"gird\""},
        {"config: a.yaml\nparameters:\n  optim.lr: [1, 2]\n",
         "s.yaml:3:3: parameters.optim.lr: a "
         "parameter is"},
        {"config: a.yaml\nparameters:\n  optim.lr: {values: 3}\n",
         "s.yaml:3:22: optim.lr: values is a list"},
        {"config: a.yaml\nparameters:\n  optim.lr: {values: [3, {a: 1}]}\n",
         "values[1] is neither a value nor a list"},
        {"config: a.yaml\nparameters:\n  seed: {values: [1, 2]}\n", "`seeds` lists them"},
        {"config: a.yaml\nparameters:\n  a b: {values: [1, 2]}\n", "\"a b\" is no setting"},
        {"config: a.yaml\nmethod: random\ntrials: 2\nparameters:\n  a b: {min: 1, max: 2}\n",
         "s.yaml:5:9: \"a b\" is no setting"},
        {"config: a.yaml\nmethod: random\ntrials: 2\nparameters:\n  x=y: {min: 1, max: 2}\n",
         "\"x=y\" is no setting"},
        {"config: a.yaml\nmethod: random\ntrials: 2\nparameters:\n  seed: {max: 2, min: 1}\n",
         "`seeds` lists them"},
        {"config: a.yaml\nparameters:\n  lr: {values: [1, 2, 1]}\n",
         "s.yaml:3:23: lr: 1 is there twice"},
        {"config: a.yaml\nparameters:\n  lr: {min: 1, max: 2}\n",
         "a range goes with method random"},
        {"config: a.yaml\nmethod: random\ntrials: 2\nparameters:\n  lr: {min: 3, max: 2}\n",
         "a range has min and max, the smaller first"},
        {"config: a.yaml\nmethod: random\ntrials: 2\nparameters:\n  lr: {max: 2, min: 0, scale: "
         "log}\n",
         "begins above 0"},
        {"config: a.yaml\nmethod: random\n", "missing trials"},
        {"config: a.yaml\ntrials: 3\n", "s.yaml:2:9: trials: goes with method random"},
        {"config: a.yaml\nmethod: list\n", "missing list"},
        {"config: a.yaml\nlist: [{optim.lr: 3}]\n", "list goes with method list"},
        {"config: a.yaml\nmethod: list\nlist: [3]\n", "s.yaml:3:8: list[0] is no map"},
        {"config: a.yaml\nmethod: list\nlist: [{name: a}, {name: a}]\n", "two rows are named"},
        {"config: a.yaml\nmethod: list\nlist: [{lr: 3}]\nparameters:\n  lr: {values: [1, 2]}\n",
         "is a parameter with values, too"},
        {"config: a.yaml\nseeds: [1, 2, 1]\n", "1 is there twice"},
        {"config: a.yaml\nseeds: []\n", "there are none"},
        {"config: a.yaml\nobjective: {metric: x, gaol: max}\n", "did you mean objective.goal?"},
        {"seeds: [1]\n", "missing config"},
        {"config: a.yaml\nmethod: random\ntrials: 3\nparameters:\n  lr: {values: [1, 2]}\n",
         "there are only 2 combinations"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) check_wrong(wrong[i][0], wrong[i][1]);
}

TEST(a_sweep_of_too_many_trials_is_refused_before_they_are_made) {
    struct str text = {0};
    str_add(&text, "config: a.yaml\nparameters:\n");
    for (int axis = 0; axis < 8; axis++) {
        str_add(&text, "  k%d: {values: [0", axis);
        for (int i = 1; i < 300; i++) str_add(&text, ", %d", i);
        str_add(&text, "]}\n");
    }
    check_wrong(text.at, "more than 10000 trials");
    str_free(&text);
}

TEST(a_file_that_is_not_there_is_a_missing_input) {
    char *path = test_path("none.yaml");
    CHECK_ERROR(sweep_file_read(&f, path), ERR_MISSING, "none.yaml");
    sweep_file_close(&f);
    free(path);
}

TEST(damaged_files_are_refused_or_mean_something_and_nothing_else_happens) {
    static const char good[] =
        "config: a.yaml\nmethod: list\nseeds: [1, 2]\nparameters:\n"
        "  finetune:optim.lr: {values: [1e-4, [a, \"b\"]]}\n  \"*:crop.fill\": {value: mean}\n"
        "list:\n  - {name: raw, inputs.model: b.yaml}\n  - optim: {lr: 3}\n"
        "objective: {metric: miou.all, on: validation, goal: max}\n";
    static const char bytes[] = " \n:[]{},\"'#-*.=ab01\xC3\xFF";
    struct rng r = rng_stream(1, "sweep mutants", 0);
    int fine = 0;
    for (int i = 0; i < 600; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int64_t k = rng_below(&r, 4); k >= 0; k--)
            text[rng_below(&r, sizeof good - 1)] = bytes[rng_below(&r, sizeof bytes - 1)];
        int status = read(text);
        if (status && status != ERR_CONFIG) test_fail(__FILE__, __LINE__, "status %d", status);
        CHECK_INT(error_status(), status);
        CHECK(!status || *error_message());
        fine += !status;
        error_clear();
        drop();
    }
    CHECK(fine > 0 && fine < 600);
}
