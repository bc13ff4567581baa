#include "train/run/lock_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "train/run/disk_kind.h"

static const char head[] = "ovseg lock 1\n";

/* Up to n - 1 bytes of a small file, NUL behind; how many, or -1 and errno. Opened anew each time:
 * that is when network file systems ask the server. */
static ssize_t read_some(const char *path, char *to, size_t n) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : read(fd, to, n - 1);
    int why = errno;
    if (fd >= 0) close(fd);
    to[got > 0 ? got : 0] = '\0';
    errno = why;
    return got;
}

/* The start of a process and whether it still does something; the name in front may hold anything,
 * parentheses too. False: /proc does not tell. */
static bool process_stat(long pid, char *state, uint64_t *start) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (read_some(path, text, sizeof text) <= 0) return false;
    const char *at = strrchr(text, ')');
    if (!at || at[1] != ' ') return false;
    *state = at[2];
    for (int field = 2; field < 22 && at; field++) at = strchr(at + 1, ' ');
    if (!at) return false;
    *start = strtoull(at, NULL, 10);
    return true;
}

static uint64_t hash_of_file(const char *path) {
    char text[64];
    return read_some(path, text, sizeof text) > 0 ? hash_string(text) : 0;
}

static const char boot_id[] = "/proc/sys/kernel/random/boot_id";

/* Equal numbers mean the same process only under one kernel since its boot, and among the processes
 * that see each other: containers count theirs anew. */
static uint64_t system_id(void) {
    char boot[64], space[64] = "";
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    if (n <= 0 || read_some(boot_id, boot, sizeof boot) <= 0) return 0;
    space[n] = '\0';
    char *both = mem_format("%s%s", boot, space);
    uint64_t h = hash_string(both);
    free(both);
    return h;
}

/* A word of a line: what would end it, or is no letter, is left out. */
static void copy_word(char *to, size_t n, const char *from) {
    size_t k = 0;
    for (; from && *from && k + 1 < n; from++)
        if (isgraph((unsigned char)*from)) to[k++] = *from;
    to[k] = '\0';
}

static void own_host(char out[128]) {
    char name[128] = "";
    if (gethostname(name, sizeof name - 1)) name[0] = '\0';
    copy_word(out, 128, *name ? name : "?");
}

void lock_holder_self(struct lock_holder *h) {
    uint64_t token;
    char state;
    *h = (struct lock_holder){.pid = (long)getpid(), .system = system_id(), .ours = true};
    h->boot = hash_of_file(boot_id);
    h->machine = hash_of_file("/etc/machine-id");
    own_host(h->host);
    copy_word(h->job, sizeof h->job, getenv("SLURM_JOB_ID"));
    if (!process_stat(h->pid, &state, &h->start)) h->start = 0;
    if (getrandom(&token, sizeof token, 0) != sizeof token) {
        char *text = mem_format("%s %ld %.9f", h->host, h->pid, clock_s());
        token = hash_string(text);
        free(text);
    }
    hash_hex(token, h->token);
}

size_t lock_text(const struct lock_holder *h, char out[LOCK_TEXT]) {
    int n = snprintf(out, LOCK_TEXT,
                     "%shost %s\npid %ld\nstart %" PRIu64 "\nsystem %016" PRIx64
                     "\nboot %016" PRIx64 "\nmachine %016" PRIx64
                     "\njob %s\ntoken %s\nevery %" PRId64 "\nheld %017" PRId64 "\n",
                     head, h->host, h->pid, h->start, h->system, h->boot, h->machine,
                     *h->job ? h->job : "-", h->token, h->every_ms, h->held_ms);
    return (size_t)n; /* its words are shorter than half of that */
}

/* The word behind "\nKEY ", or false: it is not there, or longer than n - 1. */
static bool word_of(const char *text, const char *key, char *to, size_t n) {
    char mark[16];
    snprintf(mark, sizeof mark, "\n%s ", key);
    const char *at = strstr(text, mark);
    if (!at) return false;
    at += strlen(mark);
    size_t k = strcspn(at, "\n");
    if (!k || k >= n || at[k] != '\n') return false;
    memcpy(to, at, k);
    to[k] = '\0';
    for (size_t i = 0; i < k; i++)
        if (!isgraph((unsigned char)to[i])) return false;
    return true;
}

static bool number_of(const char *text, const char *key, int base, uint64_t most, uint64_t *out) {
    char word[24], *end;
    if (!word_of(text, key, word, sizeof word) || !isxdigit((unsigned char)word[0])) return false;
    errno = 0;
    *out = strtoull(word, &end, base);
    return !*end && !errno && *out <= most;
}

static bool parse(struct lock_holder *h, const char *text) {
    uint64_t pid, every, held, token;
    bool good = strncmp(text, head, strlen(head)) == 0 &&
                word_of(text, "host", h->host, sizeof h->host) &&
                word_of(text, "job", h->job, sizeof h->job) &&
                number_of(text, "pid", 10, INT32_MAX, &pid) &&
                number_of(text, "start", 10, UINT64_MAX, &h->start) &&
                number_of(text, "system", 16, UINT64_MAX, &h->system) &&
                number_of(text, "token", 16, UINT64_MAX, &token) &&
                number_of(text, "every", 10, 60000, &every) &&
                number_of(text, "held", 10, INT64_MAX, &held);
    if (!good || !pid) return false;
    /* Older ones have neither. */
    if (!number_of(text, "boot", 16, UINT64_MAX, &h->boot)) h->boot = 0;
    if (!number_of(text, "machine", 16, UINT64_MAX, &h->machine)) h->machine = 0;
    if (strcmp(h->job, "-") == 0) h->job[0] = '\0';
    h->pid = (long)pid;
    h->every_ms = (int64_t)every;
    h->held_ms = (int64_t)held;
    hash_hex(token, h->token);
    return true;
}

void lock_parse(struct lock_holder *h, const char *text, size_t n) {
    char whole[LOCK_TEXT + 1];
    *h = (struct lock_holder){0};
    if (n <= LOCK_TEXT && !memchr(text, '\0', n)) {
        memcpy(whole, text, n);
        whole[n] = '\0';
        h->ours = parse(h, whole);
    }
    if (h->ours) return;
    *h = (struct lock_holder){.host = "?"};
    hash_hex(hash_bytes(text, n), h->token);
}

int lock_read(const char *path, struct lock_holder *h) {
    char text[LOCK_TEXT + 1];
    ssize_t n = read_some(path, text, sizeof text);
    if (n < 0) return errno;
    lock_parse(h, text, (size_t)n);
    return 0;
}

/* A process of this host, before it was started anew, on a disk that had to be mounted again. */
static bool is_past(const struct lock_holder *h, const char *path) {
    struct lock_holder self;
    lock_holder_self(&self);
    if (!h->boot || !self.boot || h->boot == self.boot) return false;
    if (h->machine != self.machine || strcmp(h->host, self.host) != 0) return false;
    char *dir = path_dir(path);
    const struct disk_kind *kind = disk_kind(dir);
    free(dir);
    return kind && !kind->network;
}

enum lock_life lock_life(const struct lock_holder *h, const char *path) {
    char host[128], state = 0;
    uint64_t start = 0;
    own_host(host);
    if (!h->ours) return LOCK_UNKNOWN;
    if (!h->system || h->system != system_id() || strcmp(host, h->host) != 0)
        return is_past(h, path) ? LOCK_DEAD : LOCK_UNKNOWN;
    if (kill((pid_t)h->pid, 0) && errno != EPERM) return LOCK_DEAD;
    if (!h->start || !process_stat(h->pid, &state, &start)) return LOCK_UNKNOWN;
    return state == 'Z' || state == 'X' || start != h->start ? LOCK_DEAD : LOCK_LIVES;
}

void lock_who(const struct lock_holder *h, char out[LOCK_TEXT]) {
    char age[16];
    if (!h->ours) {
        snprintf(out, LOCK_TEXT, "an unknown process (what stands in it is no lock of ours)");
        return;
    }
    clock_span((double)h->held_ms / 1000, age);
    snprintf(out, LOCK_TEXT, "process %ld on %s%s%s, since %s,", h->pid, h->host,
             *h->job ? ", job " : "", h->job, age);
}
