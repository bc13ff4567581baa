/* One rule of the settings a test, with its whole message. */
#include <time.h>

#include "tests/unit/settings_made.h"

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
    parses("close it:seed=3", "close it", "seed", "3");
    parses("größe, 2:seed=3", "größe, 2", "seed", "3");
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
    CHECK_TEXT(refused(" a:seed=3", NULL), " a:seed=3: \" a\" is not the name of a stage");
    CHECK_TEXT(refused("**:seed=3", NULL), "**:seed=3: \"**\" is not the name of a stage");
    CHECK_TEXT(refused("name=\xFF", NULL), "an argument that is not UTF-8");
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
