/* What is known of a CLIP beside its tensors. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "checkpoints/import_parts.h"

enum { CONFIG_MAX = 1 << 20, BLOCK = 1 << 20 /* bytes */ };

/* The means and deviations that OpenAI's models, and the reference, take (reference-spec 3.2). */
static const double clip_mean[3] = {0.48145466, 0.4578275, 0.40821073};
static const double clip_std[3] = {0.26862954, 0.26130258, 0.27577711};

void import_facts_usual_pixels(struct import_facts *f) {
    f->has_pixels = true;
    memcpy(f->mean, clip_mean, sizeof clip_mean);
    memcpy(f->std, clip_std, sizeof clip_std);
}

bool import_facts_odd_pixels(const struct import_facts *f) {
    const double rounding = 1e-4; /* of published configurations */
    bool odd = false;
    for (int c = 0; f->has_pixels && c < 3; c++)
        odd |=
            fabs(f->mean[c] - clip_mean[c]) > rounding || fabs(f->std[c] - clip_std[c]) > rounding;
    return odd;
}

static void know_openai(struct import_facts *f) {
    f->activation = CLIP_QUICK_GELU;
    import_facts_usual_pixels(f);
}

/* Published files. */

static int sha256(const char *path, char hex[65]) {
    struct input in = {.fd = -1};
    uint8_t *block = mem_try(BLOCK, 1), digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned n = 0;
    int status = block ? input_open(&in, path) : error_status();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    for (uint64_t at = 0; ok && !status && at < in.size; at += BLOCK) {
        size_t k = in.size - at < BLOCK ? (size_t)(in.size - at) : BLOCK;
        status = input_read(&in, at, block, k);
        ok = !status && EVP_DigestUpdate(ctx, block, k);
    }
    ok = ok && EVP_DigestFinal_ex(ctx, digest, &n) && n == 32;
    if (!ok && !status) status = error_set(ERR_INTERNAL, "libcrypto computes no SHA-256");
    for (unsigned i = 0; ok && i < n; i++) {
        static const char digits[] = "0123456789abcdef";
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = 0;
    EVP_MD_CTX_free(ctx);
    input_close(&in);
    free(block);
    return status;
}

/* OpenAI's files, by what their publisher says of them (reference-spec 3.4). */
static int learn_openai(struct import *im) {
    static const struct {
        const char *sha256, *name;
    } known[] = {
        {"5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f", "ViT-B/16"},
        {"40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af", "ViT-B/32"},
        {"b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836", "ViT-L/14"},
        {"3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02", "ViT-L/14@336px"},
        {"afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762", "RN50"},
        {"8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599", "RN101"},
        {"7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd", "RN50x4"},
        {"52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa", "RN50x16"},
    };
    char hex[65];
    int status = sha256(im->file[0].path, hex);
    for (size_t i = 0; !status && i < sizeof known / sizeof *known; i++) {
        if (strcmp(hex, known[i].sha256) != 0) continue;
        im->facts.published = known[i].name;
        know_openai(&im->facts);
    }
    return status;
}

/* Configuration beside the weights. */

/* The object in DIR/NAME, cJSON_Delete() it; NULL without an error when there is no such file. */
static cJSON *read_json(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    struct bytes text = {0};
    cJSON *json = NULL;
    if (file_exists(path) && !file_read(path, CONFIG_MAX, &text)) {
        json = cJSON_ParseWithLength((const char *)text.at, text.n);
        if (!cJSON_IsObject(json)) {
            error_set(ERR_DATA, "%s: is not a JSON object", path);
            cJSON_Delete(json);
            json = NULL;
        }
    }
    bytes_free(&text);
    free(path);
    return json;
}

/* Where a file of configuration lies, owned. */
static char *folder_of(const struct import *im) {
    return dir_exists(im->path) ? mem_strdup(im->path) : path_dir(im->path);
}

static const cJSON *member(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* A number that the tensors tell, too, must be theirs. */
static void expect(const struct import *im, const cJSON *object, const char *key, int64_t found) {
    const cJSON *x = member(object, key);
    if (found && cJSON_IsNumber(x) && x->valuedouble != (double)found)
        error_set(ERR_DATA, "%s: its configuration says %s %g, its tensors %" PRId64, im->path, key,
                  x->valuedouble, found);
}

static int64_t integer(const cJSON *object, const char *key, int64_t otherwise) {
    const cJSON *x = member(object, key);
    return cJSON_IsNumber(x) && x->valuedouble >= 1 && x->valuedouble <= 1 << 20
               ? (int64_t)x->valuedouble
               : otherwise;
}

static bool three(const cJSON *list, double out[3]) {
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 3) return false;
    for (int i = 0; i < 3; i++) {
        const cJSON *x = cJSON_GetArrayItem(list, i);
        if (!cJSON_IsNumber(x)) return false;
        out[i] = x->valuedouble;
    }
    return true;
}

static void learn_pixels(struct import_facts *f, const cJSON *mean, const cJSON *std) {
    double m[3], s[3];
    if (!three(mean, m) || !three(std, s)) return;
    f->has_pixels = true;
    memcpy(f->mean, m, sizeof m);
    memcpy(f->std, s, sizeof s);
}

static int activation_named(const struct import *im, const char *name) {
    if (name && strcmp(name, "quick_gelu") == 0) return CLIP_QUICK_GELU;
    if (name && strcmp(name, "gelu") == 0) return CLIP_GELU;
    if (name) error_set(ERR_DATA, "%s: activation \"%s\" is not one of CLIP's", im->path, name);
    return ACTIVATION_UNKNOWN;
}

static void expect_tower(const struct import *im, const cJSON *c, int64_t width, int64_t layers,
                         const char *width_key, const char *layers_key) {
    expect(im, c, width_key, width);
    expect(im, c, layers_key, layers);
}

static void check_hf(const struct import *im, const cJSON *config, const struct clip_options *o) {
    const cJSON *text = member(config, "text_config"), *image = member(config, "vision_config");
    expect_tower(im, text, o->text.width, o->text.layers, "hidden_size", "num_hidden_layers");
    expect_tower(im, image, o->image.width, o->image.layers, "hidden_size", "num_hidden_layers");
    expect(im, text, "intermediate_size", 4 * o->text.width);
    expect(im, image, "intermediate_size", 4 * o->image.width);
    expect(im, text, "max_position_embeddings", o->text.context);
    expect(im, text, "vocab_size", o->text.vocab);
    expect(im, image, "patch_size", o->image.patch);
    expect(im, image, "image_size", o->image.image_size);
    expect(im, config, "projection_dim", o->features);
    const cJSON *const towers[] = {text, image};
    for (int i = 0; i < 2; i++) {
        const cJSON *eps = member(towers[i], "layer_norm_eps");
        if (cJSON_IsNumber(eps) && (eps->valuedouble < 0.9e-5 || eps->valuedouble > 1.1e-5))
            error_set(ERR_DATA, "%s: layer_norm_eps %g; we compute with 1e-05", im->path,
                      eps->valuedouble);
    }
}

static void learn_hf(struct import *im, const cJSON *config) {
    const cJSON *text = member(config, "text_config"), *image = member(config, "vision_config");
    int a = activation_named(im, cJSON_GetStringValue(member(text, "hidden_act")));
    int b = activation_named(im, cJSON_GetStringValue(member(image, "hidden_act")));
    if (a != b) error_set(ERR_DATA, "%s: the towers have different activations", im->path);
    im->facts.activation = a;
    im->facts.text_heads = integer(text, "num_attention_heads", 0);
    im->facts.image_heads = integer(image, "num_attention_heads", 0);
    struct clip_options o;
    if (!import_clip_sizes(im, "", &o)) check_hf(im, config, &o);
    char *dir = folder_of(im);
    cJSON *pixels = read_json(dir, "preprocessor_config.json");
    learn_pixels(&im->facts, member(pixels, "image_mean"), member(pixels, "image_std"));
    cJSON_Delete(pixels);
    free(dir);
}

static void check_open_clip(const struct import *im, const cJSON *model,
                            const struct clip_options *o) {
    const cJSON *text = member(model, "text_cfg"), *image = member(model, "vision_cfg");
    expect_tower(im, text, o->text.width, o->text.layers, "width", "layers");
    expect(im, text, "context_length", o->text.context);
    expect(im, text, "vocab_size", o->text.vocab);
    expect(im, model, "embed_dim", o->features);
    expect(im, image, "image_size", o->resnet.width ? o->resnet.image_size : o->image.image_size);
    if (o->resnet.width) return; /* its width and layers are those of another scheme */
    expect_tower(im, image, o->image.width, o->image.layers, "width", "layers");
    expect(im, image, "patch_size", o->image.patch);
}

/* Without quick_gelu it is the plain one; heads of the image tower are 64 wide unless it says so.
 */
static void learn_open_clip(struct import *im, const cJSON *config) {
    const cJSON *model = member(config, "model_cfg"), *pixels = member(config, "preprocess_cfg");
    if (!cJSON_IsObject(model)) {
        error_set(ERR_DATA, "%s: the open_clip_config.json beside it holds no model_cfg", im->path);
        return;
    }
    const cJSON *text = member(model, "text_cfg"), *image = member(model, "vision_cfg");
    im->facts.activation = cJSON_IsTrue(member(model, "quick_gelu")) ? CLIP_QUICK_GELU : CLIP_GELU;
    im->facts.text_heads = integer(text, "heads", 0);
    int64_t width = integer(image, "width", 0), head = integer(image, "head_width", 64);
    if (import_find(im, "visual.proj") && width) im->facts.image_heads = width / head;
    struct clip_options o;
    if (!import_clip_sizes(im, "", &o)) check_open_clip(im, model, &o);
    learn_pixels(&im->facts, member(pixels, "mean"), member(pixels, "std"));
}

static int learn_beside(struct import *im, const char *name,
                        void (*learn)(struct import *, const cJSON *)) {
    char *dir = folder_of(im);
    cJSON *config = read_json(dir, name);
    if (config) {
        im->facts.config = path_join(dir, name);
        learn(im, config);
    }
    cJSON_Delete(config);
    free(dir);
    return error_status();
}

int import_check_folder(const char *dir) {
    cJSON *config = read_json(dir, "config.json");
    const char *type = cJSON_GetStringValue(member(config, "model_type"));
    if (type && strcmp(type, "clip") != 0)
        error_set(ERR_DATA, "%s: holds a model of type \"%s\"; of Hugging Face's only clip is read",
                  dir, type);
    cJSON_Delete(config);
    return error_status();
}

/* The reference has no other activation, and keeps its means with the weights, times 255. */
static int learn_ovseg(struct import *im) {
    static const char *const names[] = {"clip_adapter.pixel_mean", "clip_adapter.pixel_std"};
    know_openai(&im->facts);
    for (size_t i = 0; i < im->n; i++)
        for (int k = 0; k < 2; k++) {
            const struct import_item *item = &im->at[i];
            const struct st_tensor *x = item->source[0].x;
            float v[3];
            if (!strstr(x->name, names[k]) || x->dtype != T_F32 || x->bytes != sizeof v) continue;
            int status = tensor_file_read(&im->file[item->source[0].file], x, v);
            if (status) return status;
            for (int c = 0; c < 3; c++) (k ? im->facts.std : im->facts.mean)[c] = v[c] / 255.0;
        }
    return 0;
}

void import_facts_format(const struct import_facts *f, struct str *out) {
    static const char *const names[] = {"quick_gelu", "gelu"}; /* enum clip_activation */
    struct json_out j = {.to = out};
    if (f->activation == ACTIVATION_UNKNOWN && !f->has_pixels && !f->text_heads) return;
    json_object(&j);
    if (f->activation != ACTIVATION_UNKNOWN)
        json_key_string(&j, "activation", names[f->activation]);
    if (f->image_heads) json_key_int(&j, "image_heads", f->image_heads);
    if (f->text_heads) json_key_int(&j, "text_heads", f->text_heads);
    for (int k = 0; f->has_pixels && k < 2; k++) {
        json_key(&j, k ? "std" : "mean");
        json_array(&j);
        for (int c = 0; c < 3; c++) json_real(&j, (k ? f->std : f->mean)[c]);
        json_end(&j);
    }
    json_end(&j);
}

/* What import_facts_format() wrote. */
static int learn_ours(struct import *im) {
    const char *json = st_table_meta(im->file->table, "clip");
    cJSON *facts = json ? cJSON_Parse(json) : NULL;
    if (facts) {
        im->facts.activation =
            activation_named(im, cJSON_GetStringValue(member(facts, "activation")));
        im->facts.text_heads = integer(facts, "text_heads", 0);
        im->facts.image_heads = integer(facts, "image_heads", 0);
        learn_pixels(&im->facts, member(facts, "mean"), member(facts, "std"));
    }
    cJSON_Delete(facts);
    return error_status();
}

int import_learn(struct import *im) {
    switch (im->family) {
    case IMPORT_OURS: return learn_ours(im);
    case IMPORT_OVSEG: return learn_ovseg(im);
    case IMPORT_OPENAI: return learn_openai(im);
    case IMPORT_OPEN_CLIP: return learn_beside(im, "open_clip_config.json", learn_open_clip);
    case IMPORT_HF_CLIP: {
        char *dir = folder_of(im);
        int status = import_check_folder(dir);
        free(dir);
        return status ? status : learn_beside(im, "config.json", learn_hf);
    }
    default: return 0;
    }
}
