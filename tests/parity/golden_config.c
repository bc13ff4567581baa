#include "tests/parity/golden_config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "configs/reference.h"

int golden_open(const char *path, cJSON **out) {
    struct bytes text;
    *out = NULL;
    int status = file_read(path, 1 << 26, &text);
    if (status) return status;
    *out = cJSON_Parse((const char *)text.at);
    bytes_free(&text);
    if (!cJSON_IsObject(*out)) return error_set(ERR_DATA, "%s: no JSON object", path);
    return 0;
}

const cJSON *golden_item(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

double golden_number(const cJSON *x) {
    if (cJSON_IsString(x)) return strtod(x->valuestring, NULL);
    return cJSON_IsNumber(x) ? x->valuedouble : (double)NAN;
}

static int put(struct settings_doc *doc, const char *key, const char *value) {
    struct override o = {.key = mem_strdup(key), .value = mem_strdup(value)};
    int status = config_override(doc, &o);
    override_free(&o);
    return status;
}

static int put_json(struct settings_doc *doc, const char *key, const cJSON *x) {
    char *value = cJSON_IsString(x) ? mem_strdup(x->valuestring) : cJSON_PrintUnformatted(x);
    int status = put(doc, key, value);
    free(value);
    return status;
}

/* A small CLIP that is described has no name. */
static bool no_setting(const cJSON *golden, const char *key) {
    return strcmp(key, "MODEL.CLIP_ADAPTER.CLIP_MODEL_NAME") == 0 &&
           cJSON_IsString(golden_item(golden, "clip"));
}

static int put_overrides(struct settings_doc *doc, const cJSON *golden) {
    const cJSON *list = golden_item(golden, "overrides");
    bool decoder = false;
    int status = 0;
    for (int turn = 0; turn < REFERENCE_TURNS; turn++) {
        if (!status && turn == 1 && !decoder) /* the yamls' */
            status = put(doc, "MODEL.SEM_SEG_HEAD.PIXEL_DECODER_NAME", "BasePixelDecoder");
        for (int i = 0; !status && i + 1 < cJSON_GetArraySize(list); i += 2) {
            const cJSON *name = cJSON_GetArrayItem(list, i);
            const char *key = cJSON_IsString(name) ? name->valuestring : "";
            if (no_setting(golden, key)) continue;
            decoder |= strcmp(key, "MODEL.SEM_SEG_HEAD.PIXEL_DECODER_NAME") == 0;
            if (reference_turn(key) == turn)
                status = put_json(doc, key, cJSON_GetArrayItem(list, i + 1));
        }
    }
    return status;
}

/* All settings, with the segmentation stage's defaults of the optimiser. */
static void assign(const struct settings_doc *doc, struct config *c, struct problems *p) {
    struct setting_group groups[32];
    struct settings_table known = config_known();
    REQUIRE(known.n <= sizeof groups / sizeof *groups, "%zu groups of settings", known.n);
    for (size_t i = 0; i < known.n; i++) {
        groups[i] = known.at[i];
        if (groups[i].rows == optim_clip_rows) groups[i].rows = optim_proposals_rows;
    }
    known.at = groups;
    settings_assign(doc, known, known, "golden", c, p);
}

int golden_configure(struct config *c, const cJSON *golden, const char *path) {
    static const struct {
        const char *model, *lr, *weight_decay, *multiplier; /* reference-spec 6.1 */
    } released[] = {
        {"configs/paper/ovseg-r101c-vitb16/model.yaml", "2e-4", "1e-4", "0.1"},
        {"configs/paper/ovseg-swinb-vitl14/model.yaml", "6e-5", "1e-2", "1"},
    };
    const cJSON *yaml = golden_item(golden, "yaml");
    int which = cJSON_IsString(yaml) && strstr(yaml->valuestring, "swin");
    /* The programs run anywhere, not in the root of the repository as tests do. */
    char *model = path_join(TEST_SOURCE_DIR, released[which].model);
    struct settings_doc doc;
    struct problems p = {0};
    int status = settings_read(&doc, model);
    if (!status) status = put(&doc, "SOLVER.BASE_LR", released[which].lr);
    if (!status) status = put(&doc, "SOLVER.WEIGHT_DECAY", released[which].weight_decay);
    if (!status) status = put(&doc, "SOLVER.BACKBONE_MULTIPLIER", released[which].multiplier);
    if (!status) status = put_overrides(&doc, golden);
    if (!status) {
        assign(&doc, c, &p);
        proposals_check(&c->proposals, path, &p);
        status = problems_close(&p, ERR_CONFIG);
    }
    settings_doc_free(&doc);
    free(model);
    return status;
}
