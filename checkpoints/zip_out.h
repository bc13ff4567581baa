/* ZIP archives as torch.save writes them: entries stored without compression, their data aligned to
 * 64 bytes by padding, sizes and CRC32 in front of the data, numbers of 64 bits where they are
 * needed. One entry after the other, nothing is read back or kept: any size in little memory.
 * No date, so equal contents give equal bytes. Read by checkpoints/zip.h.
 *
 * After an error entry and put do nothing; close always: without a commit nothing is left.
 */
#pragma once

#include "base/file.h"

enum { ZIP_ALIGN = 64 /* bytes */ };

struct zip_out {
    struct file_out file;
    struct str directory; /* of the entries so far */
    uint64_t n;
    uint64_t left; /* bytes of the entry under way that are not put yet */
};

int zip_out_open(struct zip_out *z, const char *path); /* ERR_IO */

/* Starts an entry of `bytes` bytes that have this CRC32; they come by zip_out_put(). ERR_IO. */
int zip_out_entry(struct zip_out *z, const char *name, uint64_t bytes, uint32_t crc);
int zip_out_put(struct zip_out *z, const void *data, size_t n);
/* A whole one. */
int zip_out_add(struct zip_out *z, const char *name, const void *data, size_t n);

int zip_out_commit(struct zip_out *z); /* ERR_IO */
void zip_out_close(struct zip_out *z);
