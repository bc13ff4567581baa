/* The ZIP archives that torch.save and TorchScript write: entries stored without compression,
 * aligned to 64 bytes by padding, sizes behind the data, numbers of 64 bits where they are needed.
 *
 * The central directory is the truth and all else must agree with it: every local header, every
 * descriptor behind the data, names and sizes. Entries that overlap, lie outside or appear twice
 * are errors. A compressed entry (TorchScript's source texts) may be there; nobody can read it.
 */
#pragma once

#include <stdbool.h>

#include "checkpoints/input.h"

enum {
    ZIP_ENTRIES_MAX = 100000,
    ZIP_NAME_MAX = 512,           /* bytes */
    ZIP_DIRECTORY_MAX = 32 << 20, /* bytes */
};

struct zip_entry {
    char *name;
    uint64_t header, data;  /* where the local header and the data start in the file */
    uint64_t bytes, packed; /* of the contents, and as they lie in the file; equal when stored */
    uint32_t crc;
    bool stored;
};

struct zip {
    struct zip_entry *at; /* sorted by name */
    size_t n;
};

int zip_open(struct zip *z, const struct input *in); /* ERR_DATA; the archive is then empty */
void zip_close(struct zip *z);

const struct zip_entry *zip_find(const struct zip *z, const char *name); /* or NULL */

/* Reads the data of a stored entry once and compares its CRC32. ERR_DATA. */
int zip_check(const struct input *in, const struct zip_entry *e);
