/* The card as a page to read. */
#include <string.h>

#include "base/json.h"
#include "train/evaluation/result.h"
#include "train/package/card.h"

static const cJSON *get(const cJSON *o, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* A scalar as text; in a table no line may end and no column begin. */
static void put_value(struct str *out, const cJSON *x) {
    if (cJSON_IsString(x)) {
        for (const char *at = x->valuestring; *at; at++) {
            if (*at == '|') str_add(out, "\\");
            str_add(out, "%c", (unsigned char)*at < 0x20 ? ' ' : *at);
        }
    } else if (cJSON_IsNumber(x)) {
        char text[32];
        json_number(text, x->valuedouble);
        str_add(out, "%s", text);
    } else if (cJSON_IsBool(x)) {
        str_add(out, "%s", cJSON_IsTrue(x) ? "true" : "false");
    } else { /* it does not apply */
        str_add(out, "-");
    }
}

/* A line for each element of a list, of these members. */
static void put_table(struct str *out, const cJSON *list, const char *const *columns) {
    const cJSON *row;
    for (const char *const *k = columns; *k; k++) str_add(out, "| %s ", *k);
    str_add(out, "|\n");
    for (const char *const *k = columns; *k; k++) str_add(out, "|---");
    str_add(out, "|\n");
    cJSON_ArrayForEach(row, list) {
        for (const char *const *k = columns; *k; k++) {
            str_add(out, "| ");
            put_value(out, get(row, *k));
            str_add(out, " ");
        }
        str_add(out, "|\n");
    }
    if (!cJSON_GetArraySize(list)) str_add(out, "\n%s\n", CARD_UNKNOWN);
    str_add(out, "\n");
}

static void put_members(struct str *out, const cJSON *object) {
    const cJSON *x;
    cJSON_ArrayForEach(x, object) {
        if (cJSON_IsObject(x)) continue;
        str_add(out, "- %s: ", x->string);
        if (cJSON_IsArray(x)) {
            const cJSON *y;
            cJSON_ArrayForEach(y, x) {
                str_add(out, y == x->child ? "`" : ", `");
                put_value(out, y);
                str_add(out, "`");
            }
        } else {
            put_value(out, x);
        }
        str_add(out, "\n");
    }
    str_add(out, "\n");
}

static void put_commerce(struct str *out, const cJSON *card) {
    static const struct {
        const char *forbidden, *text;
    } all[] = {
        {"yes", "**Not for commercial use**: a source below is not."},
        {"maybe", "**Perhaps not for commercial use**: a source below may be one that is not."},
        {CARD_UNKNOWN, "Commercial use: unknown, because licences of sources below are."},
        {"no", "No source below forbids commercial use."},
    };
    const char *forbidden = cJSON_GetStringValue(get(card, "non_commercial"));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (forbidden && strcmp(forbidden, all[i].forbidden) == 0)
            str_add(out, "%s\n\n", all[i].text);
}

/* All and seen and unseen classes of a figure. */
static void put_figure(struct str *out, const cJSON *row, const char *key) {
    static const char *const parts[] = {"all", "seen", "unseen"};
    for (int i = 0; i < 3; i++) {
        const cJSON *x = get(get(row, key), parts[i]);
        if (cJSON_IsNumber(x))
            str_add(out, " %.2f |", x->valuedouble);
        else
            str_add(out, " %s |", cJSON_IsNull(x) ? "-" : CARD_UNKNOWN);
    }
}

static void put_results(struct str *out, const cJSON *card) {
    const cJSON *results = get(card, "results"), *row;
    str_add(out, "## Results\n\n");
    if (!cJSON_IsObject(results)) {
        str_add(out, "%s\n\n", CARD_UNKNOWN);
        return;
    }
    put_members(out, get(card, "protocol"));
    str_add(out, "Measured in ");
    put_value(out, get(results, "of"));
    str_add(out, "; this model is row `");
    put_value(out, get(results, "row"));
    str_add(out, "`. Percent.\n\n");
    if (cJSON_GetArraySize(get(results, "other_settings")))
        str_add(out,
                "**Measured with other settings than this package has** (`other_settings` in "
                "card.json).\n\n");
    str_add(out,
            "| row | mIoU, all | seen | unseen | mask accuracy, all | seen | unseen |\n"
            "|---|---|---|---|---|---|---|\n");
    cJSON_ArrayForEach(row, get(results, "rows")) {
        str_add(out, "| ");
        put_value(out, get(row, "name"));
        str_add(out, " |");
        put_figure(out, row, "miou");
        put_figure(out, row, "mask_accuracy");
        str_add(out, "\n");
    }
    result_put_absent(cJSON_GetArrayItem(get(results, "rows"), 0), out);
    str_add(out, "\n");
}

static void put_page(struct str *out, const cJSON *card, const char *name) {
    static const char *const sources[] = {"name",    "kind",           "file",
                                          "licence", "non_commercial", NULL};
    static const char *const runs[] = {"run", "stage", "identity", "steps", "samples", NULL};
    static const char *const sets[] = {"of", "set", "images", "captions", "classes", NULL};
    static const char *const pairs[] = {"of", "pairs", "nouns", NULL};
    static const char *const packages[] = {"name", NULL};
    str_add(out,
            "# %s\n\nA model of ovseg " OVSEG_VERSION
            " for segmenting pictures with any "
            "names. This page was generated; card.json has more.\n\n",
            name);
    put_commerce(out, card);
    str_add(out, "## Model\n\n");
    put_members(out, get(card, "model"));
    put_members(out, get(card, "inference"));
    str_add(out, "## Sources\n\n");
    put_table(out, get(card, "sources"), sources);
    str_add(out, "## Lineage\n\n");
    put_table(out, get(card, "lineage"), runs);
    if (cJSON_GetArraySize(get(card, "packages"))) put_table(out, get(card, "packages"), packages);
    str_add(out, "## Data\n\n");
    put_table(out, get(card, "sets"), sets);
    put_table(out, get(card, "pairs"), pairs);
    put_results(out, card);
}

void card_format(struct card *c, const char *name, struct str *json, struct str *markdown) {
    char *text = cJSON_Print(c->json);
    str_add(json, "%s\n", text ? text : "{}");
    cJSON_free(text);
    put_page(markdown, c->json, name);
}
