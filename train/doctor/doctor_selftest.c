/* A second of work whose results are known: gradients, a file of tensors, and how fast products
 * are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "checkpoints/weights.h"
#include "nn/torch/tensor.h"
#include "train/doctor/doctor.h"

/* Cross entropy of x W^T, x = [1 2; 3 4], W = [.1 .2; .3 .4], targets 0 and 1: logits [.5 1.1] and
 * [1.1 2.5], so the loss is (log(1 + e^.6) + log(1 + e^-1.4)) / 2; its gradient by the same hand.
 */
static void check_gradients(struct findings *f) {
    static const float x[] = {1, 2, 3, 4}, w[] = {0.1f, 0.2f, 0.3f, 0.4f};
    static const int64_t target[] = {0, 1};
    static const char remedy[] =
        "this libtorch computes wrongly here: fetch it again (scripts/setup)";
    static const double loss_known = 0.6289526802021683;
    static const double known[] = {-0.026103985950770348, -0.2500240833429589, 0.026103985950770348,
                                   0.2500240833429589};
    float grad[4] = {0};
    int scope = t_scope_open("self-test", T_INHERIT);
    tensor *weight = t_from_data(w, SHAPE(2, 2), T_F32);
    t_require_grad(weight, true);
    tensor *logits = t_linear(t_from_data(x, SHAPE(2, 2), T_F32), weight, NULL);
    tensor *loss =
        t_cross_entropy(logits, t_from_data(target, SHAPE(2), T_I64), NULL, T_MEAN, -100);
    t_backward(loss);
    double value = t_item(loss), worst = fabs(value - loss_known);
    t_copy_out(t_grad(weight), grad, sizeof grad);
    for (int i = 0; i < 4; i++) worst = fmax(worst, fabs(grad[i] - known[i]));
    t_scope_close(scope, NULL);
    if (error_status())
        finding_add(f, "self-test", FINDING_BAD, "gradients", remedy, "%s", error_message());
    else
        finding_add(f, "self-test", worst < 1e-6 ? FINDING_OK : FINDING_BAD, "gradients",
                    worst < 1e-6 ? NULL : remedy, /* fp32 of numbers near 1 */
                    "a loss and its gradients are right to %.1e", worst);
    error_clear();
}

static bool same_after_reading(const char *path) {
    bool same = false;
    struct params out = {0}, in = {0};
    int scope = t_scope_open("round trip", T_NO_GRAD);
    path_param(params_root(&out), "a", t_randn(SHAPE(64, 33), 1));
    path_param(params_root(&in), "a", t_zeros(SHAPE(64, 33), T_F32));
    if (!weights_save(path, &out, NULL, 0) &&
        !weights_load(path, &in, (struct weights_options){.exact = true})) {
        float a[64 * 33], b[64 * 33];
        same = !t_copy_out(out.at[0].t, a, sizeof a) && !t_copy_out(in.at[0].t, b, sizeof b) &&
               memcmp(a, b, sizeof a) == 0;
    }
    t_scope_close(scope, NULL);
    params_free(&out);
    params_free(&in);
    return same;
}

static void check_files(struct findings *f) {
    const char *tmp = getenv("TMPDIR");
    char *dir = path_join(tmp && *tmp ? tmp : "/tmp", "ovseg-doctor-XXXXXX");
    bool made = mkdtemp(dir) != NULL;
    char *path = path_join(dir, "a.safetensors");
    bool good = made && same_after_reading(path);
    char *what = mem_strdup(error_status() ? error_message() : made ? "other bits came back" : dir);
    error_clear();
    if (made) dir_remove(dir);
    finding_add(f, "self-test", good ? FINDING_OK : FINDING_BAD, "files of tensors",
                good ? NULL : "make room in TMPDIR, or set it to a folder that can be written",
                "%s", good ? "written, read, the same bits" : what);
    free(what);
    free(path);
    free(dir);
}

static void measure_products(struct findings *f) {
    enum { N = 1024 };
    double best = 0, until = clock_s() + 0.5;
    int scope = t_scope_open("products", T_NO_GRAD);
    tensor *a = t_ones(SHAPE(N, N), T_F32);
    do {
        double start = clock_s();
        int inner = t_scope_open("product", T_INHERIT);
        t_matmul(a, a);
        t_scope_close(inner, NULL);
        best = fmax(best, 2.0 * N * N * N / (clock_s() - start));
    } while (clock_s() < until);
    t_scope_close(scope, NULL);
    error_clear();
    finding_add(f, "self-test", FINDING_OK, "products", NULL, "%.0f GFLOP/s in fp32 on %d threads",
                best / 1e9, t_threads());
}

void doctor_selftest(struct findings *f) {
    check_gradients(f);
    check_files(f);
    measure_products(f);
}
