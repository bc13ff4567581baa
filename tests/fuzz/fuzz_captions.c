/* Captions as texts: JSON Lines, tables with tabs and with commas, a file for a picture; the first
 * byte says which. And painted label maps. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/captions_file.h"
#include "data/colour_maps.h"
#include "tests/fuzz/fuzz.h"

static const char *const names[] = {"c.jsonl", "c.tsv", "c.csv", "c.txt", "texts/a.txt"};
enum { FORMS = sizeof names / sizeof *names };

static void captions_seeds(struct corpus *c) {
    static const char *const texts[] = {
        ("\0{\"image\": \"a.jpg\", \"captions\": [\"a cat\", \"\"], \"ids\": [7, 8]}\r\n"
         "{\"file_name\": \"b/c.png\", \"text\": \"the d\xc3\xb6g\"}\n"),
        "\1filepath\ttitle\r\na.jpg\ta cat\nb.jpg\t\"two\"\"\tdogs\"\n",
        "\2id,caption,image\n1,\"a cat, black\",a.jpg\n", "\3a.jpg\ta cat\nb.jpg\tdog\t\n",
        "\4a cat\n\n  a black cat \r\n"};
    for (int i = 0; i < FORMS; i++) corpus_add(c, texts[i], 1 + strlen(texts[i] + 1));
}

static int run_captions(const uint8_t *data, size_t n) {
    if (!n || data[0] >= FORMS) return error_set(ERR_DATA, "no form");
    char *path = fuzz_path(names[data[0]]), *dir = path_dir(path);
    struct captions c;
    REQUIRE(!dir_make(dir) && !file_write(path, data + 1, n - 1), "%s", error_message());
    int status = captions_read(&c, data[0] == FORMS - 1 ? dir : path, NULL, NULL);
    for (size_t i = 0; !status && i < c.n; i++) {
        REQUIRE(c.at[i].file && c.at[i].name && c.at[i].text && c.at[i].line, "half a caption");
        REQUIRE(i == 0 || strcmp(c.at[i - 1].name, c.at[i].name) <= 0, "out of order");
    }
    if (!status) captions_free(&c);
    free(dir);
    free(path);
    return status;
}

FUZZ(captions, .seeds = captions_seeds, .run = run_captions, .codes = {ERR_DATA});

static void colour_seeds(struct corpus *c) {
    struct image im;
    struct bytes b;
    REQUIRE(!image_alloc(&im, 6, 8, 3), "%s", error_message());
    for (int i = 0; i < 48; i++) im.at[3 * i + i / 24] = 200;
    REQUIRE(!image_encode_png(&im, &b), "%s", error_message());
    corpus_add(c, b.at, b.n);
    bytes_free(&b);
    image_free(&im);
}

static int run_colours(const uint8_t *data, size_t n) {
    static struct colour_class classes[] = {{0x00c800, 1}, {0xc80000, 0}};
    const struct colour_table t = {classes, 2, 255};
    struct labels l;
    int status = labels_decode_colours(data, n, "fuzz", &t, &l);
    for (int64_t i = 0; !status && i < l.h * l.w; i++)
        REQUIRE(l.at[i] < 2 || l.at[i] == 255, "class %d", l.at[i]);
    labels_free(&l);
    return status;
}

FUZZ(painted, .seeds = colour_seeds, .run = run_colours, .codes = {ERR_DATA});
