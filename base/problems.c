#include "base/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

/* Half the room of an error message stays for what callers put before it. */
enum { MAX_SHOWN = 40, MAX_TEXT = 8192, MAX_LINE = 1024 };

bool problems_full(const struct problems *p) {
    return p->shown == MAX_SHOWN || p->text.n > MAX_TEXT - MAX_LINE;
}

static bool shown(const struct problems *p, const char *line) {
    size_t n = strlen(line);
    for (const char *at = p->text.at; at; at = strchr(at, '\n')) {
        if (*at == '\n') at++;
        if (strncmp(at, line, n) == 0 && (at[n] == '\n' || at[n] == '\0')) return true;
    }
    return false;
}

static void add(struct problems *p, const char *line) {
    if (shown(p, line)) return;
    p->n++;
    if (problems_full(p)) return;
    str_add(&p->text, "%s%s", p->shown ? "\n" : "", line);
    p->shown++;
}

void problems_add(struct problems *p, const char *fmt, ...) {
    char line[MAX_LINE];
    va_list ap;
    va_start(ap, fmt);
    utf8_vformat(line, sizeof line, fmt, ap);
    va_end(ap);
    p->mixed = true;
    add(p, line);
}

void problems_take_error(struct problems *p) {
    char line[MAX_LINE];
    int code = error_status();
    if (!code) return;
    p->mixed |= p->code && p->code != code;
    p->code = code;
    snprintf(line, sizeof line, "%s", error_message());
    line[utf8_whole(line, strlen(line))] = '\0';
    add(p, line);
    error_clear();
}

int problems_close(struct problems *p, int code) {
    int status = 0;
    if (p->code && !p->mixed) code = p->code;
    if (p->n > p->shown)
        status = error_set(code, "%s\nand %zu more", p->text.at, p->n - p->shown);
    else if (p->n)
        status = error_set(code, "%s", p->text.at);
    str_free(&p->text);
    *p = (struct problems){0};
    return status;
}
