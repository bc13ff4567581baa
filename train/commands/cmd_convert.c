/* ovseg convert IN OUT: verifies weights in full and writes them, by our names or as another
 * program wants them, with a report of every tensor. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "checkpoints/export.h"
#include "configs/config.h"
#include "data/tokenizer.h"
#include "train/commands/cmd.h"
#include "train/weights/convert_config.h"
#include "train/weights/convert_copy.h"
#include "train/weights/convert_input.h"
#include "train/weights/hf_tokenizer.h"

struct arguments {
    char *in, *with, *out;
    double alpha; /* --blend: the share of `with`; below 0: it is not said */
    bool blend;
    const char *part, *as, *clip, *prompts, *activation, *stage;
    int64_t image_size; /* 0: as it is */
    bool force, raw;
};

enum {
    KEY_PART = 256,
    KEY_FORCE,
    KEY_RAW,
    KEY_IMAGE_SIZE,
    KEY_AS,
    KEY_CLIP,
    KEY_PROMPTS,
    KEY_ACTIVATION,
    KEY_BLEND,
    KEY_ALPHA,
    KEY_STAGE,
};

static const struct argp_option options[] = {
    {"as", KEY_AS, "WHAT", 0,
     "What OUT is: safetensors (our names), ovseg-pth (the reference's checkpoint), clip (the CLIP "
     "as a state dict of PyTorch's, OpenAI's names), open-clip or hf (a folder with its files of "
     "configuration, which open_clip or Hugging Face's CLIPModel loads), prompts (the mask prompts "
     "alone). Without it OUT's ending tells: .safetensors; .pth or .pt: ovseg-pth, or clip when IN "
     "is one",
     0},
    {"replace-clip", KEY_CLIP, "CLIP", 0,
     "Put this CLIP into the place of the one in IN, an OVSeg model; its mask prompts come along. "
     "CLIP is whatever IN may be",
     0},
    {"prompts", KEY_PROMPTS, "FILE", 0,
     "Give the CLIP the mask prompts in FILE: of --as prompts, or whatever holds a CLIP with some",
     0},
    {"blend", KEY_BLEND, 0, 0,
     "OUT lies between two models of the same form: each number is (1 - X) of IN's and X of "
     "OTHER's",
     0},
    {"alpha", KEY_ALPHA, "X", 0, "Of --blend: from 0, IN, to 1, OTHER", 0},
    {"activation", KEY_ACTIVATION, "NAME", 0,
     "Of a CLIP whose files do not tell: quickgelu (OpenAI's) or gelu", 0},
    {"part", KEY_PART, "PART", 0,
     "Of a checkpoint: model (the default) or optimizer; of a file of PyTorch's: a key of its "
     "object",
     0},
    {"image-size", KEY_IMAGE_SIZE, "PIXELS", 0,
     "Resize the positions of CLIP's image tower for pictures of this side", 0},
    {"stage", KEY_STAGE, "NAME", 0,
     "Of a configuration: the stage that OUT shall be of: proposals (the default), evaluate or "
     "import",
     0},
    {"raw", KEY_RAW, 0, 0, "Keep the names and types of the file, whatever it holds", 0},
    {"force", KEY_FORCE, 0, 0, "Replace OUT when it is a file that exists", 0},
    {"verbose", 'v', 0, 0,
     "Also messages for debugging: all tensors that do not fit, of which an error names the first "
     "20 of each kind",
     0},
    {0},
};

static const char doc[] =
    "Verifies IN in full and writes its tensors to OUT, as F32. IN is a checkpoint "
    "folder, a run folder (its newest checkpoint; RUN@best: its best one), a safetensors file, one "
    "of PyTorch's (.pth, .pt, TorchScript, converted .pkl): read as data, nothing in it is "
    "executed; or a folder of Hugging Face's CLIPModel or of open_clip. Known are the weights of "
    "OVSeg, OpenAI's CLIP, open_clip, CLIPModel, Swin, and ResNets of torchvision and detectron2. "
    "Every tensor is printed: used, renamed, cast, transposed, joined, split, resized, made, or "
    "dropped by a rule; name as written, type, shape, 64-bit hash of its bytes as written. A "
    "tensor that no rule knows, or one that is missing, is an error, and nothing is written "
    "then.\n"
    "When IN is a YAML file, a configuration of the reference's or of detectron2's form, OUT is "
    "one "
    "of ours, and every key is printed: what it has become, or why it has no setting.\v"
    "Every file of a checkpoint is compared with the manifest, whichever part is wanted; damage is "
    "named by file and tensor.\n\n"
    "Exit status: 0 done, 64 usage, 65 damaged or not known, 66 missing input, 74 input or output, "
    "78 what is asked for does not go together.";

static bool number(const char *text, int64_t *out) {
    char *end;
    long x = strtol(text, &end, 10);
    *out = x;
    return end != text && !*end && x > 0 && x <= 1 << 16;
}

static bool share(const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && *out >= 0 && *out <= 1;
}

/* Options come first, wherever they stand. */
static void take_path(struct arguments *a, char *path, struct argp_state *state) {
    char **places[] = {&a->in, &a->with, &a->out};
    for (size_t i = 0; i < 3; i++)
        if (!*places[i] && (a->blend || i != 1)) {
            *places[i] = path;
            return;
        }
    argp_usage(state);
}

static void check(struct arguments *a, struct argp_state *state) {
    if (a->blend != (a->alpha >= 0))
        argp_error(state, "--blend and --alpha X: one needs the other");
    if (!a->out) argp_usage(state);
    if (a->blend && (a->raw || a->part || a->image_size))
        argp_error(state, "--blend and --raw, --part or --image-size exclude each other");
    if (a->stage && !path_is_yaml(a->in)) argp_error(state, "--stage: IN is no configuration");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_AS: a->as = arg; break;
    case KEY_CLIP: a->clip = arg; break;
    case KEY_PROMPTS: a->prompts = arg; break;
    case KEY_ACTIVATION: a->activation = arg; break;
    case KEY_PART: a->part = arg; break;
    case KEY_FORCE: a->force = true; break;
    case KEY_RAW: a->raw = true; break;
    case 'v': log_set_level(LOG_DEBUG); break;
    case KEY_IMAGE_SIZE:
        if (!number(arg, &a->image_size)) argp_error(state, "--image-size %s: not a size", arg);
        break;
    case KEY_STAGE: a->stage = arg; break;
    case KEY_BLEND: a->blend = true; break;
    case KEY_ALPHA:
        if (!share(arg, &a->alpha)) argp_error(state, "--alpha %s: wanted is 0 to 1", arg);
        break;
    case ARGP_KEY_ARG: take_path(a, arg, state); break;
    case ARGP_KEY_END: check(a, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void tell(const struct import *im) {
    static const char *const activations[] = {"unknown", "quickgelu", "gelu"};
    for (size_t i = 0; i < im->files; i++) convert_tell_passed(&im->file[i]);
    log_info("%s: %s", im->path, import_family_name(im));
    if (im->facts.published) log_info("%s: the published %s", im->path, im->facts.published);
    if (import_clip_prefix(im))
        log_info("%s: activation %s%s%s", im->path, activations[im->facts.activation + 1],
                 im->facts.config ? ", says " : "", im->facts.config ? im->facts.config : "");
}

static int show(int status, struct str *report) {
    if (!status && report->n) fputs(report->at, stdout);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    str_free(report);
    return status;
}

static int copy_file(const char *from, const char *to, const char *part) {
    struct str report = {0};
    return show(convert_copy_file(from, to, part, &report), &report);
}

/* What OUT is to be. */

static bool ends(const char *name, const char *ending) {
    size_t n = strlen(name), k = strlen(ending);
    return n > k && strcmp(name + n - k, ending) == 0;
}

static bool torch_name(const char *out) { return ends(out, ".pth") || ends(out, ".pt"); }

static int named_target(const char *name, enum export_target *target) {
    struct str known = {0};
    for (int i = 0; i < EXPORT_TARGETS; i++) {
        *target = (enum export_target)i;
        if (strcmp(name, export_forms[i].name) == 0) break;
        str_add(&known, "%s%s", i ? ", " : "", export_forms[i].name);
        if (i == EXPORT_TARGETS - 1) error_set(ERR_USAGE, "--as %s: is none of %s", name, known.at);
    }
    str_free(&known);
    return error_status();
}

/* A name that ends as another kind of file is a mistake. */
static int check_name(const char *out, enum export_target target) {
    const struct export_form *form = &export_forms[target];
    bool torch = torch_name(out), st = ends(out, ".safetensors");
    if (form->model && (torch || st))
        return error_set(ERR_USAGE, "--as %s writes a folder, and %s is named as a file",
                         form->name, out);
    if (!form->model && (form->torch ? st : torch))
        return error_set(ERR_USAGE,
                         "--as %s writes a file of %s, and %s is named as the other kind",
                         form->name, form->torch ? "PyTorch's" : "safetensors", out);
    return 0;
}

static int choose(const struct arguments *a, const struct import *im, enum export_target *target) {
    *target = EXPORT_SAFETENSORS;
    if (a->as) {
        int status = named_target(a->as, target);
        return status ? status : check_name(a->out, *target);
    }
    bool clip = import_clip_prefix(im), head = import_find(im,
                                                           "sem_seg_head.predictor."
                                                           "query_embed.weight");
    if (ends(a->out, ".safetensors")) return 0;
    if (!torch_name(a->out))
        return error_set(ERR_USAGE, "%s: its name does not tell what it shall be: say --as",
                         a->out);
    if (!clip && !head)
        return error_set(ERR_CONFIG,
                         "%s: is neither an OVSeg model nor a CLIP; .safetensors takes it", a->in);
    *target = head ? EXPORT_OVSEG : EXPORT_CLIP;
    return 0;
}

/* The command. */

/* The files of one command: IN, and those that go into it. */
struct inputs {
    struct import in, with, clip, prompts;
};

static int open_inputs(struct inputs *x, const struct arguments *a) {
    int status = convert_open(&x->in, a->in, a->part);
    if (!status && a->with) status = convert_open(&x->with, a->with, NULL);
    if (!status && a->clip) status = convert_open(&x->clip, a->clip, NULL);
    if (!status && a->prompts) status = convert_open(&x->prompts, a->prompts, NULL);
    return status;
}

static void close_inputs(struct inputs *x) {
    import_close(&x->prompts);
    import_close(&x->clip);
    import_close(&x->with);
    import_close(&x->in);
}

/* Hugging Face's folder has its tokenizer in it, where the model's words are CLIP's and the
 * vocabulary is at hand. */
static void add_tokenizer(struct export *e, struct export_file files[HF_TOKENIZER_FILES]) {
    struct clip_options o;
    if (import_clip_options(e->clip, e->clip_prefix, ACTIVATION_UNKNOWN, &o)) return;
    if (o.text.vocab == TOKENIZER_SIZE && !hf_tokenizer(files, o.text.context)) {
        e->files = files;
        e->n_files = HF_TOKENIZER_FILES;
    }
    if (error_status()) log_warn("%s; the folder has no tokenizer in it", error_message());
    error_clear();
}

static int export_inputs(struct inputs *x, const struct arguments *a, enum export_target target,
                         struct str *report) {
    struct export e;
    export_open(&e, &x->in);
    if (a->with) export_blend(&e, &x->with, a->alpha);
    if (a->clip) export_replace_clip(&e, &x->clip);
    if (a->prompts) export_set_prompts(&e, &x->prompts);
    struct export_file files[HF_TOKENIZER_FILES] = {0};
    if (!export_as(&e, target) && target == EXPORT_HF) add_tokenizer(&e, files);
    int status = export_write(&e, a->out, report);
    for (int i = 0; i < HF_TOKENIZER_FILES; i++) str_free(&files[i].text);
    export_close(&e);
    return status;
}

/* Files of ours, and of nobody's layout, are copied as they are, bit for bit, unless something else
 * is asked for. */
static bool as_it_is(const struct import *im, const struct arguments *a,
                     enum export_target target) {
    return target == EXPORT_SAFETENSORS && !a->image_size && !a->clip && !a->prompts &&
           !a->activation && !a->with && (im->family == IMPORT_OURS || im->family == IMPORT_PLAIN);
}

static int convert_weights(const struct arguments *a) {
    struct inputs x = {0};
    struct str report = {0};
    enum export_target target;
    int status = open_inputs(&x, a);
    struct import *clip = a->clip ? &x.clip : &x.in;
    if (!status) status = choose(a, &x.in, &target);
    if (!status && a->image_size) status = convert_resize(clip, a->image_size);
    if (!status && a->activation) status = convert_activation(clip, a->activation);
    if (!status)
        status = as_it_is(&x.in, a, target) ? convert_copy(&x.in.file[0], a->out, &report)
                                            : export_inputs(&x, a, target, &report);
    if (!status) tell(&x.in);
    if (!status && a->with) tell(&x.with);
    if (!status && a->clip) tell(&x.clip);
    close_inputs(&x);
    return show(status, &report);
}

/* Bit for bit, of whatever it is. */
static int convert_raw(const struct arguments *a) {
    if (a->as || a->clip || a->prompts || a->activation || a->image_size)
        return error_set(ERR_USAGE,
                         "--raw and --image-size, --as, --replace-clip, --prompts or --activation "
                         "exclude each other");
    return copy_file(a->in, a->out, a->part);
}

/* Of a checkpoint's parts only the model is weights; the other is copied. */
static int convert_part(const struct arguments *a) {
    if (strcmp(a->part, "optimizer") != 0)
        return error_set(ERR_USAGE, "--part %s: of a checkpoint model or optimizer", a->part);
    char *file;
    int status = convert_checkpoint_file(a->in, a->part, &file);
    if (!status) status = copy_file(file, a->out, NULL);
    free(file);
    return status;
}

/* A configuration, which has no weights in it. */
static int convert_settings(const struct arguments *a) {
    static const int stages[] = {STAGE_PROPOSALS, STAGE_EVALUATE, STAGE_IMPORT};
    const char *name = a->stage ? a->stage : stage_names[STAGE_PROPOSALS];
    struct str report = {0};
    if (a->with || a->as || a->clip || a->prompts || a->activation || a->part || a->raw ||
        a->image_size)
        return error_set(ERR_USAGE, "%s: has no weights: only --stage goes with it", a->in);
    if (!path_is_yaml(a->out))
        return error_set(ERR_USAGE, "%s: a configuration becomes one: name it .yaml", a->out);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (strcmp(stage_names[stages[i]], name) == 0)
            return show(convert_config(a->in, a->out, stages[i], &report), &report);
    return error_set(ERR_USAGE, "--stage %s: is none of proposals, evaluate, import", name);
}

static int check_place(const struct arguments *a) {
    enum export_target target;
    if (a->as && named_target(a->as, &target)) return error_status();
    if (dir_exists(a->out))
        return error_set(ERR_USAGE, "%s: is a folder already: remove it, or name another", a->out);
    if (file_exists(a->out) && !a->force)
        return error_set(ERR_USAGE, "%s: is there already: --force replaces it", a->out);
    return 0;
}

int cmd_convert(int argc, char **argv) {
    static const struct argp argp = {
        options, parse, "IN OUT\n--blend --alpha=X IN OTHER OUT", doc, 0, 0, 0};
    struct arguments a = {.alpha = -1};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    bool checkpoint = !import_is_weights(a.in);
    int status = check_place(&a);
    if (!status && path_is_yaml(a.in) && !checkpoint)
        status = convert_settings(&a);
    else if (!status && a.raw && !checkpoint)
        status = convert_raw(&a);
    else if (!status && checkpoint && a.part && strcmp(a.part, "model") != 0)
        status = convert_part(&a);
    else if (!status)
        status = convert_weights(&a);
    return status ? cmd_failed() : 0;
}
