/* Pickles of weights, read as data. A pickle is a program; here it may only build values: the
 * opcodes and the names it may use are two lists (pickle.c, pickle_globals.c), nothing is imported
 * or executed, and whatever is not on the lists is an error that names it and its place.
 *
 * Values live in one table and refer to each other by index, as the pickle's memo wants it: one
 * value may be in several places, even inside itself. Whoever walks bounds depth and steps.
 */
#pragma once

#include <stdbool.h>

#include "checkpoints/input.h"
#include "nn/torch/tensor.h"

enum {
    PICKLE_VALUES_MAX = 1 << 20,    /* NLTK's tagger has half of them */
    PICKLE_ITEMS_MAX = 1 << 22,     /* members of all lists and dicts */
    PICKLE_STACK_MAX = 1 << 20,     /* and of the memo */
    PICKLE_TEXT_MAX = 1 << 15,      /* bytes; a longer string is left in the file */
    PICKLE_ALL_TEXT_MAX = 32 << 20, /* bytes of all strings */
};

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_REAL,
    PICKLE_STRING,
    PICKLE_BYTES, /* and long strings: where they lie in the file */
    PICKLE_LIST,
    PICKLE_TUPLE,
    PICKLE_DICT,    /* key, value, key, value ... in the order of the file */
    PICKLE_GLOBAL,  /* a name that is allowed */
    PICKLE_OBJECT,  /* what a call of one gives, unless it is one of the others */
    PICKLE_STORAGE, /* elements that lie elsewhere in the file */
    PICKLE_TENSOR,
};

/* What an allowed name stands for. */
enum pickle_role {
    PICKLE_INERT,   /* a value; may not be called */
    PICKLE_RECORD,  /* makes objects with attributes that nobody reads */
    PICKLE_MODULE,  /* makes TorchScript's modules: attributes in a dict */
    PICKLE_ORDERED, /* makes dicts */
    PICKLE_FIRST,   /* gives its first argument */
    PICKLE_TYPE,    /* torch.FloatStorage */
    PICKLE_REBUILD, /* makes tensors */
    PICKLE_NESTED,  /* makes a storage from the bytes of a whole file */
    PICKLE_ARRAY,   /* makes NumPy's arrays */
    PICKLE_DTYPE,   /* makes NumPy's element types */
};

struct pickle_type {
    const char *name; /* "FloatStorage" */
    int dtype;        /* enum t_dtype; -1: one that we do not compute with */
    size_t size;      /* of an element, bytes */
};

struct pickle_tensor {
    uint32_t storage;   /* PICKLE_STORAGE, or a PICKLE_OBJECT of role PICKLE_NESTED */
    uint64_t offset;    /* elements */
    struct shape shape; /* sizes are not negative; nothing else is checked */
    int64_t stride[8];  /* elements */
};

struct pickle_value {
    uint8_t kind, role; /* role of globals and objects */
    uint32_t extra;     /* of dicts and objects: the index of their attributes; 0 none */
    uint64_t n;         /* bytes, members (a pair of a dict is two), elements of a storage */
    size_t cap;
    union {
        int64_t i; /* of a bool, too */
        double real;
        char *text;     /* of strings, with a NUL behind; the key of a storage */
        uint64_t at;    /* of bytes: their place in the file */
        uint32_t *item; /* of lists, tuples and dicts; of an object: its arguments */
        struct pickle_tensor *tensor;
    };
    const struct pickle_type *type; /* of storages and their globals */
};

struct pickle {
    struct pickle_value *at; /* at[0] is no value */
    size_t n, cap;
    uint32_t root;
    uint64_t end; /* the first byte in the file behind the pickle */
    size_t items, text;
};

/* Reads the pickle that starts at `from` and must end before `to`. `what` stands in front of the
 * messages ("x.pth: data.pkl"). ERR_DATA; the pickle is then empty. */
int pickle_read(struct pickle *p, const struct input *in, uint64_t from, uint64_t to,
                const char *what);
void pickle_free(struct pickle *p);

/* The value of a string key of a dict, 0 when there is none or `dict` is no dict. */
uint32_t pickle_get(const struct pickle *p, uint32_t dict, const char *key);
bool pickle_is(const struct pickle *p, uint32_t value, const char *text); /* a string, this one */
