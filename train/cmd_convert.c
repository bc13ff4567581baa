/* ovseg convert IN OUT.safetensors: verifies weights in full and writes them as one file, with a
 * report of every tensor. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/history.h"
#include "checkpoints/manifest.h"
#include "checkpoints/tensor_file.h"
#include "train/cmd.h"
#include "train/run.h"

struct arguments {
    char *in, *out;
    const char *part;
    bool force;
};

enum { KEY_PART = 256, KEY_FORCE };

static const struct argp_option options[] = {
    {"part", KEY_PART, "PART", 0,
     "Of a checkpoint: model (the default) or optimizer; of a file of PyTorch's: a key of its "
     "object",
     0},
    {"force", KEY_FORCE, 0, 0, "Replace OUT when it exists", 0},
    {0},
};

static const char doc[] =
    "Verifies IN in full and writes its tensors to OUT. IN is a checkpoint folder, a run folder "
    "(its newest checkpoint; RUN@best: its best one), a safetensors file, or one of PyTorch's "
    "(.pth, .pt, TorchScript, converted .pkl): read as data, nothing in it is executed. Every "
    "tensor is printed: name, type, shape, 64-bit hash of its bytes.\v"
    "Every file of a checkpoint is compared with the manifest, whichever part is wanted; damage is "
    "named by file and tensor, and nothing is written then.\n\n"
    "Exit status: 0 done, 64 usage, 65 damaged, 66 missing input, 74 input or output.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_PART: a->part = arg; break;
    case KEY_FORCE: a->force = true; break;
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
static int copy(struct tensor_file *f, const char *to, struct str *report) {
    struct safetensors_out w;
    int status = safetensors_out_open(&w, to);
    for (size_t i = 0; i < f->table->key.n; i++)
        safetensors_out_meta(&w, f->table->key.at[i], f->table->value.at[i]);
    for (size_t i = 0; i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        safetensors_out_name(&w, x->name, x->dtype, x->shape);
    }
    for (size_t i = 0; !status && i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        char *data = mem_try((size_t)x->bytes + 1, 1);
        status = data ? tensor_file_read(f, x, data) : error_status();
        if (!status) status = safetensors_out_put(&w, data, (size_t)x->bytes);
        free(data);
    }
    if (!status) status = safetensors_out_commit(&w);
    for (size_t i = 0; !status && i < f->table->n; i++) {
        const struct st_tensor *x = &f->table->at[i];
        char shape[128];
        st_shape_text(x->shape, shape, sizeof shape);
        str_add(report, "%s %s %s %016" PRIx64 "\n", x->name, st_dtype_name(x->dtype), shape,
                w.hash[i]);
    }
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

static int convert_file(const char *from, const char *to, const char *part) {
    struct tensor_file f;
    struct str report = {0};
    int status = tensor_file_open(&f, from, part);
    if (status) return status;
    status = copy(&f, to, &report);
    if (!status) tell_passed(&f);
    tensor_file_close(&f);
    if (!status && report.n) fputs(report.at, stdout);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    str_free(&report);
    return status;
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
        status = convert_file(from, a->out, NULL);
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
    else if (file_exists(a.in) && !dir_exists(a.in))
        status = convert_file(a.in, a.out, a.part);
    else
        status = convert_checkpoint(&a);
    return status ? cmd_failed() : 0;
}
