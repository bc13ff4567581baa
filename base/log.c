#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

static enum log_level lowest = LOG_INFO;
static bool status_shown;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* loader threads may warn */
static long warnings;
static char last_warning[512];

static char who[24]; /* "rank 1: " */

void log_set_rank(int rank) {
    if (rank > 0) snprintf(who, sizeof who, "rank %d: ", rank);
}

void log_set_level(enum log_level l) { lowest = l; }

int log_is_terminal(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

int log_colour(void) {
    const char *no = getenv("NO_COLOR");
    return log_is_terminal() && !(no && *no);
}

static void clear_status(void) {
    if (status_shown) fputs("\r\033[K", stderr);
    status_shown = false;
}

void log_status(const char *line) {
    if (!log_is_terminal() || lowest > LOG_INFO) return;
    pthread_mutex_lock(&lock);
    clear_status();
    if (line) {
        fputs(line, stderr);
        status_shown = true;
    }
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

static void remember(const char *text) {
    struct utf8_short beginning = utf8_short(text, sizeof last_warning - 4);
    pthread_mutex_lock(&lock);
    warnings++;
    memcpy(last_warning, beginning.at, sizeof last_warning);
    pthread_mutex_unlock(&lock);
}

long log_warnings(char *last, size_t n) {
    pthread_mutex_lock(&lock);
    long count = warnings;
    snprintf(last, n, "%s", last_warning);
    pthread_mutex_unlock(&lock);
    return count;
}

__attribute__((format(printf, 2, 0))) static void put(enum log_level level, const char *fmt,
                                                      va_list ap) {
    static const char *const names[] = {"debug", "info", "warning", "error"};
    static const char *const colours[] = {"\033[2m", "", "\033[33m", "\033[31m"};
    if (level < lowest && level != LOG_WARN) return;
    char text[20480], date[20];
    utf8_vformat(text, sizeof text, fmt, ap);
    if (level == LOG_WARN) remember(text);
    if (level < lowest) return;
    clock_date(date);
    bool colour = log_colour();
    pthread_mutex_lock(&lock);
    clear_status();
    /* One write a message, so that ranks and threads do not mix theirs. EPIPE and a full disk
     * are nobody's business here: work goes on without its messages. */
    fprintf(stderr, "%s %s%s%s %s%s\n", date + 11, colour ? colours[level] : "", names[level],
            colour ? "\033[0m" : "", who, text);
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

#define DEFINE(name, level)                                                                        \
    void name(const char *fmt, ...) {                                                              \
        va_list ap;                                                                                \
        va_start(ap, fmt);                                                                         \
        put(level, fmt, ap);                                                                       \
        va_end(ap);                                                                                \
    }

DEFINE(log_debug, LOG_DEBUG)
DEFINE(log_info, LOG_INFO)
DEFINE(log_warn, LOG_WARN)
DEFINE(log_error, LOG_ERROR)
