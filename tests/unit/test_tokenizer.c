#include "data/tokenizer.h"

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "tests/test.h"

enum { CONTEXT = 77 };

static struct tokenizer tok;

static void open_it(void) {
    if (!tok.at) CHECK_OK(tokenizer_open(&tok, NULL));
}

TEST(the_golden_prompts_of_the_reference_give_its_ids) {
    open_it();
    char *path = test_source("tests/golden/reference-vectors.json");
    struct bytes file;
    CHECK_OK(file_read(path, 1 << 20, &file));
    cJSON *root = cJSON_Parse((char *)file.at);
    CHECK(root);
    const cJSON *all = cJSON_GetObjectItem(root, "V12_tokens"), *one;
    int seen = 0;
    cJSON_ArrayForEach(one, all) {
        int64_t row[CONTEXT], n;
        CHECK_OK(tokenizer_encode(&tok, one->string, CONTEXT, false, row, &n));
        CHECK_INT(n, cJSON_GetArraySize(one));
        for (int i = 0; i < CONTEXT; i++)
            CHECK_INT(row[i], i < n ? cJSON_GetArrayItem(one, i)->valueint : 0);
        seen++;
    }
    CHECK_INT(seen, 9);
    cJSON_Delete(root);
    bytes_free(&file);
    free(path);
}
