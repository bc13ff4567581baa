#include "tests/torch.h"

static size_t live_before;
static int test_scope;

static void before(const char *name) {
    live_before = t_live();
    /* Tiny ops: threads only get in the way; tests of threads set their own. */
    const char *threads = getenv("OVSEG_TEST_THREADS");
    t_set_threads(threads ? atoi(threads) : 1);
    t_seed(1);
    test_scope = t_scope_open(name, T_INHERIT);
}

static void after(const char *name) {
    t_scope_close(test_scope, NULL);
    if (t_live() != live_before)
        test_fail(__FILE__, __LINE__, "%s: %zu tensor handles leaked", name,
                  t_live() - live_before);
}

__attribute__((constructor)) static void install(void) {
    test_before = before;
    test_after = after;
}

static bool read_both(tensor *a, tensor *b, double **x, double **y, size_t *n) {
    *x = *y = NULL;
    struct shape s = t_shape(a), r = t_shape(b);
    bool same = s.n == r.n;
    for (int i = 0; same && i < s.n; i++) same = s.d[i] == r.d[i];
    *n = (size_t)t_numel(a);
    if (!same || error_status()) return false;
    *x = mem_alloc(*n, sizeof **x);
    *y = mem_alloc(*n, sizeof **y);
    int scope = t_scope_open("compare", T_NO_GRAD);
    t_copy_out(t_cast(a, T_F64), *x, *n * sizeof **x);
    t_copy_out(t_cast(b, T_F64), *y, *n * sizeof **y);
    t_scope_close(scope, NULL);
    return !error_status();
}

double test_max_diff(tensor *a, tensor *b) {
    double *x, *y, worst = 0;
    size_t n;
    if (!read_both(a, b, &x, &y, &n)) worst = NAN;
    for (size_t i = 0; x && y && i < n; i++)
        if (!(fabs(x[i] - y[i]) <= worst)) worst = fabs(x[i] - y[i]);
    free(x);
    free(y);
    return worst;
}

double test_rel_rms(tensor *a, tensor *b) {
    double *x, *y, diff = 0, size = 0;
    size_t n;
    if (!read_both(a, b, &x, &y, &n)) diff = NAN;
    for (size_t i = 0; x && y && i < n; i++) {
        diff += (x[i] - y[i]) * (x[i] - y[i]);
        size += y[i] * y[i];
    }
    free(x);
    free(y);
    return diff == 0 ? 0 : sqrt(diff / size);
}

bool test_equal_bits(tensor *a, tensor *b) {
    struct shape s = t_shape(a), r = t_shape(b);
    if (s.n != r.n || memcmp(s.d, r.d, sizeof s.d) != 0 || t_dtype(a) != t_dtype(b)) return false;
    static const size_t sizes[] = {4, 8, 2, 2, 8, 4, 1, 1}; /* enum t_dtype */
    size_t bytes = (size_t)t_numel(a) * sizes[t_dtype(a)];
    void *x = mem_alloc(bytes, 1), *y = mem_alloc(bytes, 1);
    bool same = !t_copy_out(a, x, bytes) && !t_copy_out(b, y, bytes) && !memcmp(x, y, bytes);
    free(x);
    free(y);
    return same;
}
