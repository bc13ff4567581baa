/* From items to bytes, and a line for each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "checkpoints/export_parts.h"
#include "checkpoints/tensor_out.h"

/* The reference's loader takes the names of a head without a version for those of an older one, and
 * spoils them (reference-spec 3.1). */
static const struct pth_out_version versions[] = {{"", 1}, {"sem_seg_head", 2}};

/* The bytes of one item, in *data when they are not made. */
struct filled {
    const uint8_t *at;
    size_t n;
};

static size_t bytes_of(const struct export_item *x) {
    size_t n = st_dtype_size(x->dtype);
    for (int d = 0; d < x->shape.n; d++) n *= (size_t)x->shape.d[d];
    return n;
}

/* As it lies in its file. */
static bool untouched(const struct export_item *x) {
    unsigned touched = ~(unsigned)(IMPORT_RENAMED | IMPORT_DROPPED);
    if (x->item->verdict & IMPORT_DROPPED) return true;
    return !x->other && !(x->item->verdict & touched) && !x->parts && !x->transposed &&
           x->dtype == x->item->source[0].x->dtype;
}

static tensor *blend(const struct export_item *x, tensor *v) {
    tensor *with = import_tensor(x->other, x->with);
    return with ? t_add(t_scale(v, 1 - x->alpha), t_scale(with, x->alpha)) : NULL;
}

static int compute(const struct export_item *x, struct bytes *data) {
    int scope = t_scope_open("export", T_NO_GRAD);
    tensor *v = import_tensor(x->im, x->item);
    if (v && x->other) v = blend(x, v);
    if (v && x->parts) v = t_narrow(v, 0, x->part * x->shape.d[0], x->shape.d[0]);
    if (v && x->transposed) v = t_transpose(v, 0, 1);
    if (v) v = t_contiguous(v);
    size_t n = bytes_of(x);
    int status = v ? bytes_reserve(data, n) : error_status();
    if (!status) status = t_copy_out(v, data->at, n);
    t_scope_close(scope, NULL);
    return status;
}

static int fill(const struct export_item *x, struct bytes *data, struct filled *out) {
    if (!x->item) {
        *out = (struct filled){x->made.at, x->made.n};
        return 0;
    }
    const struct import_source *s = &x->item->source[0];
    bool plain = untouched(x);
    int status = plain ? import_bytes(&x->im->file[s->file], s->x, data) : compute(x, data);
    *out = (struct filled){data->at, plain ? (size_t)s->x->bytes : bytes_of(x)};
    return status;
}

/* Reports. */

static unsigned verdict(const struct export_item *x) {
    if (!x->item) return IMPORT_MADE;
    const struct st_tensor *source = x->item->source[0].x;
    unsigned v = x->item->verdict & ~(unsigned)(IMPORT_RENAMED | IMPORT_CAST | IMPORT_DROPPED);
    if (x->dropped) return IMPORT_DROPPED;
    if (strcmp(x->name, source->name) != 0) v |= IMPORT_RENAMED;
    if (x->dtype != source->dtype) v |= IMPORT_CAST;
    if (x->transposed) v ^= IMPORT_TRANSPOSED;
    if (x->parts) v |= IMPORT_SPLIT;
    if (x->other) v |= IMPORT_BLENDED;
    return v;
}

/* One line: verdict, names, types, shape, hash. */
static void report_item(struct str *report, const struct export_item *x, uint64_t hash) {
    unsigned v = verdict(x);
    char text[64], shape[192];
    import_verdict_text(v, text, sizeof text);
    st_shape_text(x->shape, shape, sizeof shape);
    str_add(report, "%s", text);
    if (x->dropped) str_add(report, "(%s)", x->dropped);
    str_add(report, " %s", x->name);
    for (int i = 0; v & (IMPORT_RENAMED | IMPORT_JOINED) && i < x->item->sources; i++)
        str_add(report, "%s%s", i ? " + " : " <- ", x->item->source[i].x->name);
    str_add(report, " %s", st_dtype_name(x->item ? x->item->source[0].x->dtype : x->dtype));
    if (v & IMPORT_CAST) str_add(report, " -> %s", st_dtype_name(x->dtype));
    str_add(report, " %s %016" PRIx64 "\n", shape, hash);
}

/* Files. */

static void put_meta_int(struct safetensors_out *w, const char *key, int64_t x) {
    char *text = mem_format("%" PRId64, x);
    safetensors_out_meta(w, key, text);
    free(text);
}

/* Whoever applies prompts sees from the file what they are for. */
static void put_prompts_meta(const struct export *e, struct safetensors_out *w) {
    struct shape s = export_find(e, "visual.mask_embedding")->shape;
    int64_t g = 1;
    while (g * g < s.d[1]) g++;
    safetensors_out_meta(w, "format", "ovseg-prompts");
    safetensors_out_meta(w, "version", "1");
    safetensors_out_meta(w, "tool", OVSEG_VERSION);
    put_meta_int(w, "depth", s.d[0]);
    put_meta_int(w, "grid", g);
    put_meta_int(w, "width", s.d[2]);
}

static void put_meta(const struct export *e, struct safetensors_out *w) {
    if (e->target == EXPORT_PROMPTS) {
        put_prompts_meta(e, w);
        return;
    }
    if (e->target != EXPORT_SAFETENSORS) { /* Hugging Face's loader asks for it */
        safetensors_out_meta(w, "format", "pt");
        return;
    }
    struct str facts = {0};
    import_facts_format(e->clip ? &e->clip->facts : &e->im->facts, &facts);
    safetensors_out_meta(w, "format", "ovseg-weights");
    safetensors_out_meta(w, "version", "1");
    safetensors_out_meta(w, "tool", OVSEG_VERSION);
    safetensors_out_meta(w, "from", import_family_name(e->im));
    if (facts.n) safetensors_out_meta(w, "clip", facts.at);
    str_free(&facts);
}

/* Dropped tensors are read, too: a damaged file is to be found. */
static int put_all(const struct export *e, struct tensor_out *w, uint64_t *dropped) {
    struct bytes data = {0};
    int status = 0;
    for (size_t i = 0; !status && i < e->n; i++) {
        struct filled f = {0};
        status = fill(&e->at[i], &data, &f);
        if (!status && e->at[i].dropped)
            dropped[i] = hash_bytes(f.at, f.n);
        else if (!status)
            status = tensor_out_put(w, f.at, f.n);
    }
    bytes_free(&data);
    return status;
}

static int write_file(const struct export *e, const char *path, struct str *report) {
    struct pth_out_object object = {0};
    if (e->target == EXPORT_OVSEG)
        object = (struct pth_out_object){"model", versions, sizeof versions / sizeof *versions};
    struct tensor_out w;
    bool torch = export_forms[e->target].torch;
    int status = tensor_out_open(&w, path, torch ? &object : NULL);
    if (!torch) put_meta(e, &w.st);
    for (size_t i = 0; i < e->n; i++)
        if (!e->at[i].dropped) tensor_out_name(&w, e->at[i].name, e->at[i].dtype, e->at[i].shape);
    uint64_t *dropped = mem_alloc(e->n + 1, sizeof *dropped);
    if (!status) status = put_all(e, &w, dropped);
    if (!status) status = tensor_out_commit(&w);
    for (size_t i = 0, k = 0; !status && i < e->n; i++)
        report_item(report, &e->at[i], e->at[i].dropped ? dropped[i] : tensor_out_hash(&w, k++));
    free(dropped);
    tensor_out_close(&w);
    return status;
}

/* Made beside its place, renamed when it is whole. */
static int write_folder(const struct export *e, const char *path, struct str *report) {
    struct dir_out to;
    int status = dir_out_open(&to, path);
    char *file = path_join(to.tmp, export_forms[e->target].model);
    if (!status) status = export_configure(e, to.tmp);
    for (size_t i = 0; !status && i < e->n_files; i++) {
        char *beside = path_join(to.tmp, e->files[i].name);
        status = file_write(beside, e->files[i].text.at, e->files[i].text.n);
        free(beside);
    }
    if (!status) status = write_file(e, file, report);
    free(file);
    return dir_out_close(&to, status);
}

/* Names are longer behind a prefix, and tensors more when they are split: what a file held need not
 * fit the next. */
static int check_room(const struct export *e) {
    enum { TENSORS_MAX = ST_TENSORS_MAX / 4 }; /* no real model comes near */
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++) {
        if (e->at[i].dropped) continue;
        n++;
        if (strlen(e->at[i].name) > ST_NAME_MAX)
            return error_set(ERR_DATA, "%s: a name of more than %d bytes: %s", e->im->path,
                             ST_NAME_MAX, e->at[i].name);
    }
    return n <= TENSORS_MAX ? 0
                            : error_set(ERR_DATA, "%s: %zu tensors, at most %d are written",
                                        e->im->path, n, TENSORS_MAX);
}

int export_write(struct export *e, const char *path, struct str *report) {
    if (error_status() || check_room(e)) return error_status();
    return export_forms[e->target].model ? write_folder(e, path, report)
                                         : write_file(e, path, report);
}
