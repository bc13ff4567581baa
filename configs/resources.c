#include "configs/resources.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/setting_rows.h"

/* clang-format off */
#define SETTINGS_OF struct resources_options
const struct setting resources_rows[] = {
    INT   ("nodes",     nodes,     OUTPUT, "1", 1, 100000, "ovseg submit: nodes of the stage's job"),
    INT   ("gpus",      gpus,      OUTPUT, "0", 0, 64,     "ovseg submit: GPUs of each node"),
    INT   ("tasks",     tasks,     OUTPUT, "0", 0, 4096,   "ovseg submit: processes on each node; 0: one a GPU, one without GPUs"),
    INT   ("cpus",      cpus,      OUTPUT, "0", 0, 4096,   "ovseg submit: cores of each process; 0: what the cluster gives"),
    STRING("memory",    memory,    OUTPUT, "",             "ovseg submit: of each node, 16G; empty: what the cluster gives"),
    STRING("time",      time,      OUTPUT, "",             "ovseg submit: at most, MINUTES, HH:MM:SS or D-HH:MM:SS; empty: the cluster's limit"),
    STRING("partition", partition, OUTPUT, "",             "ovseg submit: where the job is queued; empty: the site's"),
};
#undef SETTINGS_OF
/* clang-format on */

static bool is_memory(const char *text) {
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 9) return false;
    return !text[n] || (strchr("KMGT", text[n]) && !text[n + 1]);
}

static bool is_name(const char *text) { /* several partitions may be named */
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("_.,-", *text)) return false;
    return true;
}

void resources_check(const struct settings_doc *doc, const struct resources_options *r,
                     const char *time_limit, struct problems *p) {
    static const char times[] =
        "\"%s\" is no time: MINUTES, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS";
    double seconds;
    if (*r->memory && !is_memory(r->memory))
        settings_problem(doc, p, "resources.memory", "\"%s\" is no size: 800M, 16G", r->memory);
    if (*r->time && !clock_parse_span(r->time, &seconds))
        settings_problem(doc, p, "resources.time", times, r->time);
    if (!is_name(r->partition))
        settings_problem(doc, p, "resources.partition", "\"%s\" is no name", r->partition);
    if (*time_limit && !clock_parse_span(time_limit, &seconds))
        settings_problem(doc, p, "time_limit", times, time_limit);
}
