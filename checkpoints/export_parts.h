/* Steps of checkpoints/export.h. Inside checkpoints/export*.c. */
#pragma once

#include "checkpoints/export.h"

#define EXPORT_CLIP_AT "clip_adapter.clip_model." /* where OVSeg has its CLIP */

/* The item that is written by this name, NULL: none. */
struct export_item *export_find(const struct export *e, const char *name);
/* One more; its name is owned by e from here on. The result lives until the next call. */
struct export_item *export_add(struct export *e, struct export_item item);
/* An item of an import under that name (owned by e), F32 where it is floating-point. */
struct export_item export_of(struct import *im, const struct import_item *item, char *name);
/* In front of the names of the CLIP that is written; NULL: there is none. */
const char *export_prefix(const struct export *e);

/* Names all that is written as this layout does. ERR_DATA when no rule knows a name. */
int export_rename(struct export *e, enum import_family family);

/* The reference's buffers, taken over or made (reference-spec 3.2). */
int export_add_buffers(struct export *e);

/* The files of configuration of a folder, into `dir`. ERR_IO. */
int export_configure(const struct export *e, const char *dir);
