/* `ovseg report --compare`: why two results differ, in words. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/figure.h"
#include "configs/config.h"
#include "train/evaluation/protocol.h"
#include "train/evaluation/result_full.h"

enum { MAX_RESULT = 16 << 20, MAX_NAMES = 5 };

static int parse(const char *file, cJSON **out) {
    struct bytes text = {0};
    int status = file_read(file, MAX_RESULT, &text);
    if (!status) *out = cJSON_ParseWithLength((const char *)text.at, text.n);
    bytes_free(&text);
    if (!status && !cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(*out, "rows")))
        status = error_set(ERR_DATA,
                           "%s: no result of an evaluation: name the run of one, or its "
                           "result.json",
                           file);
    if (!status && !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(*out, "protocol")))
        status = error_set(ERR_DATA,
                           "%s: it does not say how it was measured, older versions did not: "
                           "evaluate again",
                           file);
    return status;
}

int protocol_read(const char *path, cJSON **out) {
    *out = NULL;
    char *file = mem_strdup(path);
    if (dir_exists(path)) {
        free(file);
        file = path_join(path, "result.json");
        if (!file_exists(file)) { /* the chain was stopped behind the evaluation */
            free(file);
            file = path_join(path, "evaluation.json");
        }
    }
    int status = 0;
    if (dir_exists(path) && !file_exists(file))
        status = error_set(ERR_MISSING, "%s: no result in it: name the run of an evaluation", path);
    if (!status) status = parse(file, out);
    free(file);
    if (status) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return status;
}

/* ---- differences ---- */

struct comparison {
    const cJSON *a, *b; /* the whole results */
    struct str *out;
    size_t n, decisive; /* differences; those that labels or mIoU may depend on */
};

const char *protocol_meaning(const char *key) {
    static const char *const known[][2] = {
        {"set", "another set of pictures"},
        {"images", "so many pictures were counted"},
        {"set_hash", "the sets are not the same: pictures, label maps, names or captions differ"},
        {"classes", "so many names compete for every pixel"},
        {"labels_hash",
         "the names are not the same: in text, order, seen or unseen, or \"unlabelled\""},
        {"shortest", "short side of what the proposal network saw, pixels"},
        {"longest", "long side of it at most, pixels"},
        {"lambda_rule", "how the two opinions on a proposal are put together"},
        {"denominator", "the classes that mIoU is a mean over"},
        {"similarity_hash", "open figures go by other likenesses of names"},
        {"groups_hash", "group figures go by other groups"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], key) == 0) return known[i][1];
    if (strncmp(key, "checkpoints.", strlen("checkpoints.")) == 0)
        return "which checkpoint of the model: the last, or the one that validated best";
    if (strncmp(key, "settings.", strlen("settings.")) == 0) {
        const struct setting *s = settings_row(config_known(), key + strlen("settings."), NULL);
        if (s) return s->help;
    }
    return "this version does not know it";
}

/* What does not concerns figures beside, or files. */
bool protocol_decides(const char *key) {
    static const char *const beside[] = {"settings.measure.", "settings.eval.overlays",
                                         "similarity_hash", "groups_hash"};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (strncmp(key, beside[i], strlen(beside[i])) == 0) return false;
    return true;
}

static char *text_of(const cJSON *x) {
    if (!x) return mem_strdup("(not said)");
    if (cJSON_IsNull(x)) return mem_strdup("none");
    if (cJSON_IsString(x)) return mem_strdup(x->valuestring);
    char *printed = cJSON_PrintUnformatted(x);
    REQUIRE(printed, "out of memory");
    return printed;
}

static void flatten(const cJSON *o, const char *before, struct string_map *out) {
    const cJSON *x;
    cJSON_ArrayForEach(x, o) {
        char *key = mem_format("%s%s", before, x->string ? x->string : "");
        if (cJSON_IsObject(x)) {
            char *inner = mem_format("%s.", key);
            flatten(x, inner, out);
            free(inner);
        } else {
            char *text = text_of(x);
            string_map_put(out, key, text);
            free(text);
        }
        free(key);
    }
}

void protocol_flat(const cJSON *protocol, struct string_map *out) {
    *out = (struct string_map){0};
    flatten(protocol, "", out);
}

/* The first names that differ. */
static void tell_names(struct comparison *c) {
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(c->a, "classes");
    const cJSON *b = cJSON_GetObjectItemCaseSensitive(c->b, "classes");
    int n_a = cJSON_GetArraySize(a), n_b = cJSON_GetArraySize(b), told = 0;
    for (int i = 0; (i < n_a || i < n_b) && told < MAX_NAMES; i++) {
        const cJSON *x = cJSON_GetArrayItem(a, i), *y = cJSON_GetArrayItem(b, i);
        const char *s = cJSON_IsString(x) ? x->valuestring : "(none)";
        const char *t = cJSON_IsString(y) ? y->valuestring : "(none)";
        if (strcmp(s, t) == 0) continue;
        str_add(c->out, "      class %d: \"%s\" in A, \"%s\" in B\n", i, s, t);
        told++;
    }
}

static void tell(struct comparison *c, const char *key, const cJSON *a, const cJSON *b) {
    char *x = text_of(a), *y = text_of(b);
    const char *shown = strncmp(key, "settings.", 9) == 0 ? key + 9 : key;
    c->n++;
    c->decisive += protocol_decides(key);
    str_add(c->out, "  %s: %s in A, %s in B\n      %s%s\n", shown, x, y, protocol_meaning(key),
            protocol_decides(key) ? "" : "; mIoU does not depend on it");
    if (strcmp(key, "labels_hash") == 0) tell_names(c);
    free(x);
    free(y);
}

/* Members of two objects, those of A first. */
static void compare(struct comparison *c, const char *prefix, const cJSON *a, const cJSON *b) {
    const cJSON *sides[] = {a, b}, *x;
    for (int side = 0; side < 2; side++) cJSON_ArrayForEach(x, sides[side]) {
            const cJSON *other = cJSON_GetObjectItemCaseSensitive(sides[!side], x->string);
            if ((side && other) || strcmp(x->string, "id") == 0) continue;
            char *key = mem_format("%s%s", prefix, x->string);
            if (cJSON_IsObject(x) && (!other || cJSON_IsObject(other))) {
                char *inner = mem_format("%s.", key);
                compare(c, inner, side ? other : x, side ? x : other);
                free(inner);
            } else if (!other || !cJSON_Compare(x, other, true)) {
                tell(c, key, side ? NULL : x, side ? x : other);
            }
            free(key);
        }
}

/* ---- figures ---- */

static const cJSON *row_named(const cJSON *result, const char *name) {
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "rows")) {
        if (strcmp(result_model(row), name) == 0) return row;
    }
    return NULL;
}

static void tell_figures(struct comparison *c) {
    static const char *const figures[][2] = {{"miou", "mIoU, classes in truth or predicted"},
                                             {"miou_truth", "mIoU, classes in the truth"},
                                             {"miou_all", "mIoU, all classes"},
                                             {"fwiou", "fwIoU"},
                                             {"macc", "mACC"},
                                             {"pacc", "pACC"}};
    const cJSON *row;
    str_add(c->out, "\n%-46s %8s %8s %8s\n", "", "A", "B", "B - A");
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(c->a, "rows")) {
        const cJSON *other = row_named(c->b, result_model(row));
        if (!other) continue;
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
            double a = result_figure(row, figures[i][0]), b = result_figure(other, figures[i][0]);
            char *label = mem_format("%s: %s", result_model(row), figures[i][1]);
            if (isnan(b - a))
                str_add(c->out, "%-46s %8s %8s %8s\n", label, figure_text(a, 2).at,
                        figure_text(b, 2).at, "-");
            else
                str_add(c->out, "%-46s %8.2f %8.2f %+8.2f\n", label, a, b, b - a);
            free(label);
        }
    }
}

/* Models that only one of the results has. */
static void tell_models(struct comparison *c) {
    const cJSON *sides[] = {c->a, c->b}, *row;
    for (int side = 0; side < 2; side++)
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(sides[side], "rows")) {
            if (row_named(sides[!side], result_model(row))) continue;
            str_add(c->out, "model \"%s\" is in %s alone\n", result_model(row), side ? "B" : "A");
        }
}

size_t protocol_compare(const cJSON *a, const cJSON *b, struct str *out) {
    struct comparison c = {.a = a, .b = b, .out = out};
    struct str text = {0};
    c.out = &text;
    str_add(&text, "%s", "");
    compare(&c, "", cJSON_GetObjectItemCaseSensitive(a, "protocol"),
            cJSON_GetObjectItemCaseSensitive(b, "protocol"));
    c.out = out;
    if (!c.n)
        str_add(out, "The protocols are the same: the figures can be compared.\n");
    else
        str_add(out, "The protocols differ in %zu point%s:\n%s%s\n", c.n, c.n == 1 ? "" : "s",
                text.at,
                c.decisive ? "mIoU may differ for these reasons alone: it says little of the "
                             "models."
                           : "mIoU does not depend on that, and can be compared.");
    tell_models(&c);
    tell_figures(&c);
    str_free(&text);
    return c.n;
}
