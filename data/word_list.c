#include "data/word_list.h"

#include <string.h>

#include "base/file.h"
#include "data/unicode.h"

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

int word_list_read(const char *path, struct strings *out, size_t **line) {
    struct bytes file;
    int status = file_read(path, WORD_LIST_BYTES, &file);
    if (status) return status;
    struct str word = {0};
    const char *s = (const char *)file.at, *end = s + file.n;
    size_t cap = 0;
    for (size_t number = 1; s < end; number++) {
        const char *next = memchr(s, '\n', (size_t)(end - s)), *stop = next ? next : end;
        const char *comment = memchr(s, '#', (size_t)(stop - s));
        if (comment) stop = comment;
        while (s < stop && is_blank(*s)) s++;
        while (stop > s && is_blank(stop[-1])) stop--;
        word.n = 0;
        unicode_lower(s, (size_t)(stop - s), &word);
        if (word.n) {
            strings_add(out, word.at);
            if (line) {
                *line = mem_grow(*line, &cap, out->n, sizeof **line);
                (*line)[out->n - 1] = number;
            }
        }
        s = next ? next + 1 : end;
    }
    str_free(&word);
    bytes_free(&file);
    return 0;
}
