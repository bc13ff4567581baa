/* Captions of pictures that are known by the names of their files, in any of these forms.
 *
 * COCO's JSON (data/coco.h).
 *
 * JSON Lines, an object a line,
 *
 *     {"image": "000000000009.jpg", "captions": ["a cat", "the cat"], "ids": [7, 8]}
 *
 * or "caption" with one text; "ids" may be missing, then captions are numbered. "file_name",
 * "file", "filename", "filepath", "path", "image_path" and "picture" are other words for "image",
 * "text" and "title" for "caption".
 *
 * A table, with tabs (.tsv), commas or semicolons (.csv), of pictures and captions: a line a
 * caption. The first line may name the columns, by the words above, several of captions, too
 * ("caption", "caption_2"); without it they are two. Every line has as many; empty ones at its end
 * do not count.
 *
 * A folder of texts: NAME.txt has the captions of NAME.jpg, a line each; it may be the folder of
 * the pictures. names.txt, classes.txt, labels.txt, readme.txt and license.txt are none.
 *
 * Suffixes and folders of pictures' names do not count, nor which slash parts the folders. The same
 * text of the same picture counts once (not in COCO's JSON). Windows' line ends and a byte order
 * mark are taken as they are. */
#pragma once

#include "base/hash.h"
#include "data/dataset.h"

enum captions_form { CAPTIONS_COCO, CAPTIONS_LINES, CAPTIONS_TABLE, CAPTIONS_TEXTS };

struct caption_entry {
    char *file, *name, *text; /* name: of the file, without folders and suffix */
    int64_t id;
    size_t line;      /* of the file that says it; 0: COCO's JSON, which has ids */
    const char *said; /* that file: captions.source's, or the whole's path */
};

struct captions {
    enum captions_form form;
    char *path;
    struct caption_entry *at; /* by name, then id; `text` may be empty */
    size_t n, cap;
    struct strings source;  /* of a folder: its files */
    struct strings damaged; /* of a folder: what is wrong with files that were left out */
    struct strings twice;   /* of COCO's JSON: "images 3 and 20 are both a.jpg": both's captions are
                               its */
    struct strings mixed;   /* the same of two files that have one name: "x/a.jpg and y/a.jpg" */
    size_t doubled;         /* left out: the same text of the same picture; of COCO's JSON none */
    bool crlf;              /* some lines end as Windows ends them */
};

/* What a path holds, by its name and its first bytes. ERR_MISSING; ERR_DATA: a list in JSON. */
int captions_form_of(const char *path, enum captions_form *form);
bool captions_with_commas(const char *path); /* a table is one by its name, .csv; else with tabs */
const char *captions_form_name(enum captions_form form); /* for people */

/* Reads all of it; what was read goes into `hash`, when it is not NULL. ERR_MISSING, or ERR_DATA
 * with the line; of a folder of texts, damaged ones are left out, and so are those of pictures that
 * are not among `only` (settled names; NULL: all count). */
int captions_read(struct captions *c, const char *path, const struct strings *only,
                  struct hasher *hash);
void captions_free(struct captions *c);

/* The texts of a folder that captions_read() reads, paths from it on, by name. *out is owned in any
 * case. ERR_MISSING, ERR_DATA. */
int captions_texts(const char *folder, const struct strings *only, struct strings *out);

/* Gives the pictures of `d`, which have names in rising order and no captions, theirs: by id.
 * Captions of other pictures are counted in a log line, damaged texts of a folder are named in
 * warnings. ERR_MISSING, or ERR_DATA with the line.
 * What was read goes into `hash`. */
int captions_attach(struct dataset *d, const char *path, const struct strings *only,
                    struct hasher *hash);
