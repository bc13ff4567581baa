/* Two files of tensors, for tests of what was written. */
#pragma once

#include "checkpoints/import.h"
#include "tests/test.h"

/* The tensors of a file are those of another, bit by bit, in any order. */
static inline void check_same_tensors(const char *path, const char *expected) {
    struct tensor_file a, b;
    struct bytes mine = {0}, theirs = {0};
    CHECK_OK(tensor_file_open(&a, path, NULL));
    CHECK_OK(tensor_file_open(&b, expected, NULL));
    CHECK_INT(a.table->n, b.table->n);
    for (size_t i = 0; i < b.table->n; i++) {
        const struct st_tensor *y = &b.table->at[i], *x = st_table_find(a.table, y->name);
        if (!x) test_fail(__FILE__, __LINE__, "%s: no %s", path, y->name);
        CHECK_OK(import_bytes(&a, x, &mine));
        CHECK_OK(import_bytes(&b, y, &theirs));
        if (x->dtype != y->dtype || !st_shape_same(x->shape, y->shape) ||
            memcmp(mine.at, theirs.at, (size_t)x->bytes) != 0)
            test_fail(__FILE__, __LINE__, "%s: %s differs", path, x->name);
    }
    bytes_free(&mine);
    bytes_free(&theirs);
    tensor_file_close(&a);
    tensor_file_close(&b);
}
