#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/mem.h"

enum { DEPTH_MAX = 16 }; /* of the objects and lists in each other */

struct json_parser {
    const yajl_callbacks *call;
    void *ctx;
    const char *at, *end;
    const char *wrong; /* NULL: nothing so far */
    bool stopped;      /* by a callback */
    struct str text;   /* of the string under way */
};

static bool fail(struct json_parser *p, const char *what) {
    if (!p->wrong) p->wrong = what;
    return false;
}

static bool told(struct json_parser *p, int go_on) {
    if (!go_on) p->stopped = true;
    return go_on;
}

static void skip_blanks(struct json_parser *p) {
    while (p->at < p->end && *p->at && strchr(" \t\n\r", *p->at)) p->at++;
}

/* The next character, which stays; NUL at the end. */
static char peek(struct json_parser *p) {
    skip_blanks(p);
    return p->at < p->end ? *p->at : '\0';
}

static bool take(struct json_parser *p, char c, const char *otherwise) {
    if (peek(p) != c) return fail(p, otherwise);
    p->at++;
    return true;
}

static void put_utf8(struct str *s, unsigned c) {
    char out[5] = {0};
    if (c < 0x80) {
        out[0] = (char)c;
    } else if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6), out[1] = (char)(0x80 | (c & 63));
    } else {
        out[0] = (char)(0xE0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)),
        out[2] = (char)(0x80 | (c & 63));
    }
    str_put(s, out, strlen(out));
}

/* Behind "\u". Surrogates and NUL have no place in what is read here. */
static bool escaped_unit(struct json_parser *p) {
    char hex[5] = {0}, *rest;
    if (p->end - p->at < 4) return fail(p, "a text is cut short");
    memcpy(hex, p->at, 4);
    unsigned long c = strtoul(hex, &rest, 16);
    if (rest != hex + 4 || !strchr("0123456789abcdefABCDEF", hex[0]))
        return fail(p, "an escape that is none");
    if (!c || (c >= 0xD800 && c < 0xE000)) return fail(p, "an escape that is not read");
    p->at += 4;
    put_utf8(&p->text, (unsigned)c);
    return true;
}

static bool escaped(struct json_parser *p) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (p->at == p->end) return fail(p, "a text is cut short");
    char c = *p->at++;
    if (c == 'u') return escaped_unit(p);
    const char *which = c ? strchr(from, c) : NULL;
    if (!which) return fail(p, "an escape that is none");
    str_put(&p->text, &to[which - from], 1);
    return true;
}

/* Into p->text, from the opening quote on. */
static bool text(struct json_parser *p) {
    p->text.n = 0;
    str_put(&p->text, "", 0);
    p->at++;
    while (p->at < p->end && *p->at != '"') {
        unsigned char c = (unsigned char)*p->at++;
        if (c < 0x20) return fail(p, "a control character in a text");
        if (c == '\\') {
            if (!escaped(p)) return false;
        } else {
            str_put(&p->text, &c, 1);
        }
    }
    if (p->at == p->end) return fail(p, "a text is cut short");
    p->at++;
    return true;
}

static bool number(struct json_parser *p) {
    char copy[64], *rest;
    size_t n = 0;
    while (p->at < p->end && strchr("+-.eE0123456789", *p->at) && *p->at) {
        if (n + 1 == sizeof copy) return fail(p, "a number is too long");
        copy[n++] = *p->at++;
    }
    copy[n] = '\0';
    const char *digits = copy + (*copy == '-');
    if (*digits < '0' || *digits > '9') return fail(p, "something that is no value");
    if (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
        return fail(p, "a number that starts with 0");
    if (copy[strspn(digits, "0123456789") + (size_t)(digits - copy)]) {
        double value = strtod(copy, &rest);
        return *rest ? fail(p, "something that is no value")
                     : told(p, p->call->yajl_double(p->ctx, value));
    }
    errno = 0;
    long long value = strtoll(copy, &rest, 10);
    if (errno) return fail(p, "a number is too large");
    return told(p, p->call->yajl_integer(p->ctx, value));
}

static bool word(struct json_parser *p) {
    static const char *const words[] = {"null", "false", "true"};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(p->end - p->at) < n || memcmp(p->at, words[i], n) != 0) continue;
        p->at += n;
        return told(p, i ? p->call->yajl_boolean(p->ctx, i - 1) : p->call->yajl_null(p->ctx));
    }
    return number(p);
}

/* One value, and all in it: a loop, so that depth costs no stack. */
static bool value(struct json_parser *p) {
    char open[DEPTH_MAX];
    int depth = 0;
    for (;;) {
        char c = peek(p);
        bool more = false; /* an object or a list has begun */
        if (c == '{' || c == '[') {
            if (depth == DEPTH_MAX) return fail(p, "too many levels");
            p->at++;
            open[depth++] = c;
            if (!told(p, c == '{' ? p->call->yajl_start_map(p->ctx)
                                  : p->call->yajl_start_array(p->ctx)))
                return false;
            more = true;
        } else if (c == '"') {
            if (!text(p) ||
                !told(p, p->call->yajl_string(p->ctx, (unsigned char *)p->text.at, p->text.n)))
                return false;
        } else if (!word(p)) {
            return false;
        }
        while (depth) { /* what has come to its end, ends */
            bool map = open[depth - 1] == '{';
            if (peek(p) == (map ? '}' : ']')) {
                p->at++;
                depth--;
                if (!told(p, map ? p->call->yajl_end_map(p->ctx) : p->call->yajl_end_array(p->ctx)))
                    return false;
                more = false;
                continue;
            }
            if (!more && !take(p, ',', "a comma is missing")) return false;
            if (!map) break;
            if (peek(p) != '"') return fail(p, "a key is missing");
            if (!text(p) ||
                !told(p, p->call->yajl_map_key(p->ctx, (unsigned char *)p->text.at, p->text.n)) ||
                !take(p, ':', "a colon is missing"))
                return false;
            break;
        }
        if (!depth) return true;
    }
}

yajl_handle yajl_alloc(const yajl_callbacks *callbacks, void *alloc, void *ctx) {
    (void)alloc;
    yajl_handle p = mem_alloc(1, sizeof *p);
    *p = (struct json_parser){.call = callbacks, .ctx = ctx};
    return p;
}

yajl_status yajl_parse(yajl_handle p, const unsigned char *text_at, size_t n) {
    p->at = (const char *)text_at;
    p->end = p->at + n;
    if (value(p) && peek(p)) fail(p, "something behind the end");
    if (p->stopped) return yajl_status_client_canceled;
    return p->wrong || p->at < p->end ? yajl_status_error : yajl_status_ok;
}

yajl_status yajl_complete_parse(yajl_handle p) {
    return p->wrong ? yajl_status_error : yajl_status_ok;
}

unsigned char *yajl_get_error(yajl_handle p, int verbose, const unsigned char *text_at, size_t n) {
    (void)verbose, (void)text_at, (void)n;
    return (unsigned char *)mem_strdup(p->wrong ? p->wrong : "not JSON");
}

void yajl_free_error(yajl_handle p, unsigned char *text_at) {
    (void)p;
    free(text_at);
}

void yajl_free(yajl_handle p) {
    str_free(&p->text);
    free(p);
}
