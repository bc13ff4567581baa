/* libFuzzer: the header of a safetensors file. What is accepted must be sound: it covers the data
 * without hole or overlap, every name finds its own tensor, and writing it again reads the same. */
#include "base/error.h"
#include "checkpoints/safetensors_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_sound(const struct st_table *t, uint64_t data_bytes) {
    uint64_t end = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct st_tensor *x = &t->at[i];
        REQUIRE(x->at == end, "a hole or an overlap at %s", x->name);
        REQUIRE(st_table_find(t, x->name) == x, "%s is not found", x->name);
        end += x->bytes;
    }
    REQUIRE(end == data_bytes, "the data is not covered");
    REQUIRE(t->key.n == t->value.n, "a key without a value");
}

/* The first two bytes are the size of the data, the rest is the JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < 2) return 0;
    uint64_t data_bytes = data[0] | (uint64_t)data[1] << 8;
    struct st_table t;
    if (st_table_parse(&t, "fuzz", (const char *)data + 2, n - 2, data_bytes)) {
        REQUIRE(error_status() == ERR_DATA, "%s", error_message());
        error_clear();
        return 0;
    }
    check_sound(&t, data_bytes);
    struct str again = {0};
    struct st_table u;
    st_table_format(&t, &again);
    REQUIRE(!st_table_parse(&u, "again", again.at + 8, again.n - 8, data_bytes), "%s",
            error_message());
    REQUIRE(u.n == t.n && u.key.n == t.key.n, "reads differently");
    st_table_free(&u);
    st_table_free(&t);
    str_free(&again);
    return 0;
}
