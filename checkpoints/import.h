/* Weights of others, by our names.
 *
 * A file, or a folder of Hugging Face's or open_clip's, is told by the names of its tensors to be
 * of one of the layouts of checkpoints/import_rules.c; known ones that are not read are refused.
 * Each of its tensors is then used under a name of ours (the reference's, reference-spec 3.2),
 * dropped by a rule that has a name, or an error; and all that the layout must have is there. A
 * file of no known layout keeps its names: if they are not the model's, loading says so. Nothing is
 * guessed: what the tensors do not tell is known from the configuration beside them, or from the
 * sha256 of a published file, or stays unknown.
 */
#pragma once

#include "checkpoints/import_rules.h"
#include "checkpoints/tensor_file.h"
#include "nn/models/clip.h"
#include "nn/params.h"

enum import_verdict { /* a sum; 0: used as it is */
                      IMPORT_RENAMED = 1,
                      IMPORT_CAST = 2, /* to F32 */
                      IMPORT_TRANSPOSED = 4,
                      IMPORT_JOINED = 8, /* query, key and value: rows of one matrix */
                      IMPORT_RESIZED = 16,
                      IMPORT_DROPPED = 32,
                      /* on the way out (checkpoints/export.h) */
                      IMPORT_SPLIT = 64,    /* a matrix into query, key and value */
                      IMPORT_MADE = 128,    /* of nothing: a buffer of the reference's */
                      IMPORT_BLENDED = 256, /* with those of another model */
};

enum { IMPORT_SOURCES_MAX = 3 };

struct import_source {
    size_t file;
    const struct st_tensor *x; /* as it lies in import.file[file] */
};

struct import_item {
    char *name;         /* ours; of a dropped tensor its own */
    struct shape shape; /* ours */
    unsigned verdict;
    const char *rule; /* by which it is dropped */
    struct import_source source[IMPORT_SOURCES_MAX];
    int sources;
};

enum { ACTIVATION_UNKNOWN = -1 };

/* What else was learnt about a CLIP. */
struct import_facts {
    int activation; /* enum clip_activation, or ACTIVATION_UNKNOWN */
    bool has_pixels;
    double mean[3], std[3];          /* of pixels of 0 to 1, red first */
    int64_t image_heads, text_heads; /* 0: not told */
    const char *published;           /* "ViT-B/16": the name of a known file, or NULL */
    char *config;                    /* the file of configuration that told, or NULL */
};

struct import {
    char *path;
    enum import_family family;
    struct tensor_file *file;
    size_t files;
    struct import_item *at; /* in the order of the files */
    size_t n, cap;
    struct import_item **by_name; /* what is not dropped, sorted */
    size_t kept;
    struct import_facts facts;
};

/* Reads and checks all but the data. `part` as in pth_open(). ERR_MISSING, ERR_CONFIG (no such
 * part), ERR_DATA (damaged, a layout that is not read, not whole, or at odds with its
 * configuration). */
int import_open(struct import *im, const char *path, const char *part);
bool import_folder(
    const char *dir); /* whether it holds files of weights that import_open() takes */
bool import_is_weights(const char *path); /* such a folder, or a file, whatever is in it */
void import_close(struct import *im);     /* also after a failed open */

struct import_item *import_find(const struct import *im, const char *name); /* or NULL */
const char *import_family_name(const struct import *im);

/* "used", "dropped", "renamed+cast" ... */
void import_verdict_text(unsigned verdict, char *out, size_t n);

/* The values of an item that is not dropped, F32 (integers stay what they are), a new tensor of the
 * innermost scope; NULL and the pending error when they cannot be read. */
tensor *import_tensor(struct import *im, const struct import_item *item);

/* The bytes of a tensor as they lie in its file; `data` grows to the largest and is kept from call
 * to call: fresh pages for each cost more than reading does. */
int import_bytes(struct tensor_file *f, const struct st_tensor *x, struct bytes *data);

/* Makes the positions of the image tower below `prefix` those of a grid of g x g patches
 * (reference-spec 3.5). ERR_CONFIG when that cannot be done. */
int import_resize(struct import *im, const char *prefix, int64_t g);

/* What stands in front of the names of the CLIP in it ("" or "clip_adapter.clip_model."); NULL:
 * none is. */
const char *import_clip_prefix(const struct import *im);

/* Whether a network that proposes masks is in it. */
bool import_has_proposals(const struct import *im);

/* The sizes of the CLIP below `prefix` ("" or "clip_adapter.clip_model."), told by its shapes
 * (reference-spec 3.4); with its prompts. `activation`: for files that do not tell theirs, or
 * ACTIVATION_UNKNOWN. ERR_DATA when there is no such CLIP, ERR_CONFIG when nothing tells the
 * activation. */
int import_clip_options(const struct import *im, const char *prefix, int activation,
                        struct clip_options *out);

struct import_options {
    const char *prefix; /* of the names that are meant, and taken off; NULL: all */
    const char *into;   /* put in front then; only names of the registry that start so are filled */
    const char *const *allow_missing; /* fnmatch(3) patterns of names of the registry */
    size_t n_allow_missing;
    const char *const *allow_unexpected; /* fnmatch(3) patterns of our names, with their prefix */
    size_t n_allow_unexpected;
};

/* Whether import_copy() would fill the registry, whose tensors need have no values: ERR_CONFIG with
 * the full list when not. */
int import_check(const struct import *im, const struct params *p, struct import_options o);

/* Fills a registry, strictly: ERR_CONFIG with all that is missing, unexpected or of another shape,
 * and nothing has been changed then. The positions of a CLIP's image tower are resized when the
 * grid differs. Tables that follow from the architecture (relative_position_index) stay as they
 * are. */
int import_copy(struct import *im, struct params *p, struct import_options o);
/* The same from a path. `facts` may be NULL; import_facts_free() it. */
int import_load(const char *path, struct params *p, struct import_options o,
                struct import_facts *facts);
void import_facts_free(struct import_facts *f);
/* The pixels that OpenAI's models, the reference and this program take. */
void import_facts_usual_pixels(struct import_facts *f);
bool import_facts_odd_pixels(const struct import_facts *f); /* others than those are told */
/* As JSON, for the metadata "clip" of a file of ours; nothing when nothing is known. */
void import_facts_format(const struct import_facts *f, struct str *out);
