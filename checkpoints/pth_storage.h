/* Where the elements of PyTorch's tensors lie in a file: the data entries of an archive, or the
 * stream of older files (torch.save before 1.6):
 *
 *   pickles: magic number | protocol 1001 | of the writing machine | the object | list of keys
 *   then for each key: number of elements (8 bytes) | elements
 */
#pragma once

#include "checkpoints/pickle.h"
#include "checkpoints/zip.h"

struct pth_storage {
    char *key;
    uint64_t at, bytes;
    uint32_t crc;
    bool has_crc, checked;          /* there is one to compare with; it has been */
    const struct pickle_type *type; /* NULL: not yet known */
};

struct pth_storages {
    struct pth_storage *at;
    size_t n, cap;
};

/* The entries PREFIX + key of an archive, by key. */
void pth_storages_of_zip(struct pth_storages *s, const struct zip *z, const char *prefix);

bool pth_is_stream(const struct input *in, uint64_t from, uint64_t to);
/* Reads the stream [from, to): its object into p, its storages, by key, behind those of `all`. */
int pth_stream_read(struct pickle *p, struct pth_storages *all, const struct input *in,
                    uint64_t from, uint64_t to);

struct pth_storage *pth_storage_find(const struct pth_storages *s, const char *key); /* or NULL */
/* The index of a new one that has no key. */
size_t pth_storage_add(struct pth_storages *s, uint64_t at, uint64_t bytes);
void pth_storages_free(struct pth_storages *s);

/* ERR_DATA when the storage does not hold exactly n elements of this type, or another type. */
int pth_storage_settle(struct pth_storage *x, const struct pickle_type *type, uint64_t n,
                       const char *path);
/* Compares the CRC32 of the whole, once. */
int pth_storage_check(struct pth_storage *x, const struct input *in);
