/* A user's own folder on its way to a chain of configs: what was found in it, what is wrong with
 * it, what is made of it. `ovseg init` goes through the parts in this order:
 *
 *   own_start     the weights that it begins with
 *   own_find      which file or folder is what
 *   own_names     the classes and how maps say them
 *   own_files     pictures, maps, which belongs to which
 *   own_captions  captions and their nouns
 *   own_look      every picture and map, decoded
 *   own_lint      what cannot be learned of the names
 *   own_alike     pictures that are nearly the same
 *   own_split     who trains, who is held out
 *   own_write     the configs
 *
 * Mistakes of the user's files are collected; an error status is for what ends the look at once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"
#include "data/captions_file.h"
#include "data/colour_maps.h"
#include "data/vocabulary.h"

enum own_masks { OWN_NO_MASKS, OWN_INDEX_PNG, OWN_COLOUR_PNG, OWN_COCO };

/* Mistakes of one kind are named up to a few times, then counted. */
enum own_kind {
    OWN_NAMES,      /* in the file of names */
    OWN_PICTURE,    /* a picture that cannot be used */
    OWN_TWICE,      /* two files of one name */
    OWN_FOREIGN,    /* a file of another kind */
    OWN_CAPTION,    /* in a file of captions */
    OWN_NO_PICTURE, /* a caption's or a mask's */
    OWN_BARE,       /* neither caption nor mask */
    OWN_MASK,       /* a mask that cannot be used */
    OWN_SIZE,       /* a mask of another size */
    OWN_LAYOUT,     /* the folder as a whole */
    OWN_KINDS
};

struct own_problems {
    struct str text; /* a line each */
    int64_t of[OWN_KINDS], n;
    int64_t single; /* of them, those of one picture, which can be left out */
};

enum { THUMB = 8, THUMB_N = (THUMB + 1) * THUMB };

/* What a picture looks like: brightness rising from left to right, and a small copy. */
struct own_signature {
    uint64_t rises;
    uint8_t rgb[3 * THUMB_N];
};

struct own_picture {
    char *file, *name;       /* below the folder; without folders and suffix */
    int64_t h, w;            /* upright */
    int64_t captions, group; /* group: of those that are alike, the first one's index */
    int orientation;
    bool cmyk, deep, out; /* deep: 16 bits; out: it cannot be used */
    char *map;            /* below the folder of masks; NULL: none */
    int64_t coco;         /* picture of COCO's instances; -1: none */
    bool has_mask;
    struct own_signature look;
    char *said; /* what is wrong with it; while it is looked at */
    enum own_kind kind;
};

struct own {
    /* as the command line says; NULL: not */
    int64_t seed, first_value;
    bool skip;       /* damaged pictures are left out */
    bool by_place;   /* values are the places of names in a text */
    bool draws_anew; /* who is held out, whatever the lists of an earlier call say */

    /* what the chain starts from, as configs say it; NULL: what is shipped */
    char *clip, *proposals;
    char *network;   /* the config that describes `proposals`; NULL: it is not trained further */
    int64_t layers;  /* of its image tower; 0: not known, or no transformer */
    int64_t context; /* tokens that its text tower reads */
    bool large;      /* the CLIP is one of the published sizes, not the shipped miniature */

    char *dir, *images, *captions_path, *masks_path, *names_path; /* found */
    enum own_masks masks;
    struct own_problems problems;
    struct strings notes; /* what was taken as it is, a line each */

    struct vocabulary names;
    struct colour_table colours;
    uint16_t *class_of; /* [65536] of a value in an index map: class, `ignore` or OWN_MISTAKE */
    struct own_picture *at;
    size_t n, cap;
    struct captions captions;
    int64_t n_captioned, n_looked, n_noun_captions; /* looked: captions whose nouns were found */
    int64_t n_nouns;                                /* different ones in those */
    double nouns_each;                              /* of a caption */
    struct strings common;                          /* nouns, the most frequent first */
    int64_t *class_in;                              /* [classes] pictures in which it occurs */
    bool gaps;                                      /* some masks have unlabelled pixels */
    int64_t n_masks, n_alike;
    struct strings list[3];             /* files for train, val, test */
    bool keeps_lists;                   /* they go on from those of an earlier call */
    bool worn;                          /* which had nothing left to judge by */
    struct str left_out;                /* "val NAME" lines: held out, and not here now */
    int64_t train_masks, held_masks[2]; /* pictures with masks in train; in val and test */
};

enum { OWN_MISTAKE = UINT16_MAX - 1, OWN_IGNORE = UINT16_MAX };

void own_problem(struct own *o, enum own_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The pending error as a mistake; `remedy` may be "". */
void own_take_error(struct own *o, enum own_kind kind, const char *remedy);
void own_note(struct own *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void own_close(struct own *o);

/* RUN, RUN@best, a config or a file; NULL: not given. ERR_MISSING; errors of the run. */
int own_start(struct own *o, const char *clip, const char *proposals);
int own_find(struct own *o, const char *images, const char *captions, const char *masks,
             const char *names);
int own_names(struct own *o);
int own_files(struct own *o);
int own_captions(struct own *o);
int own_look(struct own *o);
int own_lint(struct own *o);
void own_alike(struct own *o);
/* ERR_DATA: of masks all are of pictures that are nearly the same. */
int own_split(struct own *o);
bool own_is_written(const struct own *o);                    /* DIR is of an earlier call */
bool own_was_written(const struct own *o, const char *name); /* and it wrote this file in it */
/* Files of DIR that were not written by it, or are changed since, are ERR_IO, with all of them. */
int own_write(struct own *o);
/* Where few pictures with masks are held out, how much each of them weighs; false: they are many,
 * or there are none. */
bool own_few_held(const struct own *o, struct str *text);
/* How many pairs there will be, roughly; masks and side of pictures that training sees. */
int64_t own_pairs(const struct own *o);
int64_t own_side(const struct own *o);

/* A line of a text of names that names no class, and has one behind it: the values of those are
 * less by one than whoever counts lines takes them to be. 0: none. */
size_t own_names_gap(const struct own *o);

/* A picture by name; NULL: none. After own_files. */
struct own_picture *own_picture(const struct own *o, const char *name);
/* One whose name differs in case alone, or in Unicode's form; looked for while few mistakes of the
 * kind were found. *why: which of them, for people. */
const struct own_picture *own_near(const struct own *o, const char *name, const char **why);
int64_t own_usable(const struct own *o); /* pictures that are not out */

/* What was found and made, for people. */
void own_print(const struct own *o, FILE *to);
