/* Q proposals, V regions, K names, h w the size that the network sees, H W the picture's. */
#include "tests/parity/infer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "checkpoints/tensor_file.h"
#include "eval/class_text.h"
#include "eval/picture.h"
#include "nn/models/ovseg.h"
#include "tests/formula.h"
#include "tests/golden_file.h"
#include "tests/parity/golden_config.h"

/* How far the masks of two processors may be apart: 1e-5 of the RMS of their logits, about 20,
 * after the sigmoid. */
#define AT_THRESHOLD 5e-5F

struct replay {
    cJSON *golden;
    const char *path, *data;
    struct config config;
    struct params params;
    struct ovseg model;
    tensor *text; /* [K, D], held */
    int64_t K;
    bool others;
    struct image picture;
    struct dump got;
    struct labels labels;
    struct verdicts *report;
};

/* --- the model --- */

static int make_model(struct replay *r) {
    const cJSON *seed = golden_item(r->golden, "seed"),
                *bias = golden_item(r->golden, "mask_features_bias_factor");
    const struct config *c = &r->config;
    struct clip_options clip = clip_model(&c->clip, &c->prompt);
    struct maskformer_options proposals =
        proposals_model(&c->proposals, clip.features, c->proposals.temperature);
    ovseg_init(&r->model, params_root(&r->params), &proposals, &clip);
    golden_fill(&r->params, (uint64_t)seed->valuedouble,
                cJSON_IsNumber(bias) ? bias->valuedouble : 0.02);
    return error_status();
}

static int name_classes(struct replay *r) {
    const cJSON *names = golden_item(r->golden, "class_names");
    r->K = cJSON_GetArraySize(names);
    char **at = mem_alloc((size_t)r->K, sizeof *at);
    for (int64_t k = 0; k < r->K; k++) at[k] = cJSON_GetArrayItem(names, (int)k)->valuestring;
    r->text = class_text_of_names(&r->model.clip, &r->config.text, at, r->K); /* [K, D] */
    if (r->text) r->text = t_hold(r->text);
    r->others = r->K == 2 && strcmp(at[1], "others") == 0;
    free(at);
    return error_status();
}

static int read_picture(struct replay *r) {
    char *path = path_join(r->data, golden_item(r->golden, "image")->valuestring);
    struct bytes file = {0};
    int status = file_read(path, 1 << 28, &file);
    if (!status) status = image_decode_upright(file.at, file.n, path, &r->picture);
    bytes_free(&file);
    free(path);
    return status;
}

static int run(struct replay *r) {
    const struct config *c = &r->config;
    struct picture_models models = {.net = &r->model.proposals,
                                    .text = r->text,
                                    .eval = &c->eval,
                                    .crop = &c->crop,
                                    .size = {c->eval.shortest, c->eval.longest}};
    struct namer namer = {.clip = &r->model.clip,
                          .text = r->text,
                          .temperature = c->eval.temperature,
                          .no_prompts = !c->eval.prompts};
    struct judge judge = judge_of(&c->eval, &namer, r->others);
    return picture_segment(&models, &judge, 1, &r->picture, &r->labels, NULL, &r->got);
}

/* --- the comparison --- */

/* rms_change / rms of ovseg_r101c_vitb_seed1, for files that have no sensitivity of their own. */
static double usual_sensitivity(const char *name) {
    static const struct {
        const char *name;
        double relative;
    } usual[] = {{"areas", 2.16e-5},        {"clip_image_features", 4.03e-3},
                 {"clip_logits", 2.90e-3},  {"mask_max_prob", 1.17e-5},
                 {"pred_embed", 5.92e-6},   {"pred_logits", 1.05e-5},
                 {"pred_masks", 8.54e-6},   {"sem_seg", 2.30e-4},
                 {"text_features", 6.19e-6}};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(usual[i].name, name) == 0) return usual[i].relative;
    return 0;
}

static double bar(const struct replay *r, const char *name) {
    if (strcmp(name, "fused_before_resize") == 0) name = "sem_seg"; /* the same, resized */
    const cJSON *tensors = golden_item(golden_item(r->golden, "sensitivity"), "tensors"),
                *s = golden_item(tensors, name);
    double relative = usual_sensitivity(name);
    if (s && golden_item(s, "rms")->valuedouble > 0)
        relative = golden_item(s, "rms_change")->valuedouble / golden_item(s, "rms")->valuedouble;
    return relative * 3 > 1e-4 ? relative * 3 : 1e-4;
}

struct difference {
    double rms; /* of a - b over that of b; infinite when the sizes differ */
    int64_t at; /* the worst element */
    double ours, theirs;
};

static struct difference difference(tensor *a, tensor *b) {
    struct difference d = {.rms = INFINITY};
    int64_t n = t_numel(b);
    if (t_numel(a) != n) return d;
    double *x = mem_alloc((size_t)n + 1, sizeof *x), *y = mem_alloc((size_t)n + 1, sizeof *y);
    double diff = 0, size = 0;
    int status = t_copy_out(t_cast(t_reshape(a, SHAPE(-1)), T_F64), x, (size_t)n * sizeof *x);
    if (!status)
        status = t_copy_out(t_cast(t_reshape(b, SHAPE(-1)), T_F64), y, (size_t)n * sizeof *y);
    for (int64_t i = 0; i < n; i++) {
        diff += (x[i] - y[i]) * (x[i] - y[i]);
        size += y[i] * y[i];
        if (!(fabs(x[i] - y[i]) <= fabs(d.ours - d.theirs)))
            d = (struct difference){.at = i, .ours = x[i], .theirs = y[i]};
    }
    free(x);
    free(y);
    d.rms = status ? (double)INFINITY : size > 0 ? sqrt(diff / size) : sqrt(diff);
    return d;
}

/* "every [1, 4, 4] along the axes, first index 0": our tensor's elements that the file holds. */
static tensor *stored_part(tensor *x, const cJSON *entry) {
    const cJSON *stored = golden_item(entry, "stored");
    const char *list = stored ? strchr(stored->valuestring, '[') : NULL;
    if (!list) return x;
    cJSON *steps = cJSON_ParseWithOpts(list, NULL, false);
    struct shape step = {0};
    const cJSON *d;
    cJSON_ArrayForEach(d, steps) step.d[step.n++] = d->valueint;
    cJSON_Delete(steps);
    return golden_every(x, step);
}

/* One line; NULL: there is nothing to compare. */
static void compare_values(struct replay *r, const char *name, tensor *got, tensor *want,
                           double allowed) {
    struct difference d = {.rms = INFINITY};
    if (got && want) d = difference(got, want);
    verdicts_line(r->report, name, d.rms, allowed);
    if (got && want && !(d.rms <= allowed))
        str_add(&r->report->text, "    worst: element %lld is %.9g, expected %.9g\n",
                (long long)d.at, d.ours, d.theirs);
}

/* Rows of x [V, ...] whose mask comes nearer to the threshold than rounding moves it, or the
 * others; *n: how many. */
static tensor *rows_of(const struct replay *r, tensor *x, bool near, int64_t *n) {
    int64_t V = t_size(x, 0), *rows = mem_alloc((size_t)V + 1, sizeof *rows);
    float *margin = mem_alloc((size_t)V + 1, sizeof *margin);
    t_copy_out(dump_find(&r->got, "mask_margin"), margin, (size_t)V * sizeof *margin);
    *n = 0;
    for (int64_t v = 0; v < V; v++)
        if ((margin[v] < AT_THRESHOLD) == near) rows[(*n)++] = v;
    tensor *some = t_index_select(x, 0, t_from_data(rows, SHAPE(*n), T_I64));
    free(rows);
    free(margin);
    return some;
}

/* What is made of hard masks [V, ...]: where a pixel lies at the threshold, rounding decides
 * whether it is in, and the golden's own rounding is that of one processor (PyTorch itself is as
 * far from it on another: pred_masks 5.8e-6 where ours are 6.0e-6). Such regions have a bar for a
 * pixel more or less, or a patch that is blank or not; the others are held to the usual one. */
static const struct hard {
    const char *name;
    double pixel; /* of RMS */
} hards[] = {{"regions_224", 0.02},
             {"patch_nonblank_count", 0.02},
             {"clip_image_features", 0.05},
             {"clip_logits", 0.05}};

static const struct hard *find_hard(const char *name) {
    for (size_t i = 0; i < sizeof hards / sizeof *hards; i++)
        if (strcmp(hards[i].name, name) == 0) return &hards[i];
    return NULL;
}

static void compare_hard(struct replay *r, const struct hard *h, tensor *got, tensor *want) {
    const char *name = h->name;
    int64_t n;
    char line[96];
    compare_values(r, name, rows_of(r, got, false, &n), rows_of(r, want, false, &n), bar(r, name));
    tensor *mine = rows_of(r, got, true, &n), *theirs = rows_of(r, want, true, &n);
    snprintf(line, sizeof line, "%s, %lld at the threshold", name, (long long)n);
    if (n) compare_values(r, line, mine, theirs, h->pixel);
}

static void compare_tensors(struct replay *r, struct tensor_file *f) {
    const cJSON *entry;
    cJSON_ArrayForEach(entry, golden_item(r->golden, "tensors")) {
        int scope = t_scope_open("compare", T_NO_GRAD);
        const struct st_tensor *there = st_table_find(f->table, entry->string);
        tensor *want = there ? tensor_file_tensor(f, there) : NULL,
               *got = dump_find(&r->got, entry->string);
        if (want && got && t_dim(got) == t_dim(want) + 1) got = t_squeeze(got, 0);
        bool fits = want && got && t_dim(got) == cJSON_GetArraySize(golden_item(entry, "shape"));
        for (int i = 0; fits && i < t_dim(got); i++)
            fits = t_size(got, i) == cJSON_GetArrayItem(golden_item(entry, "shape"), i)->valueint;
        const struct hard *hard = fits ? find_hard(entry->string) : NULL;
        if (hard)
            compare_hard(r, hard, stored_part(got, entry), want);
        else
            compare_values(r, entry->string, fits ? stored_part(got, entry) : NULL, want,
                           bar(r, entry->string));
        t_scope_close(scope, NULL);
    }
}

/* Sums and 64 samples of maps that the file does not hold: against the RMS of the map. */
static void compare_stages(struct replay *r) {
    const cJSON *entry;
    cJSON_ArrayForEach(entry, golden_item(r->golden, "stages")) {
        tensor *got = dump_find(&r->got, entry->string);
        const cJSON *samples = golden_item(entry, "samples");
        if (!got || !cJSON_IsArray(samples)) continue;
        size_t n = (size_t)t_numel(got), m = (size_t)cJSON_GetArraySize(samples);
        double *at = mem_alloc(n + 1, sizeof *at), diff = 0;
        int scope = t_scope_open("stage", T_NO_GRAD);
        int status = t_copy_out(t_cast(got, T_F64), at, n * sizeof *at);
        t_scope_close(scope, NULL);
        for (size_t i = 0; i < m; i++) {
            double d = at[i * n / m] - cJSON_GetArrayItem(samples, (int)i)->valuedouble;
            diff += d * d / (double)m;
        }
        double rms = sqrt(golden_item(entry, "sumsq")->valuedouble / (double)n);
        char name[64];
        snprintf(name, sizeof name, "stage %s", entry->string);
        verdicts_line(r->report, name, status ? (double)INFINITY : sqrt(diff) / rms,
                      bar(r, entry->string));
        free(at);
    }
}

/* Labels are equal but where the two highest scores are closer than what rounding moves. */
static int compare_labels(struct replay *r) {
    const cJSON *png = golden_item(r->golden, "label_png");
    if (!png) return 0;
    char *dir = path_dir(r->path),
         *name = mem_format("%.*s", (int)strcspn(png->valuestring, " "), png->valuestring);
    char *path = path_join(dir, name);
    struct bytes file = {0};
    struct labels want = {0};
    int status = file_read(path, 1 << 28, &file);
    if (!status) status = labels_decode_png(file.at, file.n, path, &want);
    const cJSON *s =
        golden_item(golden_item(golden_item(r->golden, "sensitivity"), "tensors"), "sem_seg");
    double margin =
        s ? golden_item(s, "max_abs_change")->valuedouble / golden_item(s, "rms")->valuedouble
          : 1.64e-3;
    margin = margin * 3 > 1e-4 ? margin * 3 : 1e-4;
    int64_t n = want.h * want.w, differ = 0;
    float *score = mem_alloc((size_t)(r->K * n) + 1, sizeof *score);
    if (!status)
        status =
            t_copy_out(dump_find(&r->got, "sem_seg"), score, (size_t)(r->K * n) * sizeof *score);
    bool fits = !status && want.h == r->labels.h && want.w == r->labels.w;
    for (int64_t i = 0; fits && i < n; i++) {
        if (want.at[i] == r->labels.at[i]) continue;
        float first = -INFINITY, second = -INFINITY;
        for (int64_t k = 0; k < r->K; k++) {
            float x = score[k * n + i];
            if (x > first) {
                second = first;
                first = x;
            } else if (x > second) {
                second = x;
            }
        }
        differ += !((first - second) <= margin * fabs((double)first));
    }
    if (!status)
        verdicts_line(r->report, "labels that clearly differ",
                      fits ? (double)differ : (double)INFINITY, 0);
    free(score);
    labels_free(&want);
    bytes_free(&file);
    free(path);
    free(name);
    free(dir);
    return status;
}

static int compare(struct replay *r) {
    size_t stem = strlen(r->path) - strlen(".json");
    char *path = mem_format("%.*s.safetensors", (int)stem, r->path);
    struct tensor_file f;
    int status = tensor_file_open(&f, path, NULL);
    if (!status) {
        compare_tensors(r, &f);
        compare_stages(r);
        tensor_file_close(&f);
        status = error_status() ? error_status() : compare_labels(r);
    }
    free(path);
    return status;
}

static int read_golden(struct replay *r) {
    int status = golden_open(r->path, &r->golden);
    if (status) return status;
    if (!cJSON_IsString(golden_item(r->golden, "image")) ||
        !cJSON_IsArray(golden_item(r->golden, "class_names")) ||
        !cJSON_IsNumber(golden_item(r->golden, "seed")))
        return error_set(ERR_DATA, "%s: no whole-model golden: image, class_names, seed", r->path);
    return 0;
}

int infer_replay(const char *golden, const char *data, struct verdicts *report_to) {
    struct replay *r = mem_alloc(1, sizeof *r);
    *r = (struct replay){.path = golden, .data = data, .report = report_to};
    *report_to = (struct verdicts){0};
    int scope = t_scope_open("infer", T_NO_GRAD | T_EVAL);
    int status = read_golden(r);
    if (!status) status = golden_configure(&r->config, r->golden, r->path);
    if (!status) status = read_picture(r);
    if (!status) status = make_model(r);
    if (!status) status = name_classes(r);
    if (!status) status = run(r);
    if (!status) status = compare(r);
    dump_free(&r->got);
    if (r->text) t_drop(r->text);
    ovseg_free(&r->model);
    params_free(&r->params);
    t_scope_close(scope, NULL);
    config_free(&r->config);
    image_free(&r->picture);
    labels_free(&r->labels);
    cJSON_Delete(r->golden);
    free(r);
    return status;
}
