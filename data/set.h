/* The set file (DESIGN 5): images as encoded bytes, label maps, captions, class names; one HDF5
 * file that reads like any other data set.
 *
 *   image_bytes u8[], image_offset u64[N + 1], image_size u32[N, 2] (h, w), image_id i64[N]
 *   label_bytes u8[] (a zstd frame each, of u8 or u16 [h, w]: attribute label_bits),
 *   label_offset u64[N + 1] (equal neighbours: no map)
 *   caption_text, caption_offset (bytes), caption_at u64[N + 1] (captions of each image),
 *   caption_id i64[C]; class_text, class_offset, class_seen u8[K]; attribute ignore
 *   name_text, name_offset: names of the pictures' files, without suffix; may be missing
 *
 * Pictures are turned upright by EXIF when they are read; image_size is that of the upright one.
 */
#pragma once

#include "data/dataset.h"
#include "data/h5_write.h"

struct set_info {
    char *const *class_name; /* [n_classes] */
    const bool *class_seen;  /* [n_classes] */
    int64_t n_classes;
    uint16_t ignore;
    const char *config_hash; /* of the settings that made the set; "" when there are none */
};

struct set_item {
    int64_t id, h, w;  /* sides of the upright picture */
    const char *name;  /* NULL: none; all of a set have one, or none has */
    const void *bytes; /* JPEG, PNG or WebP, as image_decode_upright reads them */
    size_t n;
    const struct labels *labels; /* NULL: none; else of the image's size */
    const struct bytes *packed;  /* in the place of `labels`: what set_pack made of them */
    char *const *caption;        /* [n_captions] */
    const int64_t *caption_id;   /* [n_captions] */
    int64_t n_captions;
};

struct set_writer {
    struct h5_out file;
    struct spool images, labels;
    int64_t n, n_captions, n_classes;
    int label_bits;
    uint16_t ignore;
    size_t image_offset_cap, label_offset_cap, size_cap, id_cap, caption_at_cap, caption_id_cap;
    uint64_t *image_offset, *label_offset, *caption_at;
    uint32_t *size;
    int64_t *id, *caption_id;
    struct strings caption, name;
};

/* All return 0 or ERR_IO; set_drop always, set_finish makes the file appear. */
int set_create(struct set_writer *w, const char *path, const struct set_info *info);
int set_add(struct set_writer *w, const struct set_item *item);
int set_finish(struct set_writer *w);
/* Packs a map as set_add does, from any thread; the caller frees `out`. ERR_INTERNAL. */
int set_pack(const struct set_writer *w, const struct labels *l, struct bytes *out);
void set_drop(struct set_writer *w);

/* ERR_MISSING, or ERR_DATA for a damaged file. Images and labels are read with pread from any
 * thread; a damaged one is an error of its own and names its id. */
int set_open(struct dataset *d, const char *path);
bool set_is(const char *path);
int set_verify(const char *path); /* reads and hashes all of it: ERR_DATA when a byte differs */

/* Adds picture i of another data set as it is stored there: its bytes, not only its pixels. Classes
 * and `ignore` are to be the same. The errors of both. */
int set_copy(struct set_writer *w, const struct dataset *d, int64_t i);
