/* A table of settings to try everything on. */
#pragma once

#include "base/file.h"
#include "base/setting_rows.h"
#include "base/settings.h"
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
static inline const char *load(struct config *c, const char *text, const char *const *args) {
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
