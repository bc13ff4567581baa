/* An index: a small HDF5 file that stands for a set and holds the names of the files, which are
 * read where they lie. It has the folders' paths in it, so it is of one machine.
 *
 *   attributes ignore, kind (png, tiff, mat, ade-full), shrunk (0, 1), images, maps (folders)
 *   image_text, image_offset, map_text, map_offset: files below them; "": no map
 *   image_id i64[N], image_size u32[N, 2] (upright; may be missing), name_text, name_offset,
 * class_of u16[65536], class_text, class_offset, class_seen u8[K], caption_text, caption_offset,
 * caption_at u64[N + 1], caption_id i64[C]
 */
#pragma once

#include "data/set_prepare.h"

/* Reads every picture and map of `d`, a data set of files (data/file_set.h), as set_prepare_run
 * does, and writes the index of those that are kept. Pixels of classes that are not seen are not
 * taken out: ERR_USAGE when p->training asks for it and there are such classes. */
int set_index_write(struct set_prepare *p, const struct dataset *d);

/* ERR_MISSING; ERR_DATA for a damaged file. Files that went away are errors when they are read. */
int set_index_open(struct dataset *d, const char *path);
bool set_index_is(const char *path);

/* A set or an index, whichever it is. */
int set_or_index_open(struct dataset *d, const char *path);
