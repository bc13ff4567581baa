/* ovseg convert IN OUT.safetensors: verifies weights in full and writes them as one file of our
 * names, with a report of every tensor. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/history.h"
#include "checkpoints/import.h"
#include "checkpoints/manifest.h"
#include "train/cmd.h"
#include "train/run.h"

struct arguments {
    char *in, *out;
    const char *part;
    int64_t image_size; /* 0: as it is */
    bool force, raw;
};

enum { KEY_PART = 256, KEY_FORCE, KEY_RAW, KEY_IMAGE_SIZE };

static const struct argp_option options[] = {
    {"part", KEY_PART, "PART", 0,
     "Of a checkpoint: model (the default) or optimizer; of a file of PyTorch's: a key of its "
     "object",
     0},
    {"image-size", KEY_IMAGE_SIZE, "PIXELS", 0,
     "Resize the positions of CLIP's image tower for pictures of this side", 0},
    {"raw", KEY_RAW, 0, 0, "Keep the names and types of the file, whatever it holds", 0},
    {"force", KEY_FORCE, 0, 0, "Replace OUT when it exists", 0},
    {0},
};

static const char doc[] =
    "Verifies IN in full and writes its tensors to OUT by our names, as F32. IN is a checkpoint "
    "folder, a run folder (its newest checkpoint; RUN@best: its best one), a safetensors file, one "
    "of PyTorch's (.pth, .pt, TorchScript, converted .pkl): read as data, nothing in it is "
    "executed; or a folder of Hugging Face's CLIPModel or of open_clip. Known are the weights of "
    "OVSeg, OpenAI's CLIP, open_clip, CLIPModel, Swin, and ResNets of torchvision and detectron2. "
    "Every tensor of IN is printed: used, renamed, cast, transposed, joined, resized, or dropped "
    "by "
    "a rule; name, type, shape, 64-bit hash of its bytes as written. A tensor that no rule knows, "
    "or "
    "one that is missing, is an error, and nothing is written then.\v"
    "Every file of a checkpoint is compared with the manifest, whichever part is wanted; damage is "
    "named by file and tensor.\n\n"
    "Exit status: 0 done, 64 usage, 65 damaged or not known, 66 missing input, 74 input or output.";

static bool number(const char *text, int64_t *out) {
    char *end;
    long x = strtol(text, &end, 10);
    *out = x;
    return end != text && !*end && x > 0 && x <= 1 << 16;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_PART: a->part = arg; break;
    case KEY_FORCE: a->force = true; break;
    case KEY_RAW: a->raw = true; break;
    case KEY_IMAGE_SIZE:
        if (!number(arg, &a->image_size)) argp_error(state, "--image-size %s: not a size", arg);
        break;
    case ARGP_KEY_ARG:
        if (a->out) argp_usage(state);
        *(a->in ? &a->out : &a->in) = arg;
        break;
    case ARGP_KEY_END:
        if (!a->out) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* The checkpoint that IN means, owned; NULL and the error. */
static char *find_checkpoint(const char *in) {
    bool best;
    char *dir = run_split(in, &best), *path = NULL;
    if (!dir_exists(dir)) {
        error_set(ERR_MISSING, "%s: no such file or folder", dir);
    } else if (run_folder(dir)) {
        path = best ? history_best(dir) : history_last(dir);
        if (!path && !error_status())
            error_set(ERR_MISSING, "%s: no %scheckpoint in this run", dir, best ? "best " : "");
    } else {
        path = mem_strdup(dir);
    }
    free(dir);
    return path;
}

/* Copies tensor by tensor and reports. A file by itself has no hashes to compare with: reading it
 * checks its header and that all its data is there. */
static int copy_raw(struct tensor_file *f, const char *to, struct str *report) {
    struct safetensors_out w;
    int status = safetensors_out_open(&w, to);
    for (size_t i = 0; i < f->table->key.n; i++)
        safetensors_out_meta(&w, f->table->key.at[i], f->table->value.at[i]);
    for (size_t i = 0; i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        safetensors_out_name(&w, x->name, x->dtype, x->shape);
    }
    struct bytes data = {0};
    for (size_t i = 0; !status && i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        status = import_bytes(f, x, &data);
        if (!status) status = safetensors_out_put(&w, data.at, (size_t)x->bytes);
    }
    bytes_free(&data);
    if (!status) status = safetensors_out_commit(&w);
    for (size_t i = 0; !status && i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        char shape[192];
        st_shape_text(x->shape, shape, sizeof shape);
        str_add(report, "used %s %s %s %016" PRIx64 "\n", x->name, st_dtype_name(x->dtype), shape,
                w.hash[i]);
    }
    safetensors_out_close(&w);
    return status;
}

/* One line: verdict, names, types, shape, hash. */
static void report_item(struct str *report, const struct import_item *item, uint64_t hash) {
    const struct st_tensor *x = item->source[0].x;
    char verdict[64], shape[192];
    import_verdict_text(item->verdict, verdict, sizeof verdict);
    st_shape_text(item->shape, shape, sizeof shape);
    str_add(report, "%s", verdict);
    if (item->rule) str_add(report, "(%s)", item->rule);
    str_add(report, " %s", item->name);
    for (int i = 0; item->verdict & (IMPORT_RENAMED | IMPORT_JOINED) && i < item->sources; i++)
        str_add(report, "%s%s", i ? " + " : " <- ", item->source[i].x->name);
    str_add(report, " %s", st_dtype_name(x->dtype));
    if (item->verdict & IMPORT_CAST) str_add(report, " -> F32");
    str_add(report, " %s %016" PRIx64 "\n", shape, hash);
}

/* The values of one item, written or, when it is dropped, read and checked all the same. */
static int copy_item(struct import *im, const struct import_item *item, struct safetensors_out *w,
                     struct bytes *data, uint64_t *dropped) {
    const struct import_source *s = &item->source[0];
    if (item->verdict & ~(unsigned)(IMPORT_RENAMED | IMPORT_DROPPED)) {
        int scope = t_scope_open("convert", T_NO_GRAD);
        tensor *x = import_tensor(im, item);
        int status = x ? safetensors_out_put_tensor(w, x) : error_status();
        t_scope_close(scope, NULL);
        return status;
    }
    int status = import_bytes(&im->file[s->file], s->x, data);
    if (status) return status;
    if (!(item->verdict & IMPORT_DROPPED)) return safetensors_out_put(w, data->at, s->x->bytes);
    *dropped = hash_bytes(data->at, s->x->bytes);
    return 0;
}

static void put_meta(struct import *im, struct safetensors_out *w) {
    struct str facts = {0};
    import_facts_format(&im->facts, &facts);
    safetensors_out_meta(w, "format", "ovseg-weights");
    safetensors_out_meta(w, "version", "1");
    safetensors_out_meta(w, "tool", OVSEG_VERSION);
    safetensors_out_meta(w, "from", import_family_name(im));
    if (facts.n) safetensors_out_meta(w, "clip", facts.at);
    str_free(&facts);
}

static int copy(struct import *im, const char *to, struct str *report) {
    struct safetensors_out w;
    int status = safetensors_out_open(&w, to);
    put_meta(im, &w);
    for (size_t i = 0; i < im->n; i++)
        if (!(im->at[i].verdict & IMPORT_DROPPED))
            safetensors_out_name(&w, im->at[i].name, T_F32, im->at[i].shape);
    struct bytes data = {0};
    uint64_t *dropped = mem_alloc(im->n + 1, sizeof *dropped);
    for (size_t i = 0; !status && i < im->n; i++)
        status = copy_item(im, &im->at[i], &w, &data, &dropped[i]);
    bytes_free(&data);
    if (!status) status = safetensors_out_commit(&w);
    for (size_t i = 0, k = 0; !status && i < im->n; i++)
        report_item(report, &im->at[i],
                    im->at[i].verdict & IMPORT_DROPPED ? dropped[i] : w.hash[k++]);
    free(dropped);
    safetensors_out_close(&w);
    return status;
}

/* What the object holds beside tensors goes to people, not into the list of tensors. */
static void tell_passed(const struct tensor_file *f) {
    const struct strings *passed = &f->pth.passed;
    if (f->torch && f->pth.module) log_info("%s: \"module.\" is taken off every name", f->path);
    if (f->torch && passed->n)
        log_info("%s: %zu members are no tensors and are left out, the first: %s", f->path,
                 passed->n, passed->at[0]);
}

static void tell(const struct import *im) {
    static const char *const activations[] = {"unknown", "quickgelu", "gelu"};
    for (size_t i = 0; i < im->files; i++) tell_passed(&im->file[i]);
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

static int convert_raw(const char *from, const char *to, const char *part) {
    struct tensor_file f;
    struct str report = {0};
    int status = tensor_file_open(&f, from, part);
    if (status) return status;
    status = copy_raw(&f, to, &report);
    if (!status) tell_passed(&f);
    tensor_file_close(&f);
    return show(status, &report);
}

static int resize(struct import *im, int64_t pixels) {
    const char *prefix = import_clip_prefix(im);
    if (!prefix) return error_set(ERR_CONFIG, "%s: --image-size, but holds no CLIP", im->path);
    char *name = mem_format("%svisual.conv1.weight", prefix);
    struct shape conv = import_find(im, name)->shape;
    free(name);
    if (conv.n != 4 || conv.d[3] < 1 || pixels % conv.d[3])
        return error_set(ERR_CONFIG, "--image-size %" PRId64 ": not a multiple of the patches'",
                         pixels);
    return import_resize(im, prefix, pixels / conv.d[3]);
}

/* Files of ours, and of nobody's layout, are copied as they are, bit for bit. */
static int convert_named(const struct arguments *a) {
    struct import im;
    struct str report = {0};
    int status = import_open(&im, a->in, a->part);
    if (status) return status;
    if (a->image_size) status = resize(&im, a->image_size);
    bool same = (im.family == IMPORT_OURS || im.family == IMPORT_PLAIN) && !a->image_size;
    if (!status)
        status = same ? copy_raw(&im.file[0], a->out, &report) : copy(&im, a->out, &report);
    if (!status) tell(&im);
    import_close(&im);
    return show(status, &report);
}

static int convert_checkpoint(const struct arguments *a) {
    const char *part = a->part ? a->part : "model";
    if (strcmp(part, "model") != 0 && strcmp(part, "optimizer") != 0)
        return error_set(ERR_USAGE, "--part %s: of a checkpoint model or optimizer", part);
    char *dir = find_checkpoint(a->in), *name = mem_format("%s.safetensors", part);
    struct manifest m = {0};
    int status = dir ? checkpoint_verify(dir) : error_status();
    if (!status) status = manifest_read(&m, dir);
    if (!status && !manifest_find(&m, name))
        status = error_set(ERR_MISSING, "%s: holds no %s", dir, name);
    if (!status) {
        char *from = path_join(dir, name);
        status = convert_raw(from, a->out, NULL);
        free(from);
    }
    manifest_free(&m);
    free(name);
    free(dir);
    return status;
}

int cmd_convert(int argc, char **argv) {
    static const struct argp argp = {options, parse, "IN OUT.safetensors", doc, 0, 0, 0};
    struct arguments a = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = 0;
    if (file_exists(a.out) && !a.force)
        status = error_set(ERR_USAGE, "%s: is there already: --force replaces it", a.out);
    else if (a.raw && a.image_size)
        status = error_set(ERR_USAGE, "--raw and --image-size exclude each other");
    else if (file_exists(a.in) && !dir_exists(a.in))
        status = a.raw ? convert_raw(a.in, a.out, a.part) : convert_named(&a);
    else if (import_folder(a.in))
        status = convert_named(&a);
    else
        status = convert_checkpoint(&a);
    return status ? cmd_failed() : 0;
}
