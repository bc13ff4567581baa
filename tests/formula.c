#include "tests/formula.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

double vector_u(uint32_t i, uint32_t k) {
    uint32_t h = i * 2654435761u + k * 40503u;
    h ^= h >> 16;
    h *= 0x45d9f3bu;
    h ^= h >> 16;
    return h / 2147483648.0 - 1;
}

static tensor *from_floats(float *x, struct shape s) {
    tensor *t = t_from_data(x, s, T_F32);
    free(x);
    return t;
}

static size_t shape_count(struct shape s) {
    size_t n = 1;
    for (int i = 0; i < s.n; i++) n *= (size_t)s.d[i];
    return n;
}

tensor *vector_input(struct shape s, uint32_t id, double lo, double hi) {
    size_t n = shape_count(s);
    float *x = mem_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(lo + (vector_u((uint32_t)i, 1000 + id) + 1) / 2 * (hi - lo));
    return from_floats(x, s);
}

/* Elements of one slice along the first axis: what a matrix sums over. */
static double fan_in(struct shape s) {
    s.d[0] = 1;
    return (double)shape_count(s);
}

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static bool starts_with(const char *s, const char *start) {
    return strncmp(s, start, strlen(start)) == 0;
}

/* The name below the prefix, or NULL when it is not below it. */
static const char *below(const char *name, const char *prefix) {
    size_t n = strlen(prefix);
    if (n == 0) return name;
    return starts_with(name, prefix) && name[n] == '.' ? name + n + 1 : NULL;
}

static float vector_weight(const char *key, struct shape s, uint32_t i, uint32_t k) {
    double u = vector_u(i, k);
    if (ends_with(key, "running_var")) return (float)(1 + 0.1 * fabs(u));
    if (s.n == 1) return (float)(ends_with(key, "weight") ? 1 + 0.1 * u : 0.1 * u);
    double fan = s.n == 3 ? (double)s.d[2] : fan_in(s);
    return (float)(sqrt(3 / fan) * u);
}

static uint32_t key_rank(const struct params *p, const char *prefix, const char *const *extra,
                         const char *key) {
    uint32_t rank = 0;
    for (size_t i = 0; i < p->n; i++) {
        const char *other = below(p->at[i].name, prefix);
        rank += other && strcmp(other, key) < 0;
    }
    for (; extra && *extra; extra++) rank += strcmp(*extra, key) < 0;
    return rank;
}

void vector_fill(struct params *p, const char *prefix, const char *const *extra) {
    for (size_t j = 0; j < p->n; j++) {
        const char *key = below(p->at[j].name, prefix);
        struct shape s = t_shape(p->at[j].t);
        if (!key || s.n == 0 || t_dtype(p->at[j].t) != T_F32) continue;
        uint32_t k = key_rank(p, prefix, extra, key);
        size_t n = shape_count(s);
        float *x = mem_alloc(n, sizeof *x);
        for (size_t i = 0; i < n; i++) x[i] = vector_weight(key, s, (uint32_t)i, k);
        int scope = t_scope_open("vector_fill", T_NO_GRAD);
        t_copy_(p->at[j].t, from_floats(x, s));
        t_scope_close(scope, NULL);
    }
}

static uint64_t name_hash(const char *name) { /* FNV-1a */
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++) h = (h ^ (uint8_t)*name) * 0x100000001b3u;
    return h;
}

static double hash_u(uint64_t h, uint64_t i, uint64_t seed) { /* splitmix64 */
    uint64_t z = h + (i + 1) * 0x9E3779B97F4A7C15u + seed * 0xD1B54A32D192ED03u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return (double)(z >> 40) / 8388608 - 1;
}

double golden_u(const char *name, uint64_t i, uint64_t seed) {
    return hash_u(name_hash(name), i, seed);
}

tensor *golden_input(const char *name, struct shape s, uint64_t seed, double lo, double hi) {
    size_t n = shape_count(s);
    uint64_t h = name_hash(name);
    float *x = mem_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)(lo + (hash_u(h, i, seed) + 1) * 0.5 * (hi - lo));
    return from_floats(x, s);
}

/* Value = (absolute ? |u| : u) * factor + offset. */
struct rule {
    double factor, offset;
    bool absolute;
};

static double bias_offset(const char *n, struct shape s) {
    if (strcmp(n, "backbone.res5.2.conv3.norm.bias") == 0) return s.d[0] == 2048 ? -2.0 : 0;
    if (strcmp(n, "sem_seg_head.predictor.mask_embed.layers.0.bias") == 0) return -0.8;
    if (strcmp(n, "sem_seg_head.predictor.class_embed.layers.0.bias") == 0) return -0.8;
    if (strcmp(n, "sem_seg_head.predictor.mask_embed.layers.1.bias") == 0) return -0.4;
    return 0;
}

static double gain(const char *n) {
    if (ends_with(n, ".attn.in_proj_weight")) {
        if (starts_with(n, "transformer.resblocks.")) return 2.5;
        if (starts_with(n, "visual.transformer.resblocks.")) return 1.5;
    }
    if (starts_with(n, "sem_seg_head.predictor.transformer.")) {
        if (ends_with(n, ".multihead_attn.in_proj_weight")) return 3;
        if (ends_with(n, ".multihead_attn.out_proj.weight")) return 3;
        if (ends_with(n, ".self_attn.out_proj.weight")) return 0.3;
        if (ends_with(n, ".linear2.weight")) return 0.5;
    }
    return strcmp(n, "sem_seg_head.predictor.mask_embed.layers.2.weight") == 0 ? 12 : 1;
}

/* The scale of tables that are looked up, not multiplied; 0 when n is none of them. */
static double table_factor(const char *n) {
    static const struct {
        const char *end;
        double factor;
    } tables[] = {
        {"token_embedding.weight", 1},
        {"query_embed.weight", 4},
        {"relative_position_bias_table", 1},
        {"non_object_embedding", 1},
        {"mask_embedding", 1},
        {"class_embedding", 1},
        {"positional_embedding", 0.5},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (ends_with(n, tables[i].end)) return tables[i].factor;
    return 0;
}

static struct rule rule_of(const char *n, struct shape s, double mask_bias) {
    const char *dot = strrchr(n, '.'), *last = dot ? dot + 1 : n;
    if (strcmp(last, "logit_scale") == 0) return (struct rule){.offset = log(1 / 0.07)};
    if (strcmp(last, "running_mean") == 0) return (struct rule){.factor = 0.05};
    if (strcmp(last, "running_var") == 0) return (struct rule){0.2, 1, true};
    if (strcmp(n, "sem_seg_head.pixel_decoder.mask_features.bias") == 0)
        return (struct rule){.factor = mask_bias};
    if (ends_with(last, "bias")) return (struct rule){.factor = 0.02, .offset = bias_offset(n, s)};
    if (s.n == 1 && strcmp(last, "weight") == 0) return (struct rule){.factor = 0.1, .offset = 1};
    double table = table_factor(n);
    if (table > 0) return (struct rule){.factor = table};
    if (strcmp(last, "proj") == 0 || strcmp(last, "text_projection") == 0)
        return (struct rule){.factor = sqrt(3.0 / (double)s.d[0])};
    REQUIRE(s.n >= 2, "no formula for %s", n);
    return (struct rule){.factor = gain(n) * sqrt(3.0 / fan_in(s))};
}

static bool keeps_its_value(const char *n) {
    static const char *const names[] = {"relative_position_index",
                                        "num_batches_tracked",
                                        "empty_weight",
                                        "pixel_mean",
                                        "pixel_std",
                                        "attn_mask"};
    const char *dot = strrchr(n, '.'), *last = dot ? dot + 1 : n;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(last, names[i]) == 0) return true;
    return false;
}

void golden_fill(struct params *p, uint64_t seed, double mask_bias) {
    for (size_t j = 0; j < p->n; j++) {
        const char *n = p->at[j].name;
        if (starts_with(n, "module.")) n += strlen("module.");
        if (starts_with(n, "clip_adapter.clip_model.")) n += strlen("clip_adapter.clip_model.");
        if (keeps_its_value(n)) continue;
        struct shape s = t_shape(p->at[j].t);
        struct rule r = rule_of(n, s, mask_bias);
        uint64_t h = name_hash(n);
        size_t count = shape_count(s);
        float *x = mem_alloc(count, sizeof *x);
        for (size_t i = 0; i < count; i++) {
            double u = hash_u(h, i, seed);
            x[i] = (float)((r.absolute ? fabs(u) : u) * r.factor + r.offset);
        }
        int scope = t_scope_open("golden_fill", T_NO_GRAD);
        t_copy_(p->at[j].t, from_floats(x, s));
        t_scope_close(scope, NULL);
    }
}
