/* PyTorch's files, read as data: nothing in them is executed, and no library of PyTorch sees them.
 *
 *   archive   torch.save since 1.6: a ZIP of data.pkl and the storages (checkpoints/zip.h)
 *   script    TorchScript: the same with code, which is not looked at
 *   stream    torch.save before 1.6 (checkpoints/pth_storage.h)
 *   pickle    converted backbones, .pkl: NumPy's arrays or torch's tensors inside one pickle
 *
 * The result is a table of named tensors like that of a safetensors file. An archive's CRC32s are
 * compared when the data is read; the others have none. Errors: ERR_MISSING when the file cannot
 * be opened or read, ERR_DATA when it is not what it must be.
 */
#pragma once

#include "base/mem.h"
#include "checkpoints/pth_storage.h"
#include "checkpoints/safetensors_header.h"

enum pth_form { PTH_ARCHIVE, PTH_SCRIPT, PTH_STREAM, PTH_PICKLE };

/* How the elements of table.at[i] lie in a storage. */
struct pth_view {
    size_t storage;
    uint64_t at, span; /* bytes: of the first element, and to behind the last */
    int64_t stride[8]; /* elements */
    bool dense;        /* row-major without holes */
};

struct pth {
    struct input in;
    enum pth_form form;
    struct pickle pickle;  /* the whole object, for what is no tensor: pickle_get(...) */
    struct st_table table; /* in the order of the object */
    struct pth_view *view;
    size_t cap_view;
    struct strings passed; /* names of the part that are no tensors */
    char *part;            /* that was taken, NULL: the whole object */
    bool module;           /* all names started with "module.", which has been taken off */
    struct pth_storages storages;
    uint64_t bytes;               /* to be read for all tensors */
    struct bytes scratch, values; /* grow to the largest view and tensor */
};

/* Opens and checks all but the data. `part`: the key of the object whose dict is meant; NULL:
 * "model" or else "state_dict" when it has them, otherwise the whole (reference-spec 3.1). Dicts
 * and lists inside it give names with dots. ERR_CONFIG when there is no such part. */
int pth_open(struct pth *f, const char *path, const char *part);
void pth_close(struct pth *f); /* also after a failed open */

bool pth_is(const char *path); /* by its first bytes */

/* The elements of a tensor, row-major, little endian; dst has room for x->bytes. */
int pth_read(struct pth *f, const struct st_tensor *x, void *dst);
/* A new tensor of the innermost scope; NULL and the pending error when it cannot be read. */
tensor *pth_tensor(struct pth *f, const struct st_tensor *x);
