#include "train/device.h"

#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "dist/nccl.h"

/* The choice of this process. */
static struct {
    bool made;
    int rank;            /* on this machine */
    const char *why_not; /* there is no usable GPU */
} choice;

static bool driver_is_there(void) { return access("/proc/driver/nvidia/version", F_OK) == 0; }

/* Instructions for products of bf16; without them libtorch converts. */
static bool cpu_has_bf16(void) { return __builtin_cpu_supports("avx512bf16"); }

bool device_stand_in;

bool device_has_gpus(void) { return device_stand_in || driver_is_there(); }

void device_rank(int local_rank) { choice.rank = local_rank; }

static void choose(enum run_device device) {
    choice.made = true;
    if (device == DEVICE_CPU)
        choice.why_not = "the setting is device: cpu";
    else if (device == DEVICE_AUTO && !driver_is_there()) /* saves loading half a gigabyte */
        choice.why_not = "there is no NVIDIA driver (/proc/driver/nvidia)";
    else
        choice.why_not = t_cuda_start(choice.rank);
    if (!*choice.why_not)
        log_info("device: %s", t_device_name());
    else if (device == DEVICE_AUTO && driver_is_there())
        log_warn("device: the CPU: no usable GPU, because %s", choice.why_not);
    else
        log_debug("device: the CPU: no usable GPU, because %s", choice.why_not);
}

const char *device_find(void) {
    if (!choice.made) choose(DEVICE_AUTO);
    return *choice.why_not ? choice.why_not : NULL;
}

static int check_precision(enum precision p) {
    bool cpu = t_device() == T_CPU;
    if (cpu && (p == PRECISION_TF32 || p == PRECISION_FP16))
        return error_set(ERR_DEVICE,
                         "precision: %s is for GPUs, and there is no usable GPU, because %s; fp32 "
                         "and bf16 work on CPUs, too",
                         precision_names[p], choice.why_not);
    if (cpu && p == PRECISION_BF16 && !cpu_has_bf16())
        log_warn("precision: bf16: this CPU has no instructions for it: slower than fp32");
    return 0;
}

int device_open(const struct node *n) {
    const struct run_options *o = &n->config.run;
    if (!choice.made) choose((enum run_device)o->device);
    if (o->deterministic && t_device() == T_CUDA && !t_is_deterministic()) {
        t_deterministic(true);
        nccl_fix_order();
    }
    if (o->device == DEVICE_CUDA && t_device() != T_CUDA)
        return error_set(ERR_DEVICE,
                         "device: cuda: no usable GPU, because %s; with device=cpu it runs on the "
                         "CPU",
                         choice.why_not);
    return check_precision((enum precision)o->precision);
}

int device_open_graph(const struct graph *g) {
    for (size_t i = 0; i < g->n; i++)
        if (!g->at[i]->done && g->at[i]->config.run.device != g->named->config.run.device)
            return error_set(ERR_CONFIG,
                             "%s: device: a chain works on one device, and %s has another",
                             g->at[i]->path, g->named->path);
    int status = device_open(g->named);
    for (size_t i = 0; !status && i < g->n; i++)
        if (!g->at[i]->done && config_computes(g->at[i]->config.run.stage))
            status = check_precision((enum precision)g->at[i]->config.run.precision);
    return status;
}

/* Who stands apart says so; the others have no message. */
static int agree_on_kind(struct comm *c, bool gpu) {
    double some = gpu, others = !gpu;
    comm_max(c, &some, 1);
    comm_max(c, &others, 1);
    if (!(some > 0 && others > 0)) return 0;
    if (gpu) return error_set(ERR_DEVICE, "%s", "");
    return error_set(ERR_DEVICE, "other ranks work on GPUs, and there is none here, because %s",
                     choice.why_not);
}

int device_join(struct comm *c, const struct launch *l) {
    bool gpu = t_device() == T_CUDA;
    if (!c) return 0;
    int status = agree_on_kind(c, gpu);
    if (status) return status;
    if (gpu || device_stand_in) return comm_nccl_open(c, !gpu);
    if (l->meet == MEET_MPI) return 0;
    return error_set(
        ERR_DEVICE,
        "%s started %d processes without MPI, which is for GPUs, and the device is the "
        "CPU, because %s: start them with mpirun, or srun --mpi=pmix",
        l->by, l->size, choice.why_not);
}

const char *device_kind(const struct node *n) {
    return config_computes(n->config.run.stage) && t_device() == T_CUDA ? "cuda" : "cpu";
}
