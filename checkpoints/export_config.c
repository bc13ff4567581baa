/* The files of configuration beside the weights of open_clip and Hugging Face. */
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "checkpoints/export_parts.h"

enum { HEAD = 64, MLP = 4 };

static void key_reals(struct json_out *j, const char *key, const double x[3]) {
    json_key(j, key);
    json_array(j);
    for (int i = 0; i < 3; i++) json_real(j, x[i]);
    json_end(j);
}

static void begin(struct json_out *j, const char *key) {
    json_key(j, key);
    json_object(j);
}

/* open_clip: a transformer's tower is one number of layers, a ResNet's one a stage. */
static void open_clip_vision(struct json_out *j, const struct clip_options *o) {
    bool residual = o->resnet.width;
    begin(j, "vision_cfg");
    json_key_int(j, "image_size", residual ? o->resnet.image_size : o->image.image_size);
    json_key(j, "layers");
    if (residual) {
        json_array(j);
        for (int i = 0; i < CLIP_RESNET_STAGES; i++) json_int(j, o->resnet.blocks[i]);
        json_end(j);
        json_key_int(j, "width", o->resnet.width);
        json_key(j, "patch_size");
        json_null(j);
    } else {
        json_int(j, o->image.layers);
        json_key_int(j, "width", o->image.width);
        if (o->image.heads && o->image.heads * HEAD != o->image.width)
            json_key_int(j, "head_width", o->image.width / o->image.heads);
        json_key_int(j, "patch_size", o->image.patch);
    }
    json_end(j);
}

static int64_t heads(int64_t told, int64_t width) { return told ? told : width / HEAD; }

static void open_clip_config(struct json_out *j, const struct clip_options *o,
                             const struct import_facts *f) {
    json_object(j);
    begin(j, "model_cfg");
    json_key_int(j, "embed_dim", o->features);
    if (f->activation == CLIP_QUICK_GELU) json_key_bool(j, "quick_gelu", true);
    open_clip_vision(j, o);
    begin(j, "text_cfg");
    json_key_int(j, "context_length", o->text.context);
    json_key_int(j, "vocab_size", o->text.vocab);
    json_key_int(j, "width", o->text.width);
    json_key_int(j, "heads", heads(o->text.heads, o->text.width));
    json_key_int(j, "layers", o->text.layers);
    json_end(j);
    json_end(j);
    begin(j, "preprocess_cfg");
    key_reals(j, "mean", f->mean);
    key_reals(j, "std", f->std);
    json_key_string(j, "interpolation", "bicubic");
    json_key_string(j, "resize_mode", "shortest");
    json_end(j);
    json_end(j);
}

static void hf_tower(struct json_out *j, const char *type, int64_t width, int64_t layers,
                     int64_t head_count, const struct clip_options *o) {
    static const char *const activations[] = {"quick_gelu", "gelu"}; /* enum clip_activation */
    json_key_string(j, "model_type", type);
    json_key_int(j, "hidden_size", width);
    json_key_int(j, "intermediate_size", MLP * width);
    json_key_int(j, "num_hidden_layers", layers);
    json_key_int(j, "num_attention_heads", head_count);
    json_key_int(j, "projection_dim", o->features);
    json_key_string(j, "hidden_act", activations[o->image.activation]);
    json_key_real(j, "layer_norm_eps", 1e-5);
    json_key_real(j, "attention_dropout", 0);
}

/* The last two words are the beginning and the end of a text (reference-spec 1.12). Hugging Face
 * looks for the end by its number, unless that is 2, as in OpenAI's own folders. */
static void hf_config(struct json_out *j, const struct clip_options *o) {
    json_object(j);
    json_key(j, "architectures");
    json_array(j);
    json_string(j, "CLIPModel");
    json_end(j);
    json_key_string(j, "model_type", "clip");
    json_key_int(j, "projection_dim", o->features);
    json_key_real(j, "logit_scale_init_value", 2.6592);
    json_key_string(j, "torch_dtype", "float32");
    begin(j, "text_config");
    hf_tower(j, "clip_text_model", o->text.width, o->text.layers,
             heads(o->text.heads, o->text.width), o);
    json_key_int(j, "max_position_embeddings", o->text.context);
    json_key_int(j, "vocab_size", o->text.vocab);
    json_key_int(j, "bos_token_id", o->text.vocab - 2);
    json_key_int(j, "eos_token_id", o->text.vocab - 1);
    json_end(j);
    begin(j, "vision_config");
    hf_tower(j, "clip_vision_model", o->image.width, o->image.layers,
             heads(o->image.heads, o->image.width), o);
    json_key_int(j, "image_size", o->image.image_size);
    json_key_int(j, "patch_size", o->image.patch);
    json_key_int(j, "num_channels", 3);
    json_end(j);
    json_end(j);
}

static void hf_pixels(struct json_out *j, const struct clip_options *o,
                      const struct import_facts *f) {
    enum { BICUBIC = 3 };
    json_object(j);
    json_key_string(j, "image_processor_type", "CLIPImageProcessor");
    json_key_bool(j, "do_convert_rgb", true);
    json_key_bool(j, "do_resize", true);
    begin(j, "size");
    json_key_int(j, "shortest_edge", o->image.image_size);
    json_end(j);
    json_key_int(j, "resample", BICUBIC);
    json_key_bool(j, "do_center_crop", true);
    begin(j, "crop_size");
    json_key_int(j, "height", o->image.image_size);
    json_key_int(j, "width", o->image.image_size);
    json_end(j);
    json_key_bool(j, "do_rescale", true);
    json_key_real(j, "rescale_factor", 1 / 255.0);
    json_key_bool(j, "do_normalize", true);
    key_reals(j, "image_mean", f->mean);
    key_reals(j, "image_std", f->std);
    json_end(j);
}

static int save(const char *dir, const char *name, struct str *text) {
    char *path = path_join(dir, name);
    str_add(text, "\n");
    int status = file_write(path, text->at, text->n);
    free(path);
    str_free(text);
    return status;
}

int export_configure(const struct export *e, const char *dir) {
    const struct import_facts *f = &e->clip->facts;
    struct clip_options o;
    int status = import_clip_options(e->clip, e->clip_prefix, ACTIVATION_UNKNOWN, &o);
    if (status) return status;
    struct str text = {0};
    struct json_out j = {.to = &text};
    if (e->target == EXPORT_OPEN_CLIP) {
        open_clip_config(&j, &o, f);
        return save(dir, "open_clip_config.json", &text);
    }
    hf_config(&j, &o);
    status = save(dir, "config.json", &text);
    if (status) return status;
    struct json_out pixels = {.to = &text};
    hf_pixels(&pixels, &o, f);
    return save(dir, "preprocessor_config.json", &text);
}
