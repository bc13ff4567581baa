/* A config file, and settings of the command line over one. */
#include <stdlib.h>
#include <string.h>

#include "base/setting_rows.h"
#include "base/settings_text.h"
#include "configs/config.h"
#include "tests/fuzz/fuzz.h"

/* Written out and read back, accepted settings are the same. `b` is a zeroed struct as `a` is. */
static void check_round_trip(struct settings_table used, struct settings_table known,
                             const struct settings_doc *doc, const void *a, void *b) {
    struct settings_doc again;
    struct problems p = {0};
    struct setting_changes d;
    struct str text = {0}, first = {0}, second = {0};
    settings_write(used, a, doc, &text);
    REQUIRE(!settings_parse(&again, "again", text.at), "%s", error_message());
    REQUIRE(!settings_assign(&again, used, known, "fuzz", b, &p), "%s", p.text.at);
    settings_describe(used, a, &first);
    settings_describe(used, b, &second);
    REQUIRE(strcmp(first.at, second.at) == 0, "%s\nis read back as\n%s", first.at, second.at);
    settings_diff(first.at, second.at, &d);
    REQUIRE(!d.n, "equal texts differ");
    setting_changes_free(&d);
    str_free(&text);
    str_free(&first);
    str_free(&second);
    settings_free(used, b);
    settings_doc_free(&again);
}

/* ---- a config file: every type of setting ---- */

struct options {
    int64_t count;
    double rate;
    bool on;
    char *name;
    int mode;
    struct ints ints;
    struct reals reals;
    struct strings words;
    struct string_map map;
};

static const char *const modes[] = {"poly", "cosine", NULL};

/* clang-format off */
#define SETTINGS_OF struct options
static const struct setting rows[] = {
    INT    ("count", count, RESULT, "1", -9e18, 9e18, "x"),
    REAL   ("rate",  rate,  RESULT, "0.5", -1e300, 1e300, "x"),
    BOOL   ("on",    on,    RESULT, "false", "x"),
    STRING ("name",  name,  RESULT, "", "x"),
    CHOICE ("mode",  mode,  RESULT, "poly", modes, "x"),
    INTS   ("ints",  ints,  RESULT, "[]", -9e18, 9e18, "x"),
    REALS  ("reals", reals, RESULT, "[]", -1e300, 1e300, "x"),
    STRINGS("words", words, RESULT, "[]", "x"),
    MAP    ("map",   map,   RESULT, "{}", "x"),
};
/* clang-format on */

static const struct setting_group group = {"g", rows, sizeof rows / sizeof *rows, 0};
static const struct settings_table table = {&group, 1};

static void yaml_seeds(struct corpus *c) {
    corpus_add_text(c, "g: {count: -3, rate: 1.5e-3, on: true, name: \"a b\", mode: cosine}\n");
    corpus_add_text(c,
                    "g:\n  ints: [1, 2, -3]\n  reals: [0.5, 1e10]\n  words:\n    - one\n"
                    "    - 'two three'\n  map: {a: b, c: \"d\\n\"}  # said\n");
    corpus_add_text(
        c, "g.count: 7\ng.rate: .5\ng.map.key: value\ng.words: [ö, \"\\u00e9\", !!str 3]\n");
    corpus_add_text(c, "g:\n  name: |\n    several\n    lines\n  words: [\"\", ~x, 0x1]\n");
}

static int run_yaml(const uint8_t *data, size_t n) {
    char *text = fuzz_text(data, n);
    struct options a = {0}, b = {0};
    struct settings_doc doc;
    struct problems p = {0};
    int status = settings_parse(&doc, "fuzz", text);
    if (!status) {
        status = settings_assign(&doc, table, table, "fuzz", &a, &p);
        if (!status) check_round_trip(table, table, &doc, &a, &b);
        settings_doc_free(&doc);
    }
    if (!error_status()) status = problems_close(&p, ERR_CONFIG);
    settings_free(table, &a);
    free(text);
    return status;
}

FUZZ(yaml, .seeds = yaml_seeds, .run = run_yaml, .codes = {ERR_DATA, ERR_CONFIG});

/* ---- the command line: one setting a line, over a stage's real table ---- */

static void override_seeds(struct corpus *c) {
    corpus_add_text(c, "optim.lr=1e-3\noptim.beta2=0.99\nloss.kind=noun-bank\n");
    corpus_add_text(c, "finetune:optim.lr=5e-4\n*:threads=1\nseed=7\noutput_dir=/tmp/x y\n");
    corpus_add_text(c, "inputs.clip=RUN@best\ninputs={scenes: a, clip: \"b\"}\n*:log.every=3\n");
    corpus_add_text(c, "crop.fill=zero\nvalidate.keep='best'\nloss.freeze_scale=true\n");
}

static int override_line(struct settings_doc *doc, const char *line) {
    struct override o = {0};
    int status = override_parse(line, NULL, &o);
    if (!status) status = settings_override(doc, &o);
    override_free(&o);
    return status;
}

static int run_override(const uint8_t *data, size_t n) {
    char *text = fuzz_text(data, n), *line = text;
    struct config a = {0}, b = {0};
    struct settings_table used = config_used(STAGE_CLIP_FINETUNE), known = config_known();
    struct settings_doc doc;
    struct problems p = {0};
    int status = settings_parse(&doc, "fuzz", "stage: clip-finetune\ninputs: {pairs: mine.yaml}\n");
    while (!status && line) {
        char *end = strchr(line, '\n');
        if (end) *end++ = '\0';
        if (*line) status = override_line(&doc, line);
        line = end;
    }
    if (!status) {
        status = settings_assign(&doc, used, known, "fuzz", &a, &p);
        if (!status) check_round_trip(used, known, &doc, &a, &b);
        status = problems_close(&p, ERR_CONFIG);
    }
    settings_free(used, &a);
    settings_doc_free(&doc);
    free(text);
    return status;
}

FUZZ(override, .seeds = override_seeds, .run = run_override,
     .codes = {ERR_USAGE, ERR_DATA, ERR_CONFIG});
