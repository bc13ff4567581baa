#include "train/evaluation/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/settings_text.h"

static void put_hash(struct json_out *j, const char *key, uint64_t h) {
    char hex[17];
    hash_hex(h, hex);
    json_key_string(j, key, hex);
}

static uint64_t hash_labels(const struct dataset *d) {
    struct hasher h;
    hasher_open(&h);
    for (int64_t k = 0; k < d->n_classes; k++) {
        hasher_add_string(&h, d->class_name[k]);
        hasher_add(&h, &d->class_seen[k], sizeof d->class_seen[k]);
    }
    hasher_add(&h, &d->ignore, sizeof d->ignore);
    return hasher_close(&h);
}

static const char *lambda_rule(const struct evaluation *e) {
    const struct eval_options *o = &e->node->config.eval;
    if (e->given) return "CLIP's probabilities alone, of masks of others";
    if (!o->ensemble) return "MaskFormer's probabilities alone: CLIP is not asked";
    if (o->lambda == 0) return "CLIP's probabilities alone, of proposals that it was asked about";
    return "MaskFormer's to the power of 1 - lambda times CLIP's to the power of lambda";
}

/* "key=value" lines of what inference and measures go by; the set stands above. */
static void put_settings(const struct evaluation *e, struct json_out *j) {
    static const char *const parts[] = {"eval.", "measure.", "text.", "crop.", "precision="};
    struct str lines = {0};
    settings_describe(config_used(STAGE_EVALUATE), &e->node->config, &lines);
    json_key(j, "settings");
    json_object(j);
    for (const char *line = lines.at; *line;) {
        size_t n = strcspn(line, "\n"), key = strcspn(line, "=");
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            if (strncmp(line, parts[i], strlen(parts[i])) == 0 &&
                strncmp(line, "eval.set=", strlen("eval.set=")) != 0) {
                char *name = mem_format("%.*s", (int)key, line);
                char *value = mem_format("%.*s", (int)(n - key - 1), line + key + 1);
                json_key_string(j, name, value);
                free(name);
                free(value);
            }
        line += n + (line[n] == '\n');
    }
    json_end(j);
    str_free(&lines);
}

static void put_checkpoints(const struct evaluation *e, struct json_out *j) {
    json_key(j, "checkpoints");
    json_object(j);
    for (size_t i = 0; i < e->node->n_inputs; i++) {
        const struct node_input *in = &e->node->input[i];
        bool is_model = segment_is_clip(in->name) || strcmp(in->name, "proposals") == 0;
        if (!is_model || !in->node) continue;
        bool best = in->best || in->node->config.train.validate_keep == KEEP_BEST;
        bool weights = in->node->config.run.stage == STAGE_IMPORT;
        json_key_string(j, in->name,
                        in->node->packaged ? "package"
                        : weights          ? "published"
                        : best             ? "best"
                                           : "last");
    }
    json_end(j);
}

static void put_all(const struct evaluation *e, struct json_out *j) {
    json_key_string(j, "set", e->node->config.eval.set);
    json_key_int(j, "images", e->n_images);
    put_hash(j, "set_hash", e->set.hash);
    json_key_int(j, "classes", e->K);
    put_hash(j, "labels_hash", hash_labels(&e->set));
    json_key_int(j, "shortest", e->size.shortest);
    json_key_int(j, "longest", e->size.longest);
    json_key_string(j, "lambda_rule", lambda_rule(e));
    json_key_string(j, "denominator",
                    "miou: classes in the truth or predicted; miou_truth: in the truth; miou_all: "
                    "all");
    put_checkpoints(e, j);
    if (e->likeness.at)
        put_hash(j, "similarity_hash", e->likeness.hash);
    else
        json_key_string(j, "similarity_hash", NULL);
    if (e->group)
        put_hash(j, "groups_hash", hash_bytes(e->group, (size_t)e->K * sizeof *e->group));
    else
        json_key_string(j, "groups_hash", NULL);
    put_settings(e, j);
}

void protocol_write(const struct evaluation *e, struct json_out *j) {
    struct str text = {0};
    struct json_out alone = {.to = &text};
    json_object(&alone);
    put_all(e, &alone);
    json_end(&alone);
    json_object(j);
    put_hash(j, "id", hash_string(text.at));
    put_all(e, j);
    json_end(j);
    str_free(&text);
}
