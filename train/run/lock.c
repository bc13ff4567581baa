#include "train/run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "train/run/lock_file.h"
#include "train/signals.h"

static const double BEAT_S = 5; /* at most: twelve to the default of dist.lock */
enum { BEATS = 6, CHAIN = 64 }; /* beats to a short period; successors of successors that died */
enum { AGAIN = -1 };            /* something changed meanwhile: look anew */

struct lock {
    char *path;
    int fd; /* of the file at path, for as long as it is ours */
    struct lock_holder self;
    double since;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool beating, stop; /* stop: under the mutex */
    bool lost;          /* the thread's */
};

static char *successor_of(const char *path, const char *token) {
    return mem_format("%s.after-%s", path, token);
}

/* ---- files that are there whole, or not at all ---- */

static int write_self(int fd, const struct lock_holder *self) {
    char text[LOCK_TEXT];
    size_t n = lock_text(self, text);
    ssize_t put = pwrite(fd, text, n, 0);
    if (put == (ssize_t)n && fsync(fd) == 0) return 0;
    return put < 0 || put == (ssize_t)n ? errno : ENOSPC;
}

/* NFS may lose the answer to a link that was made, and say EEXIST to the same one sent again: the
 * count of names tells. Some file systems have no links: there the name alone decides, and a reader
 * may see the file before it is filled, which it takes for one to be watched. */
static int link_or_make(const char *tmp, const char *name, struct lock *l) {
    struct stat st;
    if (link(tmp, name) == 0) return 0;
    int why = errno;
    if (fstat(l->fd, &st) == 0 && st.st_nlink == 2) return 0;
    if (why != EPERM && why != EOPNOTSUPP && why != ENOSYS) return why;
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return errno;
    close(l->fd);
    l->fd = fd;
    return write_self(fd, &l->self);
}

/* `name` with our name in it: 0, EEXIST, or another errno. l->fd is its file. */
static int make_exclusive(struct lock *l, const char *name) {
    char *tmp = mem_format("%s.new-%s", l->path, l->self.token);
    l->fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int why = l->fd < 0 ? errno : write_self(l->fd, &l->self);
    if (!why && (why = link_or_make(tmp, name, l)) == ENOENT)
        why = EEXIST; /* who took it just now has swept our temporary file */
    if (l->fd >= 0) unlink(tmp);
    if (why && l->fd >= 0) {
        close(l->fd);
        l->fd = -1;
    }
    free(tmp);
    return why;
}

/* ---- who holds it ---- */

/* The end of the chain that begins at the lock; ENOENT: nobody holds it. */
static int find_holder(const char *path, struct lock_holder *end) {
    int why = lock_read(path, end);
    for (int i = 0; !why && i < CHAIN; i++) {
        struct lock_holder next;
        char *name = successor_of(path, end->token);
        int none = lock_read(name, &next);
        free(name);
        if (none == ENOENT) return 0;
        why = none;
        *end = next;
    }
    return why ? why : ELOOP;
}

static bool same(const struct lock_holder *a, const struct lock_holder *b) {
    return strcmp(a->token, b->token) == 0 && a->ours == b->ours;
}

static int refuse(const char *path, const struct lock_holder *who) {
    char text[LOCK_TEXT];
    lock_who(who, text);
    return error_set(ERR_DEVICE,
                     "%s: %s is at work in this run: stop it, or wait for its end, as "
                     "ovseg-train --wait does",
                     path, text);
}

/* LOCK_DEAD when the counter of `who` stands still for `still` seconds, LOCK_LIVES as soon as it
 * moves, AGAIN when somebody else has the lock meanwhile. Time that we slept ourselves, with our
 * host, is no time of watching: each look counts for little more than the nap before it. */
static int watch(const char *path, const struct lock_holder *who, double still) {
    double nap = still / 20 < 0.5 ? still / 20 : 0.5, watched = 0, last = clock_s();
    if (still < 4e-3 * (double)who->every_ms) still = 4e-3 * (double)who->every_ms;
    while (watched < still) {
        struct lock_holder now;
        struct timespec t = {.tv_sec = 0, .tv_nsec = (long)(nap * 1e9)};
        nanosleep(&t, NULL);
        int why = find_holder(path, &now);
        if (why || !same(&now, who)) return AGAIN;
        if (now.held_ms != who->held_ms) return LOCK_LIVES;
        if (signals_pending()) return signals_error("nothing was begun");
        double dt = clock_s() - last;
        watched += dt < 4 * nap ? dt : 4 * nap;
        last += dt;
    }
    return LOCK_DEAD;
}

/* ---- taking it ---- */

/* What died takers left; one that lives, and finds its file gone, looks anew. */
static void sweep(const char *path) {
    char *dir = path_dir(path), *of = mem_format("%s.", path_base(path));
    struct strings names = {0};
    if (dir_list(dir, &names)) error_clear();
    for (size_t i = 0; i < names.n; i++) {
        const char *rest = names.at[i] + strlen(of);
        if (strncmp(names.at[i], of, strlen(of)) != 0) continue;
        if (strncmp(rest, "new-", 4) != 0 && strncmp(rest, "after-", 6) != 0) continue;
        char *old = path_join(dir, names.at[i]);
        unlink(old);
        free(old);
    }
    strings_free(&names);
    free(of);
    free(dir);
}

static int cannot(const struct lock *l, int why) {
    return error_set(ERR_IO, "%s: cannot create: %s", l->path, strerror(why));
}

static void drop(struct lock *l, const char *name) {
    unlink(name);
    close(l->fd);
    l->fd = -1;
}

/* Takes the place of a dead holder: see the head of lock.h. */
static int succeed(struct lock *l, const struct lock_holder *dead) {
    char *name = successor_of(l->path, dead->token);
    struct lock_holder end;
    int status = 0, why = make_exclusive(l, name);
    if (why == EEXIST) {
        status = AGAIN; /* another one was quicker */
    } else if (why) {
        status = cannot(l, why);
    } else if (find_holder(l->path, &end) || !same(&end, &l->self)) {
        drop(l, name); /* the chain had gone on without us */
        status = AGAIN;
    } else if (rename(name, l->path)) {
        status = cannot(l, errno);
        drop(l, name);
    }
    free(name);
    return status;
}

static int try_take(struct lock *l, double still) {
    struct lock_holder who;
    char text[LOCK_TEXT];
    int why = find_holder(l->path, &who);
    if (why == ENOENT) {
        why = make_exclusive(l, l->path);
        return !why ? 0 : why == EEXIST ? AGAIN : cannot(l, why);
    }
    if (why) return error_set(ERR_IO, "%s: cannot read: %s", l->path, strerror(why));
    int life = (int)lock_life(&who, l->path);
    lock_who(&who, text);
    if (life == LOCK_UNKNOWN) {
        log_info("%s: %s has it; looking for up to %.3g s whether it lives", l->path, text, still);
        life = watch(l->path, &who, still);
    }
    if (life == LOCK_LIVES) return refuse(l->path, &who);
    if (life != LOCK_DEAD) return life;
    int status = succeed(l, &who);
    if (!status) log_info("%s: taken over from %s which is gone", l->path, text);
    return status;
}

int lock_wait(const char *path, double still) {
    static const double TELL_S = 60;
    double told = -TELL_S;
    for (;;) {
        struct lock_holder who;
        char text[LOCK_TEXT];
        int why = find_holder(path, &who);
        if (why) return 0; /* nobody, or it cannot be read: who takes it finds that */
        int life = (int)lock_life(&who, path);
        if (life == LOCK_DEAD) return 0;
        lock_who(&who, text);
        if (clock_s() - told >= TELL_S) {
            log_info("%s: %s is at work in this run: waiting for its end", path, text);
            told = clock_s();
        }
        if (life == LOCK_UNKNOWN) life = watch(path, &who, still);
        if (life == LOCK_DEAD) return 0;
        if (error_status()) return error_status();
        if (signals_pending()) return signals_error("nothing was begun");
        nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    }
}

/* ---- the heartbeat ---- */

static void beat(struct lock *l) {
    struct lock_holder now;
    l->self.held_ms = (int64_t)((clock_s() - l->since) * 1000);
    (void)write_self(l->fd, &l->self); /* a disk that is full, or away, may be back at the next */
    int why = lock_read(l->path, &now);
    if (why == ENOENT || (!why && !same(&now, &l->self))) {
        l->lost = true;
        log_error("%s: is not this process's any more", l->path);
        kill(getpid(), SIGTERM); /* to a thread that takes signals: stop at the next boundary */
    }
}

/* A thread, and not the training loop: a step may last minutes, and stages that mine, prepare or
 * evaluate have no such loop. */
static void *beat_on(void *arg) {
    struct lock *l = arg;
    double every = (double)l->self.every_ms / 1000;
    pthread_mutex_lock(&l->mutex);
    while (!l->stop && !l->lost) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        double s = (double)until.tv_sec + 1e-9 * (double)until.tv_nsec + every;
        until = (struct timespec){.tv_sec = (time_t)s, .tv_nsec = (long)((s - floor(s)) * 1e9)};
        while (!l->stop && pthread_cond_timedwait(&l->wake, &l->mutex, &until) != ETIMEDOUT) {
        }
        if (l->stop) break;
        pthread_mutex_unlock(&l->mutex);
        beat(l);
        pthread_mutex_lock(&l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

static void start_beating(struct lock *l) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    l->beating = thread_start(&l->thread, beat_on, l) == 0;
    if (l->beating) return;
    log_warn("%s: %s; another host may take this run for dead", l->path, error_message());
    error_clear();
}

static void stop_beating(struct lock *l) {
    pthread_mutex_lock(&l->mutex);
    l->stop = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mutex);
    if (l->beating) pthread_join(l->thread, NULL);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->wake);
}

/* ---- */

int lock_take(const char *path, double still, struct lock **out) {
    struct lock *l = mem_alloc(1, sizeof *l);
    double every = still / BEATS < BEAT_S ? still / BEATS : BEAT_S;
    *out = NULL;
    l->path = mem_strdup(path);
    l->fd = -1;
    lock_holder_self(&l->self);
    l->self.every_ms = (int64_t)(every * 1000) + 1;
    int status = AGAIN;
    while (status == AGAIN) {
        l->since = clock_s();
        status = try_take(l, still);
    }
    if (status) {
        free(l->path);
        free(l);
        return status;
    }
    sweep(path);
    start_beating(l);
    *out = l;
    return 0;
}

int lock_check(const struct lock *l) {
    struct lock_holder now;
    char text[LOCK_TEXT];
    int why = lock_read(l->path, &now);
    if (!why && same(&now, &l->self)) return 0;
    if (why && why != ENOENT)
        return error_set(ERR_IO, "%s: cannot read: %s", l->path, strerror(why));
    if (why)
        return error_set(ERR_DEVICE, "%s: was removed while this process worked here", l->path);
    lock_who(&now, text);
    return error_set(ERR_DEVICE,
                     "%s: %s has taken this run over: this process stood still, or was cut off "
                     "from the folder, for too long; it stops and leaves the run to the other",
                     l->path, text);
}

void lock_release(struct lock *l) {
    struct lock_holder now;
    if (!l) return;
    stop_beating(l);
    if (lock_read(l->path, &now) == 0 && same(&now, &l->self)) unlink(l->path);
    close(l->fd);
    free(l->path);
    free(l);
}
