/* Any bytes as a config file: no crash, no leak, and what is accepted is written out and read back
 * to the same settings. The bytes behind the first NUL, if any, are one key=value argument. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/setting_rows.h"
#include "base/settings_text.h"

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

static void apply_argument(struct settings_doc *doc, const char *text) {
    struct override o = {0};
    if (!override_parse(text, NULL, &o)) settings_override(doc, &o);
    override_free(&o);
}

static void check_round_trip(struct options *a, const struct settings_doc *doc) {
    struct options b = {0};
    struct settings_doc again;
    struct problems p = {0};
    struct str text = {0}, first = {0}, second = {0};
    settings_write(table, a, doc, &text);
    if (settings_parse(&again, "again", text.at)) abort();
    if (settings_assign(&again, table, table, "fuzz", &b, &p)) abort();
    settings_describe(table, a, &first);
    settings_describe(table, &b, &second);
    if (strcmp(first.at, second.at) != 0) abort();
    struct setting_changes d;
    settings_diff(first.at, second.at, &d);
    if (d.n) abort();
    str_free(&text);
    str_free(&first);
    str_free(&second);
    settings_free(table, &b);
    settings_doc_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    char *text = mem_alloc(n + 1, 1);
    if (n) memcpy(text, data, n);
    struct options a = {0};
    struct settings_doc doc;
    struct problems p = {0};
    if (!settings_parse(&doc, "fuzz", text)) {
        if (strlen(text) < n) apply_argument(&doc, text + strlen(text) + 1);
        error_clear();
        if (!settings_assign(&doc, table, table, "fuzz", &a, &p)) check_round_trip(&a, &doc);
        settings_doc_free(&doc);
    }
    error_clear();
    problems_close(&p, ERR_CONFIG);
    error_clear();
    settings_free(table, &a);
    free(text);
    return 0;
}
