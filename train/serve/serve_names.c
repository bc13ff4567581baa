#include "train/serve/serve_names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

/* ---- names ---- */

static bool is_blank(char c) { return (unsigned char)c <= ' '; }

static int take_name(struct vocabulary *v, const char *s, size_t n, bool lines) {
    while (n && is_blank(*s)) s++, n--;
    while (n && is_blank(s[n - 1])) n--;
    if (lines && (!n || *s == '#')) return 0;
    if (!n)
        return error_set(ERR_DATA, "names: name %zu is empty: write it, or take its comma out",
                         v->n + 1);
    if (n > SERVE_NAME_MAX)
        return error_set(ERR_DATA, "names: one of %zu bytes; a name has at most %d", n,
                         SERVE_NAME_MAX);
    if (v->n == SERVE_NAMES_MAX)
        return error_set(ERR_DATA, "names: more than %d; leave some out", SERVE_NAMES_MAX);
    char *name = mem_format("%.*s", (int)n, s);
    vocabulary_add(v, name);
    free(name);
    return 0;
}

int serve_names_read(struct vocabulary *v, const char *text, size_t n) {
    *v = (struct vocabulary){0};
    if (n > SERVE_NAMES_TEXT)
        return error_set(ERR_DATA, "names: more than %d bytes; leave some out", SERVE_NAMES_TEXT);
    if (n && (memchr(text, '\0', n) || !utf8_valid(text, n)))
        return error_set(ERR_DATA, "names: they are no UTF-8 text; type them");
    while (n && is_blank(*text)) text++, n--;
    while (n && is_blank(text[n - 1])) n--;
    bool lines = n && memchr(text, '\n', n);
    char end = lines ? '\n' : ',';
    int status = 0;
    for (bool more = n > 0; !status && more;) { /* behind the last comma, too */
        const char *stop = memchr(text, end, n);
        size_t length = stop ? (size_t)(stop - text) : n;
        status = take_name(v, text, length, lines);
        more = stop;
        text += length + more;
        n -= length + more;
    }
    if (!status && v->n) status = vocabulary_check(v, "names");
    if (status) vocabulary_close(v);
    return status;
}

bool serve_number_read(const char *text, size_t n, double *x) {
    char copy[41], *end;
    if (!n || n >= sizeof copy) return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (strspn(copy, "0123456789.eE+-") != n) return false; /* strtod takes 0x10, too */
    *x = strtod(copy, &end);
    return !*end && isfinite(*x) && *x >= 0;
}

/* ---- addresses ---- */

bool serve_address_is_loopback(const char *address) {
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, address, &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool is_address(const char *s) {
    struct in6_addr any;
    return inet_pton(AF_INET, s, &any) == 1 || inet_pton(AF_INET6, s, &any) == 1;
}

/* "[::1]:80" -> "::1", "Localhost:80" -> "localhost". False: it is no host. */
static bool bare_host(const char *host, char out[256]) {
    bool six = *host == '[';
    if (six) host++;
    size_t n = strcspn(host, six ? "]" : ":");
    const char *port = host + n;
    if (six && *port++ != ']') return false;
    if (!n || n >= 256) return false;
    if (*port &&
        (*port != ':' || strlen(port) > 6 || strspn(port + 1, "0123456789") != strlen(port + 1)))
        return false;
    for (size_t i = 0; i < n; i++) out[i] = (char)tolower((unsigned char)host[i]);
    out[n] = '\0';
    return true;
}

bool serve_host_is_ours(const char *host, bool beyond, const struct strings *names) {
    char bare[256];
    if (!host || !bare_host(host, bare)) return false;
    if (strcmp(bare, "localhost") == 0) return true;
    if (is_address(bare)) return beyond || serve_address_is_loopback(bare);
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(bare, names->at[i]) == 0) return true;
    return false;
}

bool serve_origin_is_ours(const char *origin, const char *host) {
    static const char scheme[] = "http://";
    size_t n = sizeof scheme - 1;
    return host && strncmp(origin, scheme, n) == 0 && strcmp(origin + n, host) == 0;
}

char *serve_file_name(const char *name) {
    enum { MOST = 200 };
    const char *base = name ? name : "";
    for (const char *at = base; *at; at++)
        if (*at == '/' || *at == '\\') base = at + 1;
    size_t n = strlen(base);
    bool fine = n && n <= MOST && utf8_valid(base, n);
    for (size_t i = 0; i < n; i++) fine = fine && (unsigned char)base[i] >= ' ' && base[i] != 127;
    return mem_strdup(fine ? base : "picture");
}
