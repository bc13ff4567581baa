/* Weights on their way out: what imports hold (checkpoints/import.h), put together, named and laid
 * out as another program wants it, and written with a report of every tensor.
 *
 *     export_open(&e, &im);
 *     export_blend(&e, &other, 0.5);    where wanted, before all else
 *     export_replace_clip(&e, &clip);   where wanted, before the next
 *     export_set_prompts(&e, &prompts); where wanted
 *     export_as(&e, EXPORT_HF);
 *     export_write(&e, path, &report);
 *     export_close(&e);
 *
 * Names are ours up to export_as(), which reads the tables of the importer backwards
 * (checkpoints/import_rules.h). Whatever comes out can be imported again, to the same bits. The
 * data goes through memory tensor by tensor. After an error all but close do nothing.
 */
#pragma once

#include "checkpoints/import.h"

enum export_target {
    EXPORT_SAFETENSORS, /* our names, all that IN holds */
    EXPORT_OVSEG,       /* the reference's checkpoint (reference-spec 3.2) */
    EXPORT_CLIP,        /* a state dict of OpenAI's names (3.4), as open_clip trains from (3.5) */
    EXPORT_OPEN_CLIP,   /* a folder that open_clip loads */
    EXPORT_HF,          /* a folder that Hugging Face's CLIPModel loads */
    EXPORT_PROMPTS,     /* the mask prompts alone */
    EXPORT_TARGETS,
};

struct export_form {
    const char *name;  /* "ovseg-pth" */
    bool torch;        /* a file of PyTorch's; otherwise safetensors */
    const char *model; /* the file of the tensors in the folder that is written; NULL: a file */
};
extern const struct export_form export_forms[EXPORT_TARGETS];

struct export_item {
    char *name;                     /* as it is written; of a dropped one ours, or as it was */
    struct import *im;              /* whose item it is */
    const struct import_item *item; /* NULL: made here */
    struct bytes made;
    struct import *other; /* with whose item it is blended; NULL: it is not */
    const struct import_item *with;
    double alpha;        /* the share of `with` */
    const char *dropped; /* by this rule; NULL: is written */
    enum t_dtype dtype;  /* as written, as is the shape */
    struct shape shape;
    int part, parts; /* rows: a part of so many; parts 0: all */
    bool transposed;
};

/* A file that goes into a folder beside the others: of what this folder of the tree knows nothing.
 */
struct export_file {
    const char *name;
    struct str text;
};

struct export {
    struct import *im;
    struct import *clip;     /* which holds the CLIP that is written, NULL: none is */
    const char *clip_prefix; /* of its names in there */
    enum export_target target;
    const struct export_file *files; /* of a folder; set before export_write() */
    size_t n_files;
    struct export_item *at;
    size_t n, cap;
};

/* All that an import holds; it must outlive e. */
void export_open(struct export *e, struct import *im);
void export_close(struct export *e);

/* Puts a CLIP into the place of an OVSeg model's, tensor by tensor (reference-spec 3.6): those that
 * the model does not have are left out with a notice; prompts come along whatever their depth, and
 * without any the old ones stay, with a warning. A model without a CLIP gets the whole.
 * ERR_CONFIG: IN is no OVSeg model, there is no CLIP, or it is of other sizes (the full list). */
int export_replace_clip(struct export *e, struct import *clip);

/* Gives the CLIP that is written the mask prompts of a file: of one of EXPORT_PROMPTS, or of any
 * CLIP that has some. ERR_CONFIG when they do not fit its width, grid and depth. */
int export_set_prompts(struct export *e, struct import *from);

/* Makes every tensor (1 - alpha) of its own and alpha of that of another model of the same names
 * and shapes: with 0 and 1 the bits of one of them (Wortsman et al. 2022, between weights before
 * and after fine-tuning). Prompts that only one of them has are taken whole; integers stay IN's.
 * ERR_CONFIG: they do not fit (the full list), or compute with other activations. */
int export_blend(struct export *e, struct import *other, double alpha);

/* ERR_CONFIG when the target cannot hold it, or a fact that it must tell is unknown: nothing is
 * guessed. */
int export_as(struct export *e, enum export_target target);

/* Writes a file or, of a target that is one, a folder that is not there yet; whole or not at all.
 * One line of `report` a tensor, written or dropped. ERR_IO, ERR_DATA (an input is damaged). */
int export_write(struct export *e, const char *path, struct str *report);
