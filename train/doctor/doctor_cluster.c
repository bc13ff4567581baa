/* What is there besides the CPU: GPUs, NCCL, MPI, Slurm, and whether this host knows its name. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "dist/nccl.h"
#include "train/child_output.h"
#include "train/doctor/doctor.h"

static void first_line(struct str *s) {
    if (!s->n) return;
    s->n = strcspn(s->at, "\n");
    s->at[s->n] = '\0';
}

/* ---- devices ---- */

/* In a child: a driver's library may wait for a driver that is gone. */
static bool can_load(void *ctx, struct str *out) {
    void *library = dlopen(ctx, RTLD_LAZY | RTLD_LOCAL);
    if (!library) str_add(out, "%s", dlerror());
    return library != NULL;
}

static bool loads(const char *name, struct str *why) {
    char *copy = mem_strdup(name);
    bool good = child_call(can_load, copy, 10, why);
    if (!good && !why->n) str_add(why, "it did not load within 10 s");
    free(copy);
    return good;
}

static void look_at_driver(struct findings *f) {
    struct bytes text = {0};
    struct str why = {0};
    bool driver = !file_read_stream("/proc/driver/nvidia/version", 4096, &text);
    error_clear();
    if (driver) {
        ((char *)text.at)[strcspn((char *)text.at, "\n")] = '\0';
        bool good = loads("libcuda.so.1", &why);
        finding_add(f, "devices", good ? FINDING_OK : FINDING_BAD, "NVIDIA driver",
                    good ? NULL
                         : "install the driver's libraries (libcuda1), or in a container pass "
                           "them in: --nv, --gpus",
                    good ? "%s%s" : "%s; %s", (char *)text.at, good ? "" : why.at);
    } else {
        finding_add(f, "devices", FINDING_NONE, "NVIDIA driver", NULL,
                    "none is loaded: work is done on the CPU");
    }
    bytes_free(&text);
    str_free(&why);
}

static void look_at_cuda(struct findings *f) {
    struct bytes maps = {0};
    struct strings files = {0};
    struct str why = {0};
    if (!file_read_stream("/proc/self/maps", 16 << 20, &maps))
        doctor_mapped((char *)maps.at, &files);
    error_clear();
    for (size_t i = 0; i < files.n; i++) {
        if (strncmp(path_base(files.at[i]), "libtorch_cpu", 12) != 0) continue;
        char *dir = path_dir(files.at[i]), *cuda = path_join(dir, "libtorch_cuda.so");
        bool there = file_exists(cuda), good = there && loads(cuda, &why);
        finding_add(f, "devices", good ? FINDING_OK : FINDING_NONE, "libtorch for CUDA",
                    there && !good ? "for work on a GPU: scripts/setup --cuda" : NULL,
                    good    ? "%s%s"
                    : there ? "%s does not load: %s"
                            : "%s is not there: this libtorch is for CPUs%s",
                    cuda, why.at ? why.at : "");
        free(cuda);
        free(dir);
    }
    strings_free(&files);
    bytes_free(&maps);
    str_free(&why);
}

/* In a child, too. */
static bool find_nccl(void *unused, struct str *out) {
    const struct nccl *n;
    char version[24];
    (void)unused;
    const char *wrong = nccl_load(&n);
    if (!wrong) nccl_version_text(n->version, version);
    str_add(out, "%s", wrong ? wrong : version);
    return !wrong;
}

void doctor_devices(struct findings *f) {
    struct str is = {0};
    look_at_driver(f);
    look_at_cuda(f);
    bool good = child_call(find_nccl, NULL, 10, &is);
    finding_add(f, "devices", good ? FINDING_OK : FINDING_NONE, "NCCL",
                good ? NULL : "put the folder of libnccl.so.2 into LD_LIBRARY_PATH",
                good ? "%s" : "no usable NCCL, because %s; only training on several GPUs wants it",
                is.n ? is.at : "it did not load within 10 s");
    str_free(&is);
}

/* ---- cluster ---- */

static bool resolve(void *ctx, struct str *out) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int e = getaddrinfo(ctx, NULL, &hints, &found);
    if (e) str_add(out, "%s", gai_strerror(e));
    if (found) freeaddrinfo(found);
    return e == 0;
}

/* MPI_Init asks for it, and waits for the answer. */
static void look_at_host(struct findings *f) {
    char host[256] = "";
    struct str why = {0};
    gethostname(host, sizeof host - 1);
    double start = clock_s();
    bool known = child_call(resolve, host, 10, &why);
    double took = clock_s() - start;
    char *remedy = mem_format("add \"127.0.1.1 %s\" to /etc/hosts", host);
    if (!known)
        finding_add(f, "cluster", FINDING_WARN, "host name", remedy,
                    "%s does not resolve (%s, after %.1f s): MPI_Init waits 5 s and longer", host,
                    why.n ? why.at : "no answer", took);
    else
        finding_add(f, "cluster", took > 1 ? FINDING_WARN : FINDING_OK, "host name",
                    took > 1 ? remedy : NULL, "%s resolves in %.0f ms", host, 1e3 * took);
    free(remedy);
    str_free(&why);
}

enum program { PROGRAM_NONE, PROGRAM_BROKEN, PROGRAM_GOOD };

/* A program that says its version. */
static enum program asks(struct findings *f, const char *name, const char *program,
                         const char *option) {
    char *path = program_path(program), *copy = mem_strdup(option);
    struct str out = {0};
    char *const argv[] = {path, copy, NULL};
    bool good = path && child_output(argv, 5, &out) == 0;
    first_line(&out);
    if (good)
        finding_add(f, "cluster", FINDING_OK, name, NULL, "%s, %s", path, out.n ? out.at : "?");
    else if (path)
        finding_add(f, "cluster", FINDING_WARN, name,
                    "see what it says; of Slurm: is this host set up for it (slurm.conf)?",
                    "%s is there, but `%s %s` does not work: %s", path, program, option,
                    out.n ? out.at : "no answer within 5 s");
    enum program found = good ? PROGRAM_GOOD : path ? PROGRAM_BROKEN : PROGRAM_NONE;
    str_free(&out);
    free(copy);
    free(path);
    return found;
}

static void look_at_mpi(struct findings *f) {
    if (!asks(f, "mpirun", "mpirun", "--version") && !asks(f, "mpirun", "mpiexec", "--version"))
        finding_add(f, "cluster", FINDING_NONE, "mpirun",
                    "install openmpi-bin, or load the site's module of MPI",
                    "not in PATH; only training on several processes wants it");
}

static void look_at_slurm(struct findings *f) {
    enum program sbatch = asks(f, "Slurm", "sbatch", "--version");
    if (sbatch == PROGRAM_NONE)
        finding_add(f, "cluster", FINDING_NONE, "Slurm", NULL,
                    "no sbatch in PATH; only `ovseg submit` wants it");
    if (sbatch != PROGRAM_GOOD) return;
    char sinfo[] = "sinfo", no_head[] = "-h", format[] = "-o%P %a %D nodes, up to %l";
    char *const argv[] = {sinfo, no_head, format, NULL};
    struct str out = {0};
    int status = child_output(argv, 10, &out);
    for (size_t i = 0; i + 1 < out.n; i++)
        if (out.at[i] == '\n') out.at[i] = ';';
    first_line(&out);
    finding_add(f, "cluster", status ? FINDING_WARN : FINDING_OK, "partitions",
                status
                    ? "the controller does not answer this host: ask the site, or check SLURM_CONF"
                    : NULL,
                "%s",
                out.n    ? out.at
                : status ? "sinfo: no answer within 10 s"
                         : "none");
    str_free(&out);
    const char *job = getenv("SLURM_JOB_ID"), *step = getenv("SLURM_STEP_ID");
    if (job)
        finding_add(f, "cluster", FINDING_OK, "this job", NULL, "%s, step %s, %s tasks", job,
                    step ? step : "none", getenv("SLURM_NTASKS") ? getenv("SLURM_NTASKS") : "1");
}

void doctor_cluster(struct findings *f) {
    look_at_host(f);
    look_at_mpi(f);
    look_at_slurm(f);
}
