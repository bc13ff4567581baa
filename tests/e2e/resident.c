#include "tests/e2e/resident.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

long resident_now(pid_t pid, const char *what) {
    char *path = mem_format("/proc/%ld/status", (long)pid), line[128];
    FILE *f = fopen(path, "r");
    long kib = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, what, 6) == 0) kib = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    free(path);
    return kib;
}

/* The step of the last whole line, or 0. */
static long last_step(const char *metrics) {
    char tail[1025];
    int fd = open(metrics, O_RDONLY);
    if (fd < 0) return 0;
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, tail, 1024, end > 1024 ? end - 1024 : 0);
    close(fd);
    tail[n > 0 ? n : 0] = '\0';
    char *newline = strrchr(tail, '\n'), *at = NULL;
    if (newline) *newline = '\0';
    for (char *hit = tail; newline && (hit = strstr(hit, "\"step\":")); hit++) at = hit;
    return at ? strtol(at + 7, NULL, 10) : 0;
}

/* Where the metrics of a config of this name are being written, NULL while nowhere; owned. */
static char *find_metrics(const char *out, const char *name, const char *part) {
    char *dir = test_path(out), *found = NULL;
    struct strings names = {0};
    if (dir_exists(dir)) CHECK_OK(dir_list(dir, &names));
    size_t n = strlen(name);
    for (size_t i = 0; i < names.n; i++) {
        if (strncmp(names.at[i], name, n) != 0 || strlen(names.at[i]) != n + 13) continue;
        char *path = mem_format("%s/%s/%smetrics.jsonl", dir, names.at[i], part);
        char *done = mem_format("%s/%s/DONE", dir, names.at[i]);
        if (file_exists(path) && !file_exists(done)) {
            free(found);
            found = mem_strdup(path);
        }
        free(path);
        free(done);
    }
    strings_free(&names);
    free(dir);
    return found;
}

static size_t processes_of(const struct process *p, int ranks, pid_t *at) {
    at[0] = p->pid;
    return ranks > 1 ? processes_below(p, "ovseg-train", at, RESIDENT_RANKS) : 1;
}

static void look(long step, long kib, struct resident *to) {
    if (step >= 100 && step < 150 && kib > to->early) to->early = kib;
    if (step >= 1000 && step < 1050 && kib > to->late) to->late = kib;
}

void resident_watch(int ranks, const char *config, const char *name, const char *part,
                    const char *const *arguments, struct resident *to) {
    struct process p;
    pid_t at[RESIDENT_RANKS];
    char *metrics = NULL;
    size_t n = 0;
    CHECK(ranks <= RESIDENT_RANKS);
    memset(to, 0, (size_t)ranks * sizeof *to);
    if (ranks > 1)
        train_start_ranks(&p, ranks, "out", config, arguments, NULL);
    else
        train_start(&p, "out", config, arguments, NULL);
    long step = 0;
    while (!process_ended(&p) && (!to->late || step < 1050)) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        if (!metrics) metrics = find_metrics("out", name, part);
        if (metrics) step = last_step(metrics);
        if (step && !n) n = processes_of(&p, ranks, at);
        for (size_t i = 0; i < n; i++) look(step, resident_now(at[i], "VmRSS:"), &to[i]);
    }
    bool early_end = process_ended(&p);
    /* mpirun must live to end its ranks. */
    if (!early_end) kill(p.pid, ranks > 1 ? SIGTERM : SIGKILL);
    struct ended e = process_wait(&p, 3000);
    if (early_end) test_fail(__FILE__, __LINE__, "%s: it has ended:\n%s", name, e.err);
    CHECK_INT(n, ranks);
    ended_free(&e);
    free(metrics);
}

void check_resident(const char *name, const char *part, int ranks, long hole,
                    const struct resident *of) {
    for (int r = 0; r < ranks; r++) {
        fprintf(stderr, "%s%s%s, rank %d of %d: %ld KiB after 100 steps, %ld after 1,000\n", name,
                *part ? " " : "", part, r, ranks, of[r].early, of[r].late);
        CHECK(of[r].early > 0);
        CHECK((double)of[r].late <= 1.02 * (double)of[r].early + (double)hole);
    }
}
