#include "base/settings.h"

#include <time.h>

#include "base/file.h"
#include "base/setting_rows.h"
#include "base/settings_text.h"
#include "tests/test.h"

enum schedule { POLY, COSINE };

struct optim {
    double lr, decay;
    int64_t warmup;
    enum schedule schedule;
    struct reals betas;
};

struct config {
    int64_t seed, threads;
    bool deterministic;
    const char *name;
    struct string_map inputs;
    struct ints depths;
    struct strings captions;
    struct optim optim;
};

static const char *const schedules[] = {"poly", "cosine", NULL};

/* clang-format off */
#define SETTINGS_OF struct config
static const struct setting top_rows[] = {
    INT    ("seed",          seed,          RESULT, "1", 0, 1e9,    "of all random draws"),
    INT    ("threads",       threads,       SPEED,  "0", 0, 1024,   "0: as many as there are"),
    BOOL   ("deterministic", deterministic, RESULT, "false",        "only reproducible kernels"),
    STRING ("name",          name,          OUTPUT, "",             "shown in reports"),
    MAP    ("inputs",        inputs,        OUTPUT, "{}",           "what the stage starts from"),
    INTS   ("swin.depths",   depths,        RESULT, "[2, 2, 6, 2]", 1, 64, "blocks a stage"),
    STRINGS("captions",      captions,      RESULT, "[]",           "files of captions"),
};
#undef SETTINGS_OF
#define SETTINGS_OF struct optim
static const struct setting optim_rows[] = {
    REAL   ("lr",            lr,            RESULT, NULL, 0, 1,     "learning rate after warm-up"),
    REAL   ("weight_decay",  decay,         RESULT, "0.01", 0, 1,   "decoupled"),
    INT    ("warmup",        warmup,        RESULT, "0", 0, 1e9,    "steps"),
    CHOICE ("schedule",      schedule,      RESULT, "poly", schedules, "how the rate decays"),
    REALS  ("betas",         betas,         RESULT, "[0.9, 0.999]", 0, 1, "of the two moments"),
};
#undef SETTINGS_OF
struct mine { int64_t shard; };
#define SETTINGS_OF struct mine
static const struct setting mine_rows[] = {
    INT    ("shard_images",  shard,         SPEED,  "1000", 1, 1e6, "images in one shard"),
};
/* clang-format on */

#define N(rows) (sizeof(rows) / sizeof *(rows))

static const struct setting_group groups[] = {
    {"", top_rows, N(top_rows), 0},
    {"optim", optim_rows, N(optim_rows), offsetof(struct config, optim)},
    {"mine", mine_rows, N(mine_rows), 0},
};
static const struct settings_table used = {groups, 2}, known = {groups, 3};

/* Assigns a text, with "key=value" arguments; the report, or "". Owned by the test: freed here on
 * the next call. */
static const char *load(struct config *c, const char *text, const char *const *args) {
    static char report[20000];
    struct settings_doc doc;
    struct problems p = {0};
    *c = (struct config){0};
    report[0] = '\0';
    if (!settings_parse(&doc, "c.yaml", text)) {
        for (; args && *args && !error_status(); args++) {
            struct override o = {0};
            if (!override_parse(*args, args[1], &o)) settings_override(&doc, &o);
            override_free(&o);
        }
        if (!error_status()) settings_assign(&doc, used, known, "stage mine", c, &p);
        settings_doc_free(&doc);
    }
    problems_close(&p, ERR_CONFIG);
    snprintf(report, sizeof report, "%s", error_message());
    error_clear();
    return report;
}

TEST(the_file_fills_the_struct_and_the_rest_is_default) {
    struct config c;
    CHECK_TEXT(load(&c,
                    "seed: 7\nname: \"a b\"\ninputs: {clip: finetune.yaml, pairs: mine.yaml}\n"
                    "optim:\n  lr: 1e-4\n  schedule: cosine\n  betas: [0.9, .98]\n",
                    NULL),
               "");
    CHECK_INT(c.seed, 7);
    CHECK_TEXT(c.name, "a b");
    CHECK_NEAR(c.optim.lr, 1e-4, 0);
    CHECK_NEAR(c.optim.decay, 0.01, 0);
    CHECK_INT(c.optim.schedule, COSINE);
    CHECK_INT(c.optim.betas.n, 2);
    CHECK_NEAR(c.optim.betas.at[1], 0.98, 0);
    CHECK_INT(c.depths.n, 4);
    CHECK_INT(c.depths.at[2], 6);
    CHECK_INT(c.inputs.names.n, 2);
    CHECK_TEXT(string_map_get(&c.inputs, "pairs"), "mine.yaml");
    CHECK(!string_map_get(&c.inputs, "nothing"));
    settings_free(used, &c);
}

/* --- one rule a test, with its whole message ------------------------------------------------ */

/* The file gives what is required, so that the report is about `line` alone. */
static const char *complaint(const char *line) {
    struct config c;
    char text[4096];
    snprintf(text, sizeof text, "%s\noptim.lr: 1", line);
    const char *report = load(&c, text, NULL);
    settings_free(used, &c);
    return report;
}

static const char *complaint_of(const char *arg) {
    struct config c;
    const char *report = load(&c, "optim: {lr: 1}", (const char *const[]){arg, NULL});
    settings_free(used, &c);
    return report;
}

TEST(integers_are_decimal_and_nothing_else) {
    CHECK_TEXT(complaint("seed: 12O"), "c.yaml:1:7: seed: expected an integer, got \"12O\"");
    CHECK_TEXT(complaint("seed: 65_536"), "c.yaml:1:7: seed: expected an integer, got \"65_536\"");
    CHECK_TEXT(complaint("seed: 0x10"), "c.yaml:1:7: seed: expected an integer, got \"0x10\"");
    CHECK_TEXT(complaint("seed: 010"),
               "c.yaml:1:7: seed: expected an integer, got \"010\" (write 10)");
    CHECK_TEXT(complaint("seed: 1e5"),
               "c.yaml:1:7: seed: expected an integer, got \"1e5\" (write 100000)");
    CHECK_TEXT(complaint("seed: 1.5"), "c.yaml:1:7: seed: expected an integer, got \"1.5\"");
    CHECK_TEXT(complaint("seed: '5'"),
               "c.yaml:1:7: seed: expected an integer, got the quoted text \"5\"");
    CHECK_TEXT(complaint("seed: !!int '5'"), "");
    CHECK_TEXT(complaint("seed: +5"), "");
}

TEST(numbers_outside_their_range_are_refused) {
    CHECK_TEXT(complaint("seed: -1"), "c.yaml:1:7: seed: -1 is outside 0..1000000000");
    CHECK_TEXT(complaint("seed: 1000000000"), "");
    CHECK_TEXT(complaint("seed: 99999999999999999999"),
               "c.yaml:1:7: seed: 99999999999999999999 is outside 0..1000000000");
    CHECK_TEXT(complaint("optim.weight_decay: 1.01"),
               "c.yaml:1:21: optim.weight_decay: 1.01 is outside 0..1");
    CHECK_TEXT(complaint("optim.weight_decay: 1e999"),
               "c.yaml:1:21: optim.weight_decay: 1e999 is outside 0..1");
    CHECK_TEXT(complaint("swin.depths: [2, 2, 65]"),
               "c.yaml:1:21: swin.depths[2]: 65 is outside 1..64");
}

TEST(reals_take_exponents_and_refuse_what_is_not_finite) {
    struct config c;
    CHECK_TEXT(load(&c, "optim: {lr: 5e-3, weight_decay: 1E-2, betas: [.5, 1.]}", NULL), "");
    CHECK_NEAR(c.optim.lr, 5e-3, 0);
    CHECK_NEAR(c.optim.decay, 1e-2, 0);
    CHECK_NEAR(c.optim.betas.at[0] + c.optim.betas.at[1], 1.5, 0);
    settings_free(used, &c);
    CHECK_TEXT(complaint("optim.weight_decay: .nan"),
               "c.yaml:1:21: optim.weight_decay: expected a finite number, got \".nan\"");
    CHECK_TEXT(complaint("optim.weight_decay: -inf"),
               "c.yaml:1:21: optim.weight_decay: expected a finite number, got \"-inf\"");
    CHECK_TEXT(complaint("optim.weight_decay: 1e"),
               "c.yaml:1:21: optim.weight_decay: expected a number, got \"1e\"");
    CHECK_TEXT(complaint("optim.weight_decay: 0x1p-3"),
               "c.yaml:1:21: optim.weight_decay: expected a number, got \"0x1p-3\"");
    CHECK_TEXT(complaint("optim.weight_decay: 0,5"),
               "c.yaml:1:21: optim.weight_decay: expected a number, got \"0,5\"");
}

TEST(booleans_are_true_and_false_only) {
    CHECK_TEXT(complaint("deterministic: yes"),
               "c.yaml:1:16: deterministic: expected true or false, got \"yes\" (write true)");
    CHECK_TEXT(complaint("deterministic: Off"),
               "c.yaml:1:16: deterministic: expected true or false, got \"Off\" (write false)");
    CHECK_TEXT(complaint("deterministic: True"),
               "c.yaml:1:16: deterministic: expected true or false, got \"True\" (write true)");
    CHECK_TEXT(complaint("deterministic: maybe"),
               "c.yaml:1:16: deterministic: expected true or false, got \"maybe\"");
    CHECK_TEXT(complaint("deterministic: true"), "");
}

TEST(texts_may_look_like_anything_but_nothing) {
    struct config c;
    CHECK_TEXT(load(&c, "name: no\ncaptions: [1, true, \"\"]\noptim.lr: 1", NULL), "");
    CHECK_TEXT(c.name, "no"); /* Norway */
    CHECK_INT(c.captions.n, 3);
    CHECK_TEXT(c.captions.at[1], "true");
    CHECK_TEXT(c.captions.at[2], "");
    settings_free(used, &c);
    CHECK_TEXT(complaint("name:"),
               "c.yaml:1:6: name: no value is given (write \"\" for an empty text)");
    CHECK_TEXT(complaint("name: ~"),
               "c.yaml:1:7: name: no value is given (write \"\" for an empty text)");
    CHECK_TEXT(complaint("seed: null"),
               "c.yaml:1:7: seed: no value is given (leave it out for the default)");
}

TEST(a_choice_names_its_words) {
    CHECK_TEXT(
        complaint("optim.schedule: polly"),
        "c.yaml:1:17: optim.schedule: \"polly\" is not one of poly, cosine (did you mean poly?)");
    CHECK_TEXT(complaint("optim.schedule: step"),
               "c.yaml:1:17: optim.schedule: \"step\" is not one of poly, cosine");
}

TEST(a_value_of_another_shape_is_refused) {
    CHECK_TEXT(complaint("seed: [1]"), "c.yaml:1:7: seed: expected an integer, got a list");
    CHECK_TEXT(complaint("swin.depths: 2"),
               "c.yaml:1:14: swin.depths: expected a list of integers: [1, 2], got \"2\"");
    CHECK_TEXT(complaint("swin.depths: [2, [3]]"),
               "c.yaml:1:18: swin.depths[1]: expected one value, got a list or a map");
    CHECK_TEXT(complaint("swin.depths: [2, {a: {b: c}}]"),
               "c.yaml:1:18: swin.depths[1]: expected one value, got a list or a map");
    CHECK_TEXT(complaint("swin.depths: [2, x]"),
               "c.yaml:1:18: swin.depths[1]: expected an integer, got \"x\"");
    CHECK_TEXT(
        complaint("inputs: clip.pt"),
        "c.yaml:1:9: inputs: expected names with their values: {name: value}, got \"clip.pt\"");
    CHECK_TEXT(complaint("inputs: {clip: [a, b]}"),
               "c.yaml:1:16: inputs.clip: expected a text, got a list");
    CHECK_TEXT(complaint("optim: 3"), "c.yaml:1:1: optim is a group of settings, such as optim.lr");
    CHECK_TEXT(complaint("- seed"),
               "c.yaml:2:1: did not find expected '-' indicator while parsing "
               "a block collection (line 1)");
    CHECK_TEXT(complaint_of("seed={a: 1}"),
               "command line: seed: expected an integer, got a map\n"
               "command line: unknown setting seed.a (did you mean seed?)");
}

TEST(a_group_whose_settings_are_commented_out_is_no_mistake) {
    CHECK_TEXT(complaint("mine:\n#  shard_images: 5"), "");
    CHECK_TEXT(complaint("swin: {}"), "");
    CHECK_TEXT(complaint("inputs: {}"), "");
}

TEST(an_unknown_key_is_refused_with_the_nearest_one) {
    CHECK_TEXT(complaint("sede: 3"), "c.yaml:1:1: unknown setting sede (did you mean seed?)");
    CHECK_TEXT(complaint("optim: {warm: 3}"),
               "c.yaml:1:9: unknown setting optim.warm (did you mean optim.warmup?)");
    CHECK_TEXT(complaint("weight_decay: 3"),
               "c.yaml:1:1: unknown setting weight_decay (did you mean optim.weight_decay?)");
    CHECK_TEXT(complaint("solver.betas: 3"),
               "c.yaml:1:1: unknown setting solver.betas (did you mean optim.betas?)");
    CHECK_TEXT(complaint("input: {clip: a}"),
               "c.yaml:1:9: unknown setting input.clip (did you mean inputs.clip?)");
    CHECK_TEXT(complaint("mine.shard_image: 3"),
               "c.yaml:1:1: unknown setting mine.shard_image (did you mean mine.shard_images?)");
    CHECK_TEXT(complaint("quite.another: {}"), "c.yaml:1:1: unknown setting quite.another");
    CHECK_TEXT(complaint("optmi: {}"), "c.yaml:1:1: unknown setting optmi");
}

TEST(a_key_of_another_stage_is_refused_where_it_has_no_effect) {
    CHECK_TEXT(complaint("mine: {shard_images: 5}"),
               "c.yaml:1:8: mine.shard_images has no effect in stage mine");
    CHECK_TEXT(complaint_of("mine.shard_images=5"),
               "command line: mine.shard_images has no effect in stage mine");
    CHECK_TEXT(complaint_of("*:mine.shard_images=5"), "");
    CHECK_TEXT(complaint_of("*:mine.shard_images=0"),
               "command line: mine.shard_images: 0 is outside 1..1000000");
    CHECK_TEXT(complaint_of("*:mine.shards=0"), "command line: unknown setting mine.shards");
}

TEST(a_required_key_is_missed) {
    struct config c;
    CHECK_TEXT(load(&c, "seed: 1", NULL), "c.yaml: missing optim.lr: learning rate after warm-up");
    settings_free(used, &c);
}

TEST(all_mistakes_are_reported_at_once) {
    struct config c;
    CHECK_TEXT(load(&c, "seed: x\nsede: 1\noptim: {betas: [0.9, 2]}\n",
                    (const char *const[]){"threads=many", NULL}),
               "c.yaml:1:7: seed: expected an integer, got \"x\"\n"
               "c.yaml:2:1: unknown setting sede (did you mean seed?)\n"
               "c.yaml:3:22: optim.betas[1]: 2 is outside 0..1\n"
               "command line: threads: expected an integer, got \"many\"\n"
               "c.yaml: missing optim.lr: learning rate after warm-up");
    CHECK_INT(c.seed, 1); /* what is wrong keeps its fallback */
    CHECK_NEAR(c.optim.betas.at[1], 0.999, 0);
    settings_free(used, &c);
}

TEST(a_report_of_hundreds_of_mistakes_says_how_many_more_there_are) {
    struct config c;
    struct str text = {0};
    for (int i = 0; i < 300; i++) str_add(&text, "wrong_%d: %d\n", i, i);
    const char *report = load(&c, text.at, NULL);
    CHECK_HAS(report, "c.yaml:1:1: unknown setting wrong_0\n");
    CHECK_HAS(report,
              "c.yaml:40:1: unknown setting wrong_39\nand 261 more"); /* and the missing lr */
    str_free(&text);
    settings_free(used, &c);
}

TEST(a_message_shows_the_beginning_of_a_long_value_on_one_line) {
    struct config c;
    struct str text = {0};
    str_add(&text, "optim.lr: 1\nseed: \"");
    for (int i = 0; i < 5000; i++) str_add(&text, "a\\n");
    str_add(&text, "\"\n");
    const char *report = load(&c, text.at, NULL);
    CHECK_HAS(report, "c.yaml:2:7: seed: expected an integer, got the quoted text \"a\\na\\n");
    CHECK(strlen(report) < 200 && !strchr(report, '\n'));
    str_free(&text);
    settings_free(used, &c);
}

/* --- overrides -------------------------------------------------------------------------------- */

TEST(arguments_win_over_the_file_and_later_ones_over_earlier) {
    struct config c;
    CHECK_TEXT(
        load(&c, "seed: 2\noptim: {lr: 1}\nswin.depths: [1, 1, 1, 1]\ninputs: {a: x, b: y}\n",
             (const char *const[]){"seed=3", "seed=4", "swin.depths=[5, 6]", "name=a: b #1",
                                   "inputs={b: z, c: w}", "captions=[\"x, y\", z]", NULL}),
        "");
    CHECK_INT(c.seed, 4);
    CHECK_INT(c.depths.n, 2);
    CHECK_INT(c.depths.at[1], 6);
    CHECK_TEXT(c.name, "a: b #1");
    CHECK_INT(c.inputs.names.n, 3); /* maps merge, in the order of first appearance */
    CHECK_TEXT(c.inputs.names.at[1], "b");
    CHECK_TEXT(string_map_get(&c.inputs, "b"), "z");
    CHECK_TEXT(c.captions.at[0], "x, y");
    settings_free(used, &c);
    CHECK_TEXT(complaint_of("name="), "");
    CHECK_TEXT(complaint_of("swin.depths=[1, 2"),
               "command line: swin.depths:2:1: did not find expected ',' or ']' while parsing a "
               "flow sequence (line 1)");
}

static void parses(const char *text, const char *scope, const char *key, const char *value) {
    struct override o;
    CHECK_OK(override_parse(text, NULL, &o));
    if (scope)
        CHECK_TEXT(o.scope, scope);
    else
        CHECK(!o.scope);
    CHECK_TEXT(o.key, key);
    CHECK_TEXT(o.value, value);
    override_free(&o);
}

TEST(an_override_has_a_scope_a_key_and_a_value) {
    parses("optim.lr=5e-3", NULL, "optim.lr", "5e-3");
    parses("finetune:optim.lr=5e-3", "finetune", "optim.lr", "5e-3");
    parses("*:seed=3", "*", "seed", "3");
    parses("name=a:b=c", NULL, "name", "a:b=c");
    parses("ft-gt.2:name=", "ft-gt.2", "name", "");
}

static const char *refused(const char *text, const char *next) {
    static char message[1024];
    struct override o;
    CHECK_INT(override_parse(text, next, &o), ERR_USAGE);
    snprintf(message, sizeof message, "%s", error_message());
    error_clear();
    return message;
}

TEST(other_ways_to_write_an_override_are_answered_with_ours) {
    CHECK_TEXT(refused("SOLVER.BASE_LR", "1e-4"),
               "SOLVER.BASE_LR 1e-4: settings are written SOLVER.BASE_LR=1e-4");
    CHECK_TEXT(refused("optim.lr", NULL), "optim.lr: expected key=value");
    CHECK_TEXT(refused("optim.lr", "seed=3"), "optim.lr: expected key=value");
    CHECK_TEXT(refused("=3", NULL), "=3: expected key=value");
    CHECK_TEXT(refused("optim lr=3", NULL), "optim lr=3: expected key=value");
    CHECK_TEXT(refused("+optim.lr=3", NULL),
               "+optim.lr=3: every setting exists already; write key=value");
    CHECK_TEXT(refused("a/b:seed=3", NULL), "a/b:seed=3: \"a/b\" is not the name of a stage");
    CHECK_TEXT(refused("**:seed=3", NULL), "**:seed=3: \"**\" is not the name of a stage");
    CHECK_TEXT(refused("name=\xFF", NULL), "an argument that is not UTF-8");
}

/* --- files and what they are based on ------------------------------------------------------------
 */

static char *put(const char *name, const char *text) {
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    free(dir);
    return path;
}

/* Messages have the path of the test's folder in them: shown as $. */
static const char *relative(const char *message) {
    static char out[4096];
    size_t n = 0, len = strlen(test_dir());
    for (const char *c = message; *c && n < sizeof out - 1;) {
        bool here = strncmp(c, test_dir(), len) == 0;
        out[n++] = *c;
        if (here) out[n - 1] = '$';
        c += here ? len : 1;
    }
    out[n] = '\0';
    return out;
}

TEST(a_file_wins_over_its_base_and_a_base_over_its_own) {
    struct config c = {0};
    struct settings_doc doc;
    struct problems p = {0};
    free(put("all/base.yaml",
             "seed: 1\nthreads: 1\noptim: {lr: 0.1, warmup: 7}\n"
             "swin.depths: [1, 1, 1, 1]\ninputs: {clip: a, pairs: b}\n"));
    free(put("all/middle.yaml", "base: base.yaml\nseed: 2\nmine.shard_images: 3\n"));
    char *path = put("top.yaml",
                     "base: all/middle.yaml\nthreads: 3\nswin: {depths: [9]}\n"
                     "inputs: {clip: c}\n");
    CHECK_OK(settings_read(&doc, path));
    CHECK_INT(settings_assign(&doc, used, known, "stage mine", &c, &p), 0);
    CHECK_OK(problems_close(&p, ERR_CONFIG)); /* shard_images comes from a base: no mistake */
    CHECK_INT(c.seed, 2);
    CHECK_INT(c.threads, 3);
    CHECK_INT(c.optim.warmup, 7);
    CHECK_INT(c.depths.n, 1);
    CHECK_TEXT(string_map_get(&c.inputs, "clip"), "c");
    CHECK_TEXT(string_map_get(&c.inputs, "pairs"), "b");
    CHECK_TEXT(relative(settings_find(&doc, "inputs.pairs")->file), "$/all/base.yaml");
    CHECK_TEXT(settings_text(&doc, "inputs.clip"), "c");
    CHECK(!settings_text(&doc, "base"));
    settings_free(used, &c);
    settings_doc_free(&doc);
    free(path);
}

TEST(a_mistake_in_a_base_file_is_reported_there) {
    struct config c = {0};
    struct settings_doc doc;
    struct problems p = {0};
    free(put("base.yaml", "sede: 1\nmine.shard_images: none\n"));
    char *path = put("top.yaml", "base: base.yaml\noptim.lr: 1\n");
    CHECK_OK(settings_read(&doc, path));
    CHECK_INT(settings_assign(&doc, used, known, "stage mine", &c, &p), ERR_CONFIG);
    CHECK_INT(problems_close(&p, ERR_CONFIG), ERR_CONFIG);
    CHECK_TEXT(relative(error_message()),
               "$/base.yaml:1:1: unknown setting sede (did you mean seed?)\n"
               "$/base.yaml:2:20: mine.shard_images: expected an integer, got \"none\"");
    error_clear();
    settings_free(used, &c);
    settings_doc_free(&doc);
    free(path);
}

static const char *read_fails(const char *path, int code) {
    static char message[4096];
    struct settings_doc doc;
    CHECK_INT(settings_read(&doc, path), code);
    CHECK(!doc.n && !doc.path);
    snprintf(message, sizeof message, "%s", relative(error_message()));
    error_clear();
    return message;
}

TEST(chains_of_base_files_end) {
    char *path = put("a.yaml", "seed: 1\nbase: b.yaml\n");
    CHECK_TEXT(read_fails(path, ERR_MISSING),
               "$/a.yaml:2:7: base: $/b.yaml: No such file or directory");
    free(put("b.yaml", "base: ./a.yaml\n"));
    CHECK_TEXT(read_fails(path, ERR_CONFIG),
               "$/./a.yaml:2:7: base: the chain comes back to this file");
    free(put("b.yaml", "base: [a.yaml]\n"));
    CHECK_TEXT(read_fails(path, ERR_CONFIG), "$/b.yaml:1:7: base: expected the path of one file");
    free(put("b.yaml", "seed: !!python/object/apply:eval [1]\n"));
    CHECK_TEXT(read_fails(path, ERR_CONFIG),
               "$/b.yaml:1:7: the tag !!python/object/apply:eval is not accepted; only plain data "
               "is read");
    free(put("b.yaml", "[1, 2]"));
    CHECK_TEXT(read_fails(path, ERR_CONFIG), "$/b.yaml:1:1: settings are written as key: value");
    for (int i = 0; i < 9; i++) {
        char name[16], text[32];
        snprintf(name, sizeof name, "%d.yaml", i);
        snprintf(text, sizeof text, "base: %d.yaml\n", i + 1);
        free(put(name, text));
    }
    free(put("9.yaml", "seed: 1\n"));
    free(path);
    path = test_path("0.yaml");
    CHECK_TEXT(read_fails(path, ERR_CONFIG), "$/8.yaml:1:7: base: a chain of too many files");
    free(path);
    path = test_path("1.yaml"); /* and eight base files are not too many */
    struct settings_doc doc;
    CHECK_OK(settings_read(&doc, path));
    CHECK_INT(doc.n, 1);
    settings_doc_free(&doc);
    free(path);
}

static void points_to(const struct settings_doc *doc, const char *key, const char *path) {
    char *found = settings_path(doc, key);
    CHECK_TEXT(found, path);
    free(found);
}

TEST(a_path_starts_at_the_folder_of_the_file_that_says_it) {
    struct settings_doc doc;
    struct override o;
    CHECK_OK(settings_parse(&doc, "configs/smoke/mpt.yaml",
                            "inputs: {clip: ../clip.yaml, pairs: /data/p.h5, none: ~}"));
    CHECK_OK(override_parse("inputs.weights=w.pt", NULL, &o));
    CHECK_OK(settings_override(&doc, &o));
    override_free(&o);
    points_to(&doc, "inputs.clip", "configs/smoke/../clip.yaml");
    points_to(&doc, "inputs.pairs", "/data/p.h5");
    points_to(&doc, "inputs.weights", "w.pt");
    CHECK(!settings_path(&doc, "inputs.none") && !settings_path(&doc, "inputs"));
    settings_doc_free(&doc);
}

TEST(an_empty_file_has_no_settings) {
    struct settings_doc doc;
    static const char *const empty[] = {"", "# nothing\n", "---\n", "{}", "~\n"};
    for (size_t i = 0; i < N(empty); i++) {
        CHECK_OK(settings_parse(&doc, "c.yaml", empty[i]));
        CHECK_INT(doc.n, 0);
        settings_doc_free(&doc);
    }
}

TEST(inherited_settings_win_over_the_file_and_lose_to_its_own_override) {
    struct config c = {0};
    struct settings_doc parent, child;
    struct problems p = {0};
    struct str origin = {0};
    struct override o;
    CHECK_OK(settings_parse(&parent, "mpt.yaml",
                            "seed: 5\nthreads: 2\nname: mpt\nmine.shard_images: 9"));
    CHECK_OK(settings_parse(&child, "finetune.yaml", "seed: 1\nthreads: 1\noptim.lr: 1"));
    CHECK_OK(
        settings_inherit(&child, &parent, (const char *const[]){"seed", "thr*", "mine.*", NULL}));
    CHECK_OK(override_parse("finetune:threads=8", NULL, &o));
    CHECK_OK(settings_override(&child, &o));
    override_free(&o);
    settings_doc_free(&parent);
    CHECK_INT(settings_assign(&child, used, known, "stage clip-finetune", &c, &p), 0);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
    CHECK_INT(c.seed, 5);
    CHECK_INT(c.threads, 8);
    CHECK_TEXT(c.name, "");
    setting_origin(settings_find(&child, "seed"), &origin);
    CHECK_TEXT(origin.at, "mpt.yaml:1:7, inherited");
    str_free(&origin);
    settings_free(used, &c);
    settings_doc_free(&child);
}

TEST(a_check_across_settings_is_reported_where_the_value_stands) {
    struct settings_doc doc;
    struct problems p = {0};
    CHECK_OK(settings_parse(&doc, "c.yaml", "seed: 1\noptim: {warmup: 70}"));
    settings_problem(&doc, &p, "optim.warmup", "%d steps of %d", 70, 60);
    settings_problem(&doc, &p, "threads", "too few");
    CHECK_INT(problems_close(&p, ERR_CONFIG), ERR_CONFIG);
    CHECK_TEXT(error_message(),
               "c.yaml:2:17: optim.warmup: 70 steps of 60\nc.yaml: threads: too few");
    error_clear();
    settings_doc_free(&doc);
}

/* --- as text ------------------------------------------------------------------------------------
 */

static const char *const full =
    "seed: 7\nname: \"true\"\ninputs: {clip: a.yaml, \"ft+mpt\": \"x: y\"}\n"
    "optim: {lr: 0.1, schedule: cosine, weight_decay: 1e-8}\n"
    "captions: [\"a, b\", plain, \"\\u00e9\\n\"]\n";

TEST(resolved_settings_have_origins_and_read_back_to_the_same) {
    struct config a = {0}, b = {0};
    struct settings_doc doc;
    struct problems p = {0};
    struct override o;
    struct str text = {0}, again = {0};
    CHECK_OK(settings_parse(&doc, "c.yaml", full));
    CHECK_OK(override_parse("optim.warmup=3", NULL, &o));
    CHECK_OK(settings_override(&doc, &o));
    override_free(&o);
    CHECK_INT(settings_assign(&doc, used, known, "stage mine", &a, &p), 0);
    settings_write(used, &a, &doc, &text);
    settings_doc_free(&doc);
    CHECK_TEXT(text.at,
               "seed: 7                                      # c.yaml:1:7\n"
               "threads: 0                                   # default\n"
               "deterministic: false                         # default\n"
               "name: \"true\"                                 # c.yaml:2:7\n"
               "inputs.clip: a.yaml                          # c.yaml:3:16\n"
               "inputs.ft+mpt: \"x: y\"                        # c.yaml:3:34\n"
               "swin.depths: [2, 2, 6, 2]                    # default\n"
               "captions: [\"a, b\", plain, \"é\\n\"]            # c.yaml:5:11\n"
               "optim.lr: 0.1                                # c.yaml:4:13\n"
               "optim.weight_decay: 1e-08                    # c.yaml:4:50\n"
               "optim.warmup: 3                              # command line\n"
               "optim.schedule: cosine                       # c.yaml:4:28\n"
               "optim.betas: [0.9, 0.999]                    # default\n");
    CHECK_OK(settings_parse(&doc, "c.yaml", text.at));
    CHECK_INT(settings_assign(&doc, used, known, "stage mine", &b, &p), 0);
    settings_doc_free(&doc);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
    text.n = 0;
    settings_describe(used, &a, &text);
    settings_describe(used, &b, &again);
    CHECK_TEXT(text.at, again.at);
    CHECK_TEXT(b.name, "true");
    CHECK_TEXT(string_map_get(&b.inputs, "ft+mpt"), "x: y");
    CHECK_TEXT(b.captions.at[2], "\xC3\xA9\n");
    str_free(&text);
    str_free(&again);
    settings_free(used, &a);
    settings_free(used, &b);
}

static char *described(const char *text, const char *arg) {
    struct config c;
    struct str out = {0};
    CHECK_TEXT(load(&c, text, (const char *const[]){arg, NULL}), "");
    settings_describe(used, &c, &out);
    settings_free(used, &c);
    return out.at;
}

TEST(the_description_has_result_settings_only_and_one_way_to_write_a_number) {
    char *a = described("optim: {lr: 1e-1, weight_decay: -0.0}", NULL);
    CHECK_TEXT(a,
               "captions=[]\n"
               "deterministic=false\n"
               "optim.betas=[0.9, 0.999]\n"
               "optim.lr=0.1\n"
               "optim.schedule=poly\n"
               "optim.warmup=0\n"
               "optim.weight_decay=0\n"
               "seed=1\n"
               "swin.depths=[2, 2, 6, 2]\n");
    char *b = described("threads: 5\nname: x\noptim: {weight_decay: 0, lr: 0.10}", "threads=7");
    CHECK_TEXT(b, a);
    free(a);
    free(b);
}

TEST(a_diff_names_what_changed) {
    struct setting_changes d;
    char *a = described("optim.lr: 0.1", NULL), *b = described("optim.lr: 0.2", "seed=9");
    settings_diff(a, b, &d);
    CHECK_INT(d.n, 2);
    CHECK_TEXT(d.at[0].key, "optim.lr");
    CHECK_TEXT(d.at[0].old, "0.1");
    CHECK_TEXT(d.at[0].new, "0.2");
    CHECK_TEXT(d.at[1].key, "seed");
    CHECK_TEXT(d.at[1].new, "9");
    setting_changes_free(&d);
    settings_diff(a, a, &d);
    CHECK_INT(d.n, 0);
    free(a);
    free(b);
    /* rows that came or went between versions; '.' and letters sort on both sides of '=' */
    settings_diff("a.b=1\na=2\nab=3\nz=\n", "a.b=1\na=5\nac=4\nz=\n", &d);
    CHECK_INT(d.n, 3);
    CHECK_TEXT(d.at[0].key, "a");
    CHECK_TEXT(d.at[1].key, "ab");
    CHECK(d.at[1].old && !d.at[1].new);
    CHECK_TEXT(d.at[2].key, "ac");
    CHECK(!d.at[2].old && d.at[2].new);
    setting_changes_free(&d);
}

static const char *printed(const char *pattern, size_t rows) {
    static char out[4096];
    FILE *f = tmpfile();
    CHECK(f != NULL);
    CHECK_INT(settings_print_table(f, known, pattern), rows);
    rewind(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    fclose(f);
    return out;
}

TEST(the_tables_print_as_documentation) {
    CHECK_TEXT(printed("optim", 5),
               "optim.lr: must be given (real 0..1, result)\n"
               "    learning rate after warm-up\n"
               "optim.weight_decay: 0.01 (real 0..1, result)\n"
               "    decoupled\n"
               "optim.warmup: 0 (integer 0..1000000000, result)\n"
               "    steps\n"
               "optim.schedule: poly (poly | cosine, result)\n"
               "    how the rate decays\n"
               "optim.betas: [0.9, 0.999] (list of reals 0..1, result)\n"
               "    of the two moments\n");
    CHECK_TEXT(printed("name", 1), "name: \"\" (text, output)\n    shown in reports\n");
    CHECK_TEXT(printed("*.shard*", 1),
               "mine.shard_images: 1000 (integer 1..1000000, speed)\n    images in one shard\n");
    CHECK_TEXT(printed("opt", 0), "");
    printed(NULL, 13);
}

TEST(the_check_of_a_table_finds_what_is_wrong_with_it) {
    static const char *const none[] = {NULL};
    const struct setting rows[] = {
        {.key = "a", .type = SET_INT, .min = 1, .max = 2, .fallback = "3", .help = "x"},
        {.key = "b", .type = SET_CHOICE, .choices = none, .help = "x"},
        {.key = "Bad", .type = SET_STRING, .fallback = ""},
        {.key = "c", .type = SET_INTS, .max = 9, .fallback = "[1, 2", .help = "x"},
        {.key = "d", .type = SET_REAL, .min = 1, .max = 0, .help = "x"},
        {.key = "e", .type = SET_MAP, .fallback = "[]", .help = "x"},
        {.key = "f", .type = SET_BOOL, .fallback = "true", .help = "x"},
        {.key = "f", .type = SET_BOOL, .fallback = "true", .help = "x"},
        {.key = "f.g", .type = SET_BOOL, .fallback = "true", .help = "x"},
    };
    struct setting_group g = {"t", rows, N(rows), 0};
    struct problems p = {0};
    settings_check_table((struct settings_table){&g, 1}, &p);
    problems_close(&p, ERR_CONFIG);
    CHECK_TEXT(error_message(),
               "t.a: the fallback: 3 is outside 1..2\n"
               "t.b: no choices\n"
               "t.Bad: a key is small letters, digits and _, between dots\n"
               "t.Bad: no help\n"
               "t.c: the fallback: c:2:1: did not find expected ',' or ']' while parsing a flow "
               "sequence (line 1)\n"
               "t.d: an empty range\n"
               "t.e: the fallback: expected a map\n"
               "t.f: is a setting and holds t.f.g\n"
               "t.f: there are two rows for it");
    error_clear();
    settings_check_table(known, &p);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
}

TEST(ten_thousand_unknown_settings_are_answered_at_once) {
    struct config c;
    struct str text = {0};
    for (int i = 0; text.n < 900000 && i < 4990; i++)
        str_add(&text, "key_%0150d: %d\n", i, i); /* 4,990 keys and as many values */
    clock_t start = clock();                      /* of the processor: others may be at work */
    CHECK_HAS(load(&c, text.at, NULL), "\nand ");
    double took = (double)(clock() - start) / CLOCKS_PER_SEC;
    CHECK(took < 2); /* a report without an end would take minutes */
    str_free(&text);
    settings_free(used, &c);
}
