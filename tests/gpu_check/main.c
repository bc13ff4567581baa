/* gpu_check: does all of the training work on the device of this machine, and how fast is it? What
 * it needs is libtorch (build: scripts/gpu-check).
 *
 *   gpu_check [--device auto|cpu|cuda] [--golden FOLDER] [--write FILE | --against FILE]
 *             [--full] [--steps N]
 *
 * --write keeps losses and gradients of every stage in a file, --against compares with one: first
 * on the CPU, then on the GPU. Exit status: 0 all is well, 64 usage, 65 something differs, 69 no
 * usable GPU, 70 an operation failed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "checkpoints/safetensors.h"
#include "tests/gpu_check/golden.h"
#include "tests/gpu_check/tasks.h"

struct arguments {
    const char *device, *golden, *write, *against;
    bool full;
    int steps;
};

/* Two kinds of float32 sums, in an order that differs. */
static const double OF_LOSS = 1e-5, OF_GRADIENT = 1e-3;
/* By precision, at one step: tf32 and fp16 have 11 bits, bf16 8; a small model averages little. */
static const double LOW_LOSS[] = {0, 5e-3, 2e-2, 5e-3}, LOW_GRADIENT[] = {0, 3e-2, 0.15, 3e-2};

/* What a task gave in fp32: its loss [], its gradient [n]. */
struct outcome {
    tensor *loss, *gradient;
};

static int differs(const char *task, const char *what, double by, double allowed) {
    if (by <= allowed) return error_status();
    return error_set(ERR_DATA, "%s: %s differs by %.3g, allowed %g", task, what, by, allowed);
}

static int compare_file(struct safetensors *f, const struct task *t, const struct outcome *o) {
    char *loss = mem_format("%s.loss", t->name), *gradient = mem_format("%s.gradient", t->name);
    const struct st_tensor *a = st_table_find(&f->table, loss);
    const struct st_tensor *b = st_table_find(&f->table, gradient);
    int status = a && b ? 0 : error_set(ERR_DATA, "%s: it has no %s", f->in.path, t->name);
    if (!status) {
        double of_loss = off_by(o->loss, safetensors_tensor(f, a));
        double of_gradient = off_by(o->gradient, safetensors_tensor(f, b));
        printf("  %-26s against the file: loss %.1e, gradient %.1e\n", t->name, of_loss,
               of_gradient);
        status = differs(t->name, "its loss", of_loss, OF_LOSS);
        if (!status) status = differs(t->name, "its gradient", of_gradient, OF_GRADIENT);
    }
    free(loss);
    free(gradient);
    return status;
}

static bool has(enum precision p) {
    return t_device() == T_CUDA || p == PRECISION_FP32 || p == PRECISION_BF16;
}

/* One step in each precision that the device has, against fp32. */
static int check_precisions(struct task *t, struct outcome *o) {
    double full = task_gradients(t, PRECISION_FP32);
    o->loss = t_hold(t_full(SHAPE(1), full, T_F32));
    o->gradient = t_hold(t_clone(task_gradient(t)));
    params_clear_grads(&t->params);
    printf("  %-26s fp32: loss %.6f\n", t->name, full);
    int status = isfinite(full) ? error_status() : differs(t->name, "its loss", 1, 0);
    for (int p = PRECISION_TF32; !status && p <= PRECISION_FP16; p++) {
        if (!has((enum precision)p)) continue;
        double low = task_gradients(t, (enum precision)p);
        double off = off_by(task_gradient(t), o->gradient);
        params_clear_grads(&t->params);
        printf("  %-26s %s: loss %.6f, gradient off by %.1e\n", "", precision_names[p], low, off);
        status = differs(t->name, precision_names[p], fabs(low / full - 1), LOW_LOSS[p]);
        if (!status) status = differs(t->name, precision_names[p], off, LOW_GRADIENT[p]);
    }
    return status;
}

static int check_task(int which, struct safetensors *file, struct outcome *o) {
    struct task t;
    int scope = t_scope_open("check", T_INHERIT);
    int status = task_open(&t, which, &TASK_SMALL);
    if (!status) status = check_precisions(&t, o);
    if (!status && file) status = compare_file(file, &t, o);
    double first = task_gradients(&t, PRECISION_FP32), last = first;
    for (int i = 0; !status && i < 5; i++) { /* updates reach the weights */
        task_update(&t, 1e-3);
        last = task_gradients(&t, PRECISION_FP32);
    }
    if (!status && !(last < first))
        status =
            error_set(ERR_DATA, "%s: 5 updates took the loss from %g to %g", t.name, first, last);
    task_close(&t);
    t_scope_close(scope, NULL);
    return status ? status : error_status();
}

/* Seconds of a step. Reads the norm at its end: the device has finished. */
static double time_step(struct task *t, enum precision p) {
    double began = clock_s();
    int scope = t_scope_open("time", T_INHERIT);
    task_gradients(t, p);
    task_update(t, 1e-6);
    t_scope_close(scope, NULL);
    return clock_s() - began;
}

/* Images a second in each precision, in turn, so that what else the machine does hits all alike. */
static int time_task(struct task *t, int steps) {
    enum { N = PRECISION_FP16 + 1, WARM = 2 };
    double seconds[N] = {0};
    for (int i = -WARM; i < steps && !error_status(); i++)
        for (int p = 0; p < N; p++) {
            double took = has((enum precision)p) ? time_step(t, (enum precision)p) : 0;
            if (i >= 0) seconds[p] += took;
        }
    printf("  %-26s", t->name);
    for (int p = 0; p < N; p++)
        if (has((enum precision)p))
            printf("  %s %.1f (x%.2f)", precision_names[p], (double)(t->B * steps) / seconds[p],
                   seconds[PRECISION_FP32] / seconds[p]);
    printf("\n");
    fflush(stdout);
    return error_status();
}

static int time_all(const struct arguments *a) {
    int status = 0;
    printf("images/s (and against fp32), %s models, %d steps:\n", a->full ? "full-size" : "small",
           a->steps);
    for (int i = 0; i < TASKS && !status; i++) {
        struct task t;
        struct task_size size = a->full ? TASK_FULL : TASK_SMALL;
        if (t_device() == T_CPU && a->full) size.clip_batch = 8, size.picture_batch = 1;
        status = task_open(&t, i, &size);
        if (!status) status = time_task(&t, a->steps);
        task_close(&t);
    }
    return status;
}

static int write_outcomes(const char *path, const struct outcome *o) {
    struct safetensors_out w;
    int status = safetensors_out_open(&w, path);
    for (int i = 0; i < TASKS; i++) {
        char *loss = mem_format("%s.loss", task_names[i]);
        char *gradient = mem_format("%s.gradient", task_names[i]);
        safetensors_out_name(&w, loss, T_F32, t_shape(o[i].loss));
        safetensors_out_name(&w, gradient, T_F32, t_shape(o[i].gradient));
        free(loss);
        free(gradient);
    }
    for (int i = 0; !status && i < TASKS; i++) {
        status = safetensors_out_put_tensor(&w, o[i].loss);
        if (!status) status = safetensors_out_put_tensor(&w, o[i].gradient);
    }
    if (!status) status = safetensors_out_commit(&w);
    safetensors_out_close(&w);
    return status;
}

static int check_all(const struct arguments *a) {
    struct outcome o[TASKS] = {{0}};
    struct safetensors file;
    int status = a->against ? safetensors_open(&file, a->against) : 0;
    printf("one step of every stage, small models:\n");
    for (int i = 0; i < TASKS && !status; i++)
        status = check_task(i, a->against ? &file : NULL, &o[i]);
    if (!status && a->write) status = write_outcomes(a->write, o);
    if (a->against) safetensors_close(&file);
    for (int i = 0; i < TASKS; i++) {
        t_drop(o[i].loss);
        t_drop(o[i].gradient);
    }
    return status;
}

static int open_device(const char *device) {
    const char *why = strcmp(device, "cpu") == 0 ? "--device cpu says so" : t_cuda_start(0);
    if (*why && strcmp(device, "cuda") == 0)
        return error_set(ERR_DEVICE, "no usable GPU, because %s", why);
    if (*why)
        printf("device: the CPU, %d threads: %s%s\n", t_threads(),
               strcmp(device, "cpu") == 0 ? "" : "no usable GPU, because ", why);
    else
        printf("device: %s\n", t_device_name());
    printf("libtorch %s\n", t_version());
    return 0;
}

static int parse(struct arguments *a, int argc, char **argv) {
    *a = (struct arguments){.device = "auto", .steps = 10};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--full") == 0) {
            a->full = true;
            continue;
        }
        if (value && strcmp(argv[i], "--device") == 0)
            a->device = value;
        else if (value && strcmp(argv[i], "--golden") == 0)
            a->golden = value;
        else if (value && strcmp(argv[i], "--write") == 0)
            a->write = value;
        else if (value && strcmp(argv[i], "--against") == 0)
            a->against = value;
        else if (value && strcmp(argv[i], "--steps") == 0)
            a->steps = (int)strtol(value, NULL, 10);
        else
            return error_set(ERR_USAGE, "%s: not known, or without its value", argv[i]);
        i++;
    }
    bool known = strcmp(a->device, "auto") == 0 || strcmp(a->device, "cpu") == 0 ||
                 strcmp(a->device, "cuda") == 0;
    if (!known) return error_set(ERR_USAGE, "--device %s: auto, cpu or cuda", a->device);
    return a->steps < 0 ? error_set(ERR_USAGE, "--steps: 0 or more") : 0;
}

int main(int argc, char **argv) {
    struct arguments a;
    mem_keep_pages();
    int status = parse(&a, argc, argv);
    if (!status) status = open_device(a.device);
    int scope = t_scope_open("", T_INHERIT);
    if (!status && a.golden) {
        printf("CLIP ViT-B/16 against its golden outputs:\n");
        status = golden_check(a.golden);
    }
    if (!status) status = check_all(&a);
    if (!status && a.steps) status = time_all(&a);
    t_scope_close(scope, NULL);
    if (status)
        fprintf(stderr, "gpu_check: %s\n", error_message());
    else
        printf("all is well\n");
    return status;
}
