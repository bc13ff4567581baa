#include "base/text_file.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"

/* By its mark or, without one, by the zeros between ASCII letters. NULL: neither. */
static const char *wide_encoding(const struct bytes *b) {
    const unsigned char *p = b->at;
    bool utf32 = b->n >= 4 && (!memcmp(p, "\xff\xfe\0\0", 4) || !memcmp(p, "\0\0\xfe\xff", 4));
    if (utf32) return "UTF-32";
    if (b->n >= 2 && (!memcmp(p, "\xff\xfe", 2) || !memcmp(p, "\xfe\xff", 2))) return "UTF-16";
    size_t zeros[2] = {0}, n = b->n < 4096 ? b->n : 4096;
    for (size_t i = 0; i < n; i++) zeros[i % 2] += p[i] == 0;
    if (n < 4) return NULL;
    if (zeros[0] > n / 4 && !zeros[1]) return "UTF-16BE";
    return zeros[1] > n / 4 && !zeros[0] ? "UTF-16LE" : NULL;
}

static size_t line_of(const char *text, size_t at) {
    size_t line = 1;
    for (size_t i = 0; i < at; i++) line += text[i] == '\n';
    return line;
}

/* What a link to a file often gives in its place. */
static bool is_web_page(const char *text) {
    return strncasecmp(text, "<!doctype html", 14) == 0 || strncasecmp(text, "<html", 5) == 0;
}

static int check(const char *path, const struct bytes *b, bool *crlf) {
    const char *text = (const char *)b->at, *wide = wide_encoding(b);
    bool lf = memchr(text, '\n', b->n), cr = memchr(text, '\r', b->n);
    size_t blank = 0, k;
    uint32_t code;
    while (blank < b->n && strchr(" \t\r\n", text[blank]) && text[blank]) blank++;
    if (blank == b->n) return error_set(ERR_DATA, "%s: is empty; write it, or leave it out", path);
    if (is_web_page(text + blank))
        return error_set(ERR_DATA, "%s: is a web page: get the file itself", path);
    if (wide)
        return error_set(ERR_DATA, "%s: is %s; make it UTF-8: iconv -f %s -t UTF-8 %s >NEW", path,
                         wide, wide, path);
    if (memchr(text, '\0', b->n))
        return error_set(ERR_DATA, "%s: is not a text, it holds a NUL byte: export it as text",
                         path);
    for (size_t i = 0; i < b->n; i += k)
        if (!(k = utf8_decode(text + i, b->n - i, &code)))
            return error_set(ERR_DATA,
                             "%s: line %zu: is not UTF-8; make it so, if it is Latin-1 by: iconv "
                             "-f LATIN1 -t UTF-8 %s >NEW",
                             path, line_of(text, i), path);
    if (cr && !lf)
        return error_set(ERR_DATA,
                         "%s: its lines end with a carriage return alone; mend them: tr '\\r' "
                         "'\\n' <%s >NEW",
                         path, path);
    if (crlf) *crlf = strstr(text, "\r\n") != NULL;
    return 0;
}

int text_file_read(const char *path, size_t max, struct bytes *out, bool *crlf) {
    int status = file_read(path, max, out);
    if (crlf) *crlf = false;
    if (status) return status;
    size_t mark = utf8_mark(out->at, out->n);
    out->n -= mark;
    if (mark) memmove(out->at, out->at + mark, out->n + 1);
    status = check(path, out, crlf);
    if (status) bytes_free(out);
    return status;
}

int text_file_check(const char *path) {
    struct bytes text = {0};
    int status = text_file_read(path, (size_t)1 << 30, &text, NULL);
    if (!status) bytes_free(&text);
    return status;
}
