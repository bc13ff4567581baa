#include "tests/json_of.h"

#include "base/file.h"
#include "tests/test.h"

static cJSON *parse(const char *text, const char *what) {
    cJSON *json = cJSON_Parse(text);
    if (!json) test_fail(__FILE__, __LINE__, "%s: no JSON: %.300s", what, text);
    return json;
}

cJSON *json_of_text(const char *text) { return parse(text, "a text"); }

cJSON *json_of(const char *path) {
    struct bytes text;
    CHECK_OK(file_read(path, (size_t)64 << 20, &text));
    cJSON *json = parse((const char *)text.at, path); /* file_read puts a NUL behind it */
    bytes_free(&text);
    return json;
}

cJSON *json_in(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    cJSON *json = json_of(path);
    free(path);
    return json;
}

cJSON *json_of_source(const char *path) {
    char *whole = test_source(path);
    cJSON *json = json_of(whole);
    free(whole);
    return json;
}

const cJSON *json_item(const cJSON *o, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!x) test_fail(__FILE__, __LINE__, "there is no \"%s\"", key);
    return x;
}

double json_value(const cJSON *o, const char *key) {
    const cJSON *x = json_item(o, key);
    if (!cJSON_IsNumber(x)) test_fail(__FILE__, __LINE__, "\"%s\" is no number", key);
    return x->valuedouble;
}
