#include "tests/golden_file.h"

#include <math.h>

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

static bool differs(const char *key, const char *what, int i, double got, double want, double tol) {
    if (fabs(got - want) <= tol) return false;
    fprintf(stderr, "%s: %s[%d] is %.9g, expected %.9g within %.3g\n", key, what, i, got, want,
            tol);
    return true;
}

static bool part_equal(const char *key, const char *what, const cJSON *want, const double *got,
                       double tol) {
    want = cJSON_GetObjectItem(want, what);
    for (int i = 0; i < cJSON_GetArraySize(want); i++)
        if (differs(key, what, i, got[i], cJSON_GetArrayItem(want, i)->valuedouble, tol))
            return false;
    return true;
}

static bool values_equal(const char *key, const cJSON *want, const double *x, size_t n,
                         double tol) {
    double sum = 0, sumsq = 0;
    for (size_t i = 0; i < n; i++) sum += x[i], sumsq += x[i] * x[i];
    double rms = sqrt(sumsq / (double)n);
    size_t tail = n < 3 ? 0 : n - 3;
    return !differs(key, "sum", 0, sum, cJSON_GetObjectItem(want, "sum")->valuedouble,
                    tol * rms * (double)n) &&
           !differs(key, "sumsq", 0, sumsq, cJSON_GetObjectItem(want, "sumsq")->valuedouble,
                    2 * tol * sumsq) &&
           part_equal(key, "first", want, x, tol * rms) &&
           part_equal(key, "mid", want, x + n / 2, tol * rms) &&
           part_equal(key, "last", want, x + tail, tol * rms);
}

static const cJSON *find_vector(const cJSON *all, const char *key) {
    char group[64];
    const char *slash = strchr(key, '/');
    if (!slash) return cJSON_GetObjectItem(all, key);
    snprintf(group, sizeof group, "%.*s", (int)(slash - key), key);
    return cJSON_GetObjectItem(cJSON_GetObjectItem(all, group), slash + 1);
}

bool vector_equal(tensor *t, const char *key, double tol) {
    char *path = test_source("tests/golden/reference-vectors.json");
    struct bytes text;
    CHECK_OK(file_read(path, 1 << 20, &text));
    free(path);
    cJSON *all = cJSON_Parse((const char *)text.at);
    bytes_free(&text);
    const cJSON *want = find_vector(all, key), *shape = cJSON_GetObjectItem(want, "shape");
    REQUIRE(shape, "no golden vector %s", key);
    struct shape s = t_shape(t);
    bool same = s.n == cJSON_GetArraySize(shape);
    for (int i = 0; same && i < s.n; i++)
        same = s.d[i] == (int64_t)cJSON_GetArrayItem(shape, i)->valuedouble;
    if (!same) fprintf(stderr, "%s: another shape than expected\n", key);

    size_t n = (size_t)t_numel(t);
    double *x = mem_alloc(n, sizeof *x);
    int scope = t_scope_open("vector_equal", T_NO_GRAD);
    same = same && t_copy_out(t_cast(t, T_F64), x, n * sizeof *x) == 0;
    t_scope_close(scope, NULL);
    same = same && values_equal(key, want, x, n, tol);
    free(x);
    cJSON_Delete(all);
    return same;
}
