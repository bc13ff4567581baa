#include "tests/golden_file.h"

#include "base/file.h"
#include "tests/test.h"

static struct bytes golden_read(const char *name, const char *suffix) {
    char *relative = mem_format("tests/golden/%s.%s", name, suffix), *path = test_source(relative);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 24, &b));
    free(path);
    free(relative);
    return b;
}

cJSON *golden_json(const char *name) {
    struct bytes b = golden_read(name, "json");
    cJSON *json = cJSON_Parse((const char *)b.at);
    bytes_free(&b);
    REQUIRE(json, "tests/golden/%s.json is no JSON", name);
    return json;
}

static enum t_dtype dtype_of(const char *name) {
    if (strcmp(name, "I32") == 0) return T_I32;
    if (strcmp(name, "I64") == 0) return T_I64;
    REQUIRE(strcmp(name, "F32") == 0, "golden tensors are not %s", name);
    return T_F32;
}

tensor *golden_tensor(const char *name, const char *key) {
    struct bytes b = golden_read(name, "safetensors");
    uint64_t header = 0; /* little-endian, as every machine of ours */
    REQUIRE(b.n > sizeof header, "tests/golden/%s.safetensors is cut short", name);
    memcpy(&header, b.at, sizeof header);
    REQUIRE(header <= b.n - sizeof header, "tests/golden/%s.safetensors is cut short", name);
    cJSON *json = cJSON_ParseWithLength((const char *)b.at + sizeof header, header);
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(json, key);
    REQUIRE(entry, "tests/golden/%s.safetensors has no %s", name, key);
    const cJSON *d, *range = cJSON_GetObjectItem(entry, "data_offsets");
    struct shape s = {0};
    cJSON_ArrayForEach(d, cJSON_GetObjectItem(entry, "shape")) s.d[s.n++] = (int64_t)d->valuedouble;
    size_t from = (size_t)cJSON_GetArrayItem(range, 0)->valuedouble;
    size_t to = (size_t)cJSON_GetArrayItem(range, 1)->valuedouble;
    REQUIRE(from <= to && to <= b.n - sizeof header - header, "%s: %s is cut short", name, key);
    enum t_dtype dtype = dtype_of(cJSON_GetObjectItem(entry, "dtype")->valuestring);
    tensor *t = t_from_data(b.at + sizeof header + header + from, s, dtype);
    cJSON_Delete(json);
    bytes_free(&b);
    return t;
}

tensor *golden_every(tensor *x, struct shape step) {
    for (int i = 0; i < step.n; i++) {
        if (step.d[i] == 1) continue;
        int64_t n = (t_size(x, i) + step.d[i] - 1) / step.d[i];
        int64_t *index = mem_alloc((size_t)n, sizeof *index);
        for (int64_t j = 0; j < n; j++) index[j] = j * step.d[i];
        x = t_index_select(x, i, t_from_data(index, SHAPE(n), T_I64));
        free(index);
    }
    return x;
}
