/* What comes to ovseg serve and is read by us: names, numbers, hosts, names of files. The form
 * around them is libmicrohttpd's. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "train/serve/serve_names.h"

static void names_seeds(struct corpus *c) {
    corpus_add_text(c, "sky, a red car ,tree");
    corpus_add_text(c, "sky\r\nbuilding, edifice\n# a remark\ntree\n");
    corpus_add_text(c, "caf\xc3\xa9,\xe4\xb8\xad\xe6\x96\x87");
    corpus_add_text(c, "localhost:8000");
    corpus_add_text(c, "[::1]:80");
    corpus_add_text(c, "0.125");
    corpus_add_text(c, "photos/street.jpg");
}

static int run_names(const uint8_t *data, size_t n) {
    static const struct strings none = {0};
    struct vocabulary v;
    double x = 0;
    char *text = fuzz_text(data, n), *file = serve_file_name(text);
    REQUIRE(*file && strlen(file) <= 200 && !strchr(file, '/') && utf8_valid(file, strlen(file)),
            "a name to show");
    if (serve_host_is_ours(text, false, &none))
        REQUIRE(strlen(text) < 64 && !strchr(text, '/'), "a host");
    if (serve_number_read((const char *)data, n, &x)) REQUIRE(x >= 0, "a number");
    int status = serve_names_read(&v, (const char *)data, n);
    for (size_t i = 0; i < v.n; i++)
        REQUIRE(*v.at[i].name && strlen(v.at[i].name) <= SERVE_NAME_MAX, "name %zu", i);
    REQUIRE(!status || !v.n, "%zu names after an error", v.n);
    vocabulary_close(&v);
    free(file);
    free(text);
    return status;
}

FUZZ(typed_names, .seeds = names_seeds, .run = run_names, .codes = {ERR_DATA});
