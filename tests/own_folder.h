/* A folder as a user brings it, for tests of `ovseg init`: test_dir()/own with twelve pictures of
 * 40 x 30, that have captions and masks of three classes where a test asks for them. */
#pragma once

#include <stdint.h>

#include "base/mem.h"

enum { OWN_PICTURES = 12, OWN_W = 40, OWN_H = 30 };

char *own_path(const char *name); /* test_dir()/own/NAME; owned */
void own_put(const char *name, const void *bytes, size_t n);
void own_text(const char *name, const char *text);
char *own_text_of(const char *name);
void own_has(const char *name, const char *part);    /* or the test fails */
void own_copy(const char *name, const char *source); /* a file of the repository */
void own_remove(const char *name);
void own_rename(const char *from, const char *to);

void own_pictures(void); /* images/p00.jpg .. p11.jpg, all different */
void own_picture_of(const char *name, int64_t w, int64_t h,
                    int seed); /* JPEG, or PNG by its name */

/* captions.jsonl, .tsv, .json (COCO); texts beside the pictures. */
void own_captions_jsonl(void);
void own_captions_tsv(void);
void own_captions_coco(void);
void own_captions_texts(void);
const char *own_caption(int i);

/* masks/pNN.png of the first n pictures, of the values or the colours 0 .. 2; names.txt: sky, tree,
 * red car; names.csv: with colours; instances.json. */
void own_masks_index(int n);
void own_mask_index(const char *name, int64_t w, int64_t h, int most); /* values 0 .. most */
void own_masks_colour(int n);
void own_masks_coco(int n);

/* `ovseg init own/out --images own/images ARGUMENT...` and what it says. */
struct own_ended {
    int status;
    char *out, *err;
};
struct own_ended own_init(int (*command)(int, char **), const char *const *arguments);
void own_ended_free(struct own_ended *e);
#define INIT(...) own_init(cmd_init, (const char *const[]){__VA_ARGS__, NULL})
