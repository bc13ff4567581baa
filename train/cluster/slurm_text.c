#include "train/cluster/slurm_text.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

static int check(const char *text) {
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return error_set(ERR_USAGE,
                             "\"%s\": a line break, or another control character, in it: a job "
                             "script takes none",
                             utf8_short(text, 60).at);
    return 0;
}

/* No shell, nor Slurm, sees anything in these letters; at the start not even = or ~ is among them.
 */
static bool is_plain(const char *text) {
    static const char first[] = "_./+-%", more[] = "_./+-=:,@%";
    if (!*text) return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(c == text ? first : more, *c)) return false;
    return true;
}

int shell_quote(struct str *to, const char *text) {
    if (check(text)) return error_status();
    if (is_plain(text)) {
        str_add(to, "%s", text);
        return 0;
    }
    str_add(to, "'");
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            str_add(to, "'\\''");
        else
            str_put(to, c, 1);
    }
    str_add(to, "'");
    return 0;
}

char *shell_word(const char *text) {
    struct str word = {0};
    if (!shell_quote(&word, text)) return word.at;
    error_clear();
    str_free(&word);
    str_add(&word, "$'");
    for (const char *c = text; *c; c++) {
        if (iscntrl((unsigned char)*c))
            str_add(&word, "\\%03o", (unsigned char)*c);
        else
            str_add(&word, strchr("'\\", *c) ? "\\%c" : "%c", *c);
    }
    str_add(&word, "'");
    return word.at;
}

int sbatch_quote(struct str *to, const char *text) {
    if (check(text)) return error_status();
    if (is_plain(text)) {
        str_add(to, "%s", text);
        return 0;
    }
    str_add(to, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') str_add(to, "\\");
        str_put(to, c, 1);
    }
    str_add(to, "\"");
    return 0;
}

bool sbatch_job_id(const char *printed, char id[16]) {
    size_t digits = strspn(printed, "0123456789");
    const char *rest = printed + digits;
    if (digits == 0 || digits > 15 || *printed == '0') return false;
    if (*rest == ';') {
        size_t n = 1;
        while (isalnum((unsigned char)rest[n]) || (rest[n] && strchr("_.-", rest[n]))) n++;
        if (n == 1) return false;
        rest += n;
    }
    if (*rest == '\n') rest++;
    if (*rest) return false;
    memcpy(id, printed, digits);
    id[digits] = '\0';
    return true;
}

/* An index of an array, at most seven digits; false when there is none. */
static bool read_index(const char **at, long *x) {
    size_t n = strspn(*at, "0123456789");
    if (n == 0 || n > 7) return false;
    *x = strtol(*at, NULL, 10);
    *at += n;
    return true;
}

/* FROM[-TO[:STEP]]; false when it is none. */
static bool read_range(const char **at, long *from, long *to, long *step) {
    if (!read_index(at, from)) return false;
    *to = *from, *step = 1;
    if (**at == '-' && (++*at, !read_index(at, to))) return false;
    if (**at == ':' && (++*at, !read_index(at, step))) return false;
    return *to >= *from && *step >= 1;
}

bool sbatch_array(const char *text, long *first) {
    *first = -1;
    long from, to, step, together;
    const char *at = text;
    for (;; at++) {
        if (!read_range(&at, &from, &to, &step)) return false;
        if (*first < 0) *first = from;
        if (*at != ',') break;
    }
    if (*at == '%' && (at++, !read_index(&at, &together) || together < 1)) return false;
    return !*at;
}

/* The k-th index, from 0 on; or, with a k beyond, how many there are: -1 - n. */
static long index_at(const char *text, long k) {
    long from, to, step, n = 0;
    for (const char *at = text; read_range(&at, &from, &to, &step); at++) {
        long here = (to - from) / step + 1;
        if (k < n + here) return from + (k - n) * step;
        n += here;
        if (*at != ',') break;
    }
    return -1 - n;
}

size_t sbatch_array_spread(const char *text, size_t most, long *out, size_t *n) {
    size_t all = (size_t)(-1 - index_at(text, LONG_MAX));
    *n = all < most ? all : most;
    for (size_t i = 0; i < *n; i++)
        out[i] = index_at(text, (long)(*n > 1 ? i * (all - 1) / (*n - 1) : 0));
    return all;
}

char *slurm_replace(const char *text, const char *mark, const char *with) {
    struct str out = {0};
    for (const char *at; (at = strstr(text, mark)); text = at + strlen(mark))
        str_add(&out, "%.*s%s", (int)(at - text), text, with);
    str_add(&out, "%s", text);
    return out.at;
}
