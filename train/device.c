#include "train/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "dist/nccl.h"
#include "train/ranks.h"
#include "train/run/run.h"

/* What this process knows of GPUs here. */
static struct {
    int rank; /* on this machine */
    enum { NOT_YET, DRIVER_ALONE, ALL } looked;
    char why_not[400];  /* there is no usable GPU; "": there is */
    const char *on_cpu; /* why it works there */
    bool idle;          /* nothing that it will run computes */
} here = {.on_cpu = "nothing asked for one"};

static bool driver_is_there(void) { return access("/proc/driver/nvidia/version", F_OK) == 0; }

/* Instructions for products of bf16; without them libtorch converts. */
static bool cpu_has_bf16(void) { return __builtin_cpu_supports("avx512bf16"); }

bool device_stand_in;

bool device_has_gpus(void) { return device_stand_in || driver_is_there(); }

void device_rank(int local_rank) { here.rank = local_rank; }

/* Whether there is a usable GPU. `auto` does not insist: where no driver is seen that saves loading
 * half a gigabyte. */
static bool find(bool insist) {
    if (here.looked == ALL || (here.looked && !insist)) return !*here.why_not;
    bool driver = driver_is_there();
    here.looked = driver || insist ? ALL : DRIVER_ALONE;
    snprintf(here.why_not, sizeof here.why_not, "%s",
             driver || insist ? t_cuda_start(here.rank)
                              : "there is no NVIDIA driver (/proc/driver/nvidia)");
    if (*here.why_not && driver && !insist)
        log_warn("device: the CPU: no usable GPU, because %s", here.why_not);
    return !*here.why_not;
}

static void work_on(bool gpu, const char *why_cpu) {
    if (gpu != (t_device() == T_CUDA)) t_cuda_start(gpu ? here.rank : -1);
    here.on_cpu = why_cpu;
    if (gpu)
        log_info("device: %s", t_device_name());
    else
        log_debug("device: the CPU: no usable GPU, because %s", why_cpu);
}

/* ---- what stages want ---- */

static bool computes(const struct node *n) { return config_computes(n->config.run.stage); }

static bool wants_gpu(const struct node *n) {
    int device = n->config.run.device;
    return computes(n) && (device == DEVICE_CUDA || (device == DEVICE_AUTO && find(false)));
}

const char *device_kind(const struct node *n) { return wants_gpu(n) ? "cuda" : "cpu"; }

static const char *why_cpu(const struct node *n) {
    return n->config.run.device == DEVICE_AUTO ? here.why_not : "the setting is device: cpu";
}

static int check_precision(const struct node *n, bool gpu) {
    enum precision p = (enum precision)n->config.run.precision;
    if (gpu || !computes(n)) return 0;
    if (p == PRECISION_TF32 || p == PRECISION_FP16)
        return error_set(ERR_DEVICE,
                         "precision: %s is for GPUs, and there is no usable GPU, because %s; fp32 "
                         "and bf16 work on CPUs, too",
                         precision_names[p], why_cpu(n));
    if (p == PRECISION_BF16 && !cpu_has_bf16())
        log_warn("precision: bf16: this CPU has no instructions for it: slower than fp32");
    return 0;
}

static int check(const struct node *n) {
    bool gpu = wants_gpu(n);
    if (gpu && !find(true))
        return error_set(ERR_DEVICE,
                         "device: cuda: no usable GPU, because %s; with device=cpu it runs on the "
                         "CPU",
                         here.why_not);
    return check_precision(n, gpu);
}

static void open_for(const struct node *n, bool gpu) {
    work_on(gpu, why_cpu(n));
    if (n->config.run.deterministic && gpu && !t_is_deterministic()) {
        t_deterministic(true);
        nccl_fix_order();
    }
}

int device_open(const struct node *n) {
    int status = check(n);
    if (!status) open_for(n, wants_gpu(n));
    return status;
}

/* ---- chains ---- */

/* Of what will run the first one that computes; NULL: none does. And what is wrong with the
 * others. */
static int check_same(const struct graph *g, const bool *needed, const struct node **first) {
    *first = NULL;
    for (size_t i = 0; i < g->n; i++) {
        const struct node *n = g->at[i];
        if (!needed[i] || !computes(n)) continue;
        if (!*first) *first = n;
        if (wants_gpu(n) != wants_gpu(*first))
            return error_set(ERR_CONFIG,
                             "%s: device: a chain works on one device: this is for %s, and %s for "
                             "%s; stages are run one at a time with --only NAME",
                             n->path, device_kind(n), (*first)->name, device_kind(*first));
    }
    return 0;
}

static int check_all(const struct graph *g, const bool *needed) {
    int status = 0;
    for (size_t i = 0; !status && i < g->n; i++)
        if (needed[i] && computes(g->at[i])) status = check(g->at[i]);
    return status;
}

static int look(const struct graph *g, bool same, bool usable, const struct node **first) {
    bool *needed = mem_alloc(g->n, sizeof *needed);
    graph_needed(g, needed);
    int status = same ? check_same(g, needed, first) : 0;
    if (!status && usable) status = check_all(g, needed);
    free(needed);
    return status;
}

int device_check_graph(const struct graph *g) {
    const struct node *first;
    return look(g, true, false, &first);
}

int device_usable(const struct graph *g) { return look(g, false, true, NULL); }

/* Ranks look at the same files, some of them a moment later: a stage that one found done another
 * is yet to run. All of them go by the one that wants most. */
enum wanted { WANTS_NOTHING, WANTS_CPU, WANTS_GPU };

static int agree_on_kind(struct comm *c, const struct node *first, enum wanted *kind) {
    double highest = (double)*kind;
    comm_max(c, &highest, 1);
    enum wanted most = (enum wanted)highest;
    bool others = most > *kind && most == WANTS_GPU;
    int status = 0;
    if (others && (*kind == WANTS_CPU || !find(true)))
        status =
            error_set(ERR_DEVICE, "other ranks work on GPUs, and there is none here, because %s",
                      first ? why_cpu(first) : here.why_not);
    *kind = most;
    return ranks_agree(c, status);
}

int device_open_graph(const struct graph *g) {
    const struct node *first;
    int status = ranks_agree(g->comm, look(g, true, true, &first));
    enum wanted kind = !first ? WANTS_NOTHING : wants_gpu(first) ? WANTS_GPU : WANTS_CPU;
    if (!status) status = agree_on_kind(g->comm, first, &kind);
    if (status) return status;
    here.idle = kind == WANTS_NOTHING;
    open_for(first ? first : g->named, kind == WANTS_GPU);
    return 0;
}

int device_find(struct comm *c) {
    bool gpu = find(false);
    enum wanted kind = gpu ? WANTS_GPU : WANTS_CPU;
    int status = agree_on_kind(c, NULL, &kind);
    if (!status) work_on(gpu, here.why_not);
    return status;
}

int device_join(struct comm *c, const struct launch *l) {
    bool gpu = t_device() == T_CUDA;
    if (!c || here.idle) return 0;
    if (gpu || device_stand_in) return comm_nccl_open(c, !gpu);
    if (l->meet == MEET_MPI) return 0;
    return error_set(
        ERR_DEVICE,
        "%s started %d processes without MPI, which is for GPUs, and the device is the "
        "CPU, because %s: start them with mpirun, or srun --mpi=pmix",
        l->by, l->size, here.on_cpu);
}
