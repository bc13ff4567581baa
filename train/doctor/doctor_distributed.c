/* ovseg doctor --distributed: what the processes of a job are to each other. Rank 0 hears from all
 * and prints a table; what must be equal and is not, or does not work, makes it fail. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "dist/nccl.h"
#include "dist/shared.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_runs.h"
#include "train/device.h"
#include "train/doctor/doctor.h"
#include "train/ranks.h"

enum {
    TIMEOUT_S = 30,
    FOLDER_S = 10,     /* a network folder shows files late */
    FLOATS = 25 << 18, /* 25 MiB, a bucket of gradients */
    SUMS_S = 1,
    SUMS_MOST = 50,
    LATENCY_SUMS = 20
};

/* What a rank is: sent as it stands. Texts. */
struct seat {
    char host[64], device[64], program[24], torch[24], carrier[64], nccl[24];
    int32_t local_rank, cores, sees, spare; /* sees: what rank 0 has written */
};

static void describe_nccl(char out[24]) {
    const struct nccl *n;
    snprintf(out, 24, "-");
    if (!nccl_load(&n)) nccl_version_text(n->version, out);
}

/* Builds of one version differ, too. */
static void describe_program(char *out, size_t n) {
    uint64_t hash = 0;
    char hex[17];
    if (hash_file("/proc/self/exe", &hash)) error_clear();
    hash_hex(hash, hex);
    snprintf(out, n, "%s %.8s", OVSEG_VERSION, hex);
}

static struct seat describe(const struct comm *c) {
    struct seat s;
    memset(&s, 0, sizeof s); /* padding is sent, too */
    gethostname(s.host, sizeof s.host - 1);
    snprintf(s.device, sizeof s.device, "%s", t_device_name());
    describe_program(s.program, sizeof s.program);
    snprintf(s.torch, sizeof s.torch, "%s", t_version());
    snprintf(s.carrier, sizeof s.carrier, "%s", comm_carrier(c));
    describe_nccl(s.nccl);
    s.local_rank = comm_local_rank(c);
    s.cores = omp_get_num_procs();
    return s;
}

/* ---- the folder ---- */

static bool holds(const char *path, uint64_t token) {
    struct bytes b = {0};
    bool same = file_exists(path) && !file_read(path, sizeof token, &b) && b.n == sizeof token &&
                memcmp(b.at, &token, sizeof token) == 0;
    error_clear();
    bytes_free(&b);
    return same;
}

/* Rank 0 writes a file where runs go, the others look for it. */
static int look_for_folder(struct comm *c, const char *runs, bool *sees) {
    struct {
        uint64_t token;
        char name[40];
    } note = {0};
    bool first = comm_rank(c) == 0, made = first && !dir_exists(runs);
    int status = 0;
    if (first) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        note.token = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
        snprintf(note.name, sizeof note.name, ".ovseg-doctor-%ld", (long)getpid());
    }
    comm_broadcast(c, &note, sizeof note);
    char *path = path_join(runs, note.name);
    if (first) status = dir_make(runs);
    if (first && !status) status = file_write(path, &note.token, sizeof note.token);
    status = ranks_agree(c, status);
    double until = clock_s() + FOLDER_S;
    while (!status && !(*sees = holds(path, note.token)) && clock_s() < until)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    if (!status) comm_barrier(c); /* all have looked */
    if (first && file_remove(path)) error_clear();
    if (made) rmdir(runs);
    free(path);
    return status;
}

/* ---- sums ---- */

struct speed {
    double seconds, latency; /* of 25 MiB, of 4 bytes; 0: not measured */
    bool shared;             /* in memory that ranks of this machine share */
};

static double sums(struct comm *c, tensor *x, const struct shared *where, int n) {
    comm_barrier(c);
    double start = clock_s();
    for (int i = 0; i < n; i++) {
        comm_sum_tensor_start(c, x, where);
        comm_sums_wait(c);
    }
    return (clock_s() - start) / n;
}

static int measure(struct comm *c, struct speed *out) {
    int scope = t_scope_open("sums", T_NO_GRAD);
    bool host = t_device() == T_CPU && !comm_has_nccl(c);
    struct shared *where = host ? shared_open(c, FLOATS, true) : NULL; /* as training has it */
    tensor *bucket = where ? shared_tensor(where) : t_zeros(SHAPE(FLOATS), T_F32);
    tensor *one = t_zeros(SHAPE(1), T_F32);
    double first = sums(c, bucket, where, 1); /* connections are made */
    if (!error_status()) first = sums(c, bucket, where, 1);
    comm_max(c, &first, 1);
    int n = first > 0 && SUMS_S / first < SUMS_MOST ? (int)(SUMS_S / first) + 1 : SUMS_MOST;
    *out = (struct speed){.seconds = sums(c, bucket, where, n),
                          .latency = sums(c, one, NULL, LATENCY_SUMS),
                          .shared = where != NULL};
    comm_max(c, &out->seconds, 1);
    comm_max(c, &out->latency, 1);
    shared_close(where);
    t_scope_close(scope, NULL);
    return error_status();
}

/* ---- the table ---- */

struct report {
    const struct seat *seat;
    int n;
    struct speed speed;
    bool nccl;
};

static const struct {
    const char *name;
    size_t at;
} equal_fields[] = {{"program", offsetof(struct seat, program)},
                    {"libtorch", offsetof(struct seat, torch)},
                    {"MPI", offsetof(struct seat, carrier)},
                    {"NCCL", offsetof(struct seat, nccl)}};

static const char *field(const struct seat *s, size_t at) { return (const char *)s + at; }

/* What must be alike. GPUs of two kinds need not: they work at the pace of the slower. */
static size_t compare(const struct report *r, struct strings *wrong) {
    for (size_t k = 0; k < sizeof equal_fields / sizeof *equal_fields; k++)
        for (int i = 1; i < r->n; i++) {
            const char *mine = field(&r->seat[0], equal_fields[k].at);
            const char *other = field(&r->seat[i], equal_fields[k].at);
            if (strcmp(mine, other) == 0) continue;
            char *line =
                mem_format("%s: rank %d has %s, rank 0 %s", equal_fields[k].name, i, other, mine);
            strings_add(wrong, line);
            free(line);
            break;
        }
    for (int i = 1; i < r->n; i++) {
        if (r->seat[i].sees) continue;
        char *line = mem_format(
            "folder: rank %d on %s does not see what rank 0 on %s writes there; output_dir must be "
            "on a file system that all share",
            i, r->seat[i].host, r->seat[0].host);
        strings_add(wrong, line);
        free(line);
        break;
    }
    return wrong->n;
}

/* Each rank sends and receives so much in the best of sums (2 (n - 1) / n of its numbers). */
static double rate(const struct report *r) {
    double bytes = 2.0 * (r->n - 1) / r->n * FLOATS * sizeof(float);
    return r->speed.seconds > 0 ? bytes / r->speed.seconds / 1e9 : 0;
}

static void say(const struct report *r, const struct strings *wrong, struct str *out) {
    size_t host = 4, device = 6;
    for (int i = 0; i < r->n; i++) {
        if (strlen(r->seat[i].host) > host) host = strlen(r->seat[i].host);
        if (strlen(r->seat[i].device) > device) device = strlen(r->seat[i].device);
    }
    str_add(out, "%4s  %-*s  %5s  %5s  %-*s  %-14s  %-8s  %-8s  %s\n", "rank", (int)host, "host",
            "local", "cores", (int)device, "device", "program", "libtorch", "NCCL", "folder");
    for (int i = 0; i < r->n; i++) {
        const struct seat *s = &r->seat[i];
        str_add(out, "%4d  %-*s  %5d  %5d  %-*s  %-14s  %-8s  %-8s  %s\n", i, (int)host, s->host,
                s->local_rank, s->cores, (int)device, s->device, s->program, s->torch, s->nccl,
                s->sees ? "yes" : "NO");
    }
    str_add(out, "\nnumbers go over %s, tensors over %s%s\n", r->seat[0].carrier,
            r->nccl ? "NCCL" : r->seat[0].carrier,
            r->speed.shared ? "; ranks of a machine sum in memory that they share" : "");
    if (r->speed.seconds > 0)
        str_add(out, "a sum of 25 MiB over all: %.2f ms, %.2f GB/s; of 4 bytes: %.0f us\n",
                1e3 * r->speed.seconds, rate(r), 1e6 * r->speed.latency);
    for (size_t i = 0; i < wrong->n; i++) str_add(out, "X %s\n", wrong->at[i]);
    if (!wrong->n) str_add(out, "all %d ranks are alike\n", r->n);
}

static void put_json(const struct report *r, const struct strings *wrong, struct str *out) {
    struct json_out j = {.to = out};
    json_object(&j);
    json_key_bool(&j, "ok", !wrong->n);
    json_key(&j, "ranks");
    json_array(&j);
    for (int i = 0; i < r->n; i++) {
        const struct seat *s = &r->seat[i];
        json_object(&j);
        json_key_string(&j, "host", s->host);
        json_key_string(&j, "device", s->device);
        json_key_int(&j, "local_rank", s->local_rank);
        json_key_int(&j, "cores", s->cores);
        for (size_t k = 0; k < sizeof equal_fields / sizeof *equal_fields; k++)
            json_key_string(&j, equal_fields[k].name, field(s, equal_fields[k].at));
        json_key_bool(&j, "folder", s->sees);
        json_end(&j);
    }
    json_end(&j);
    json_key_bool(&j, "nccl", r->nccl);
    json_key_bool(&j, "shared_memory", r->speed.shared);
    json_key_real(&j, "sum_seconds", r->speed.seconds);
    json_key_real(&j, "sum_gb_s", rate(r));
    json_key_real(&j, "latency_seconds", r->speed.latency);
    json_key(&j, "wrong");
    json_array(&j);
    for (size_t i = 0; i < wrong->n; i++) json_string(&j, wrong->at[i]);
    json_end(&j);
    json_end(&j);
    str_add(out, "\n");
}

/* Rank 0 alone has a report; its verdict is everybody's. */
static int tell(struct comm *c, const struct report *r, bool json) {
    struct str out = {0};
    struct strings wrong = {0};
    int64_t bad = (int64_t)compare(r, &wrong);
    int status = 0;
    (json ? put_json : say)(r, &wrong, &out);
    if (comm_rank(c))
        str_free(&out);
    else
        status = print_and_free(&out);
    strings_free(&wrong);
    status = ranks_agree(c, status);
    if (!status && bad) status = error_set(ERR_DEVICE, "%s", ""); /* the table says what */
    return status;
}

static bool are_one_program(const struct report *r) {
    for (int i = 1; i < r->n; i++)
        if (strcmp(r->seat[i].program, r->seat[0].program) != 0) return false;
    return true;
}

static int look(struct comm *c, const struct launch *l, const char *runs, bool json) {
    struct report r = {.n = comm_size(c)};
    bool sees = false;
    comm_timeout(c, TIMEOUT_S);
    device_rank(comm_local_rank(c));
    int status = device_find(c);
    if (!status) status = device_join(c, l);
    if (status) return status;
    struct seat mine = describe(c), *all = mem_alloc((size_t)r.n, sizeof *all);
    status = look_for_folder(c, runs, &sees);
    mine.sees = sees;
    if (!status) {
        comm_gather(c, &mine, sizeof mine, all);
        r.seat = all;
        r.nccl = comm_has_nccl(c);
        if (are_one_program(&r)) status = measure(c, &r.speed); /* others exchange otherwise */
    }
    if (!status) status = tell(c, &r, json);
    free(all);
    return status;
}

int doctor_distributed(const char *runs_dir, bool json) {
    struct launch l;
    struct comm *c = NULL;
    int status = launch_read(&l, device_has_gpus());
    if (!status) status = comm_open(&c, &l);
    log_set_rank(comm_rank(c));
    if (comm_rank(c)) log_set_level(LOG_WARN);
    if (!status && !c)
        log_warn(
            "one process: nothing to compare; start it as the job will be: "
            "mpirun -np N, srun --mpi=pmix -n N");
    if (!status) status = look(c, &l, runs_dir, json);
    if (status) status = cmd_failed();
    comm_close(c, status);
    return status;
}
