/* The machine: its processor, threads, memory, and the limits that a container or a site sets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "train/commands/cmd_runs.h"
#include "train/doctor/doctor.h"

/* A small file of /proc or /sys: owned, NULL when there is none. */
static char *text_of(const char *path) {
    struct bytes text = {0};
    int status = file_read_stream(path, 4 << 20, &text);
    error_clear();
    return status ? NULL : (char *)text.at; /* ends with a NUL */
}

/* What stands behind "KEY :" in the first line that begins with KEY; owned, or NULL. */
static char *value_of(const char *text, const char *key) {
    for (const char *line = text; line && *line;) {
        size_t n = strcspn(line, "\n");
        const char *colon = memchr(line, ':', n);
        if (colon && strncmp(line, key, strlen(key)) == 0) {
            colon += 1 + strspn(colon + 1, " \t");
            return mem_format("%.*s", (int)(n - (size_t)(colon - line)), colon);
        }
        line += n + (line[n] == '\n');
    }
    return NULL;
}

static bool has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = list; at && (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ' ')) return true;
    return false;
}

static void look_at_processor(struct findings *f) {
    static const char *const known[] = {"avx",         "avx2",        "fma",      "avx512f",
                                        "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_tile",
                                        "asimd",       "sve",         "bf16"};
    char *info = text_of("/proc/cpuinfo"), *flags = value_of(info, "flags");
    if (!flags) flags = value_of(info, "Features"); /* of ARM */
    char *model = value_of(info, "model name");
    struct str has = {0};
    for (size_t i = 0; flags && i < sizeof known / sizeof *known; i++)
        if (has_word(flags, known[i])) str_add(&has, " %s", known[i]);
    bool x86 = has_word(flags, "sse2"),
         slow = x86 && !(has_word(flags, "avx2") && has_word(flags, "fma"));
    finding_add(f, "machine", slow ? FINDING_WARN : FINDING_OK, "processor",
                slow ? "another machine: libtorch's fast kernels need AVX2 and FMA" : NULL,
                "%s;%s%s", model ? model : "(unknown)", has.n ? has.at : " no vector extensions",
                has_word(flags, "avx512_bf16") || has_word(flags, "amx_bf16")
                    ? "; bf16 is computed in hardware"
                    : "");
    str_free(&has);
    free(model);
    free(flags);
    free(info);
}

/* Cores of a container's quota; 0: none is set. */
static double quota(void) {
    char *text = text_of("/sys/fs/cgroup/cpu.max");
    double most = 0, period = 0;
    if (text && sscanf(text, "%lf %lf", &most, &period) != 2) most = 0;
    free(text);
    return period > 0 ? most / period : 0;
}

/* That this process may run on, by the mask of /proc; `cores` when it is not there. */
static long allowed(long cores) {
    char *status = text_of("/proc/self/status"), *mask = value_of(status, "Cpus_allowed");
    long n = 0;
    for (const char *at = mask; at && *at; at++) { /* "ff,ffffffff" */
        char digit[] = {*at, '\0'};
        for (long bits = strtol(digit, NULL, 16); bits; bits &= bits - 1) n++;
    }
    free(mask);
    free(status);
    return n ? n : cores;
}

static void look_at_threads(struct findings *f) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN), bound = allowed(cores);
    double share = quota();
    const char *omp = getenv("OMP_NUM_THREADS");
    bool tight = share > 0 && share < (double)bound - 0.01, few = bound < cores || tight;
    struct str text = {0};
    str_add(&text, "%ld, this process may use %ld", cores, bound);
    if (tight) str_add(&text, ", and its container %.1f of them", share);
    finding_add(f, "machine", few ? FINDING_WARN : FINDING_OK, "cores",
                few ? "say threads=N: the default is one for each core of the machine" : NULL, "%s",
                text.at);
    str_free(&text);
    if (omp)
        finding_add(f, "machine", FINDING_OK, "OMP_NUM_THREADS", NULL,
                    "%s; the setting `threads` decides all the same", omp);
}

/* Bytes; -1: no limit. */
static double limit_of(const char *path) {
    char *text = text_of(path);
    double x = text && *text >= '0' && *text <= '9' ? strtod(text, NULL) : -1;
    free(text);
    return x > 0 && x < 1e18 ? x : -1;
}

static void say_limit(struct findings *f, const char *name, double bytes, double want,
                      const char *remedy) {
    char text[16];
    if (bytes < 0) return;
    bytes_text((int64_t)bytes, text);
    finding_add(f, "machine", bytes < want ? FINDING_WARN : FINDING_OK, name,
                bytes < want ? remedy : NULL, "%s", text);
}

static double kilobytes(const char *info, const char *key) {
    char *text = value_of(info, key);
    double x = text ? 1024 * strtod(text, NULL) : -1;
    free(text);
    return x;
}

static void look_at_memory(struct findings *f) {
    char *info = text_of("/proc/meminfo");
    char all[16], free_now[16];
    double total = kilobytes(info, "MemTotal"), available = kilobytes(info, "MemAvailable");
    bytes_text((int64_t)total, all);
    bytes_text((int64_t)available, free_now);
    bool little = available >= 0 && available < 2e9;
    finding_add(
        f, "machine", little ? FINDING_WARN : FINDING_OK, "memory",
        little ? "end other programs, or use smaller batches: `ovseg plan` says how large" : NULL,
        "%s, %s of them are available", all, free_now);
    free(info);
    double group = limit_of("/sys/fs/cgroup/memory.max");
    if (group < 0) group = limit_of("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    say_limit(f, "limit of the container", group, 2e9, "ask for more memory: --mem in Slurm");
    struct rlimit r;
    if (!getrlimit(RLIMIT_AS, &r) && r.rlim_cur != RLIM_INFINITY)
        say_limit(f, "ulimit -v", (double)r.rlim_cur, 16e9,
                  "ulimit -v unlimited: libraries reserve address space that they never use");
    if (!getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur < 256)
        finding_add(f, "machine", FINDING_WARN, "ulimit -n", "ulimit -n 1024",
                    "%llu open files at most", (unsigned long long)r.rlim_cur);
}

void doctor_machine(struct findings *f) {
    look_at_processor(f);
    look_at_threads(f);
    look_at_memory(f);
}
