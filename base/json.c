#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

/* What may stand in a quoted string as it is, in JSON and in YAML. */
static bool is_plain(uint32_t c) {
    return c >= 0x20 && c != '"' && c != '\\' && !(c >= 0x7F && c < 0xA0) && c != 0x2028 &&
           c != 0x2029 && c != 0xFEFF && c != 0xFFFE && c != 0xFFFF;
}

void json_quote(struct str *to, const char *s) {
    str_put(to, "\"", 1);
    for (size_t n = strlen(s), i = 0; i < n;) {
        uint32_t c = 0;
        size_t k = utf8_decode(s + i, n - i, &c);
        if (!k)
            str_add(to, "\\ufffd");
        else if (is_plain(c))
            str_put(to, s + i, k);
        else if (c == '"' || c == '\\')
            str_add(to, "\\%c", (int)c);
        else if (c == '\n' || c == '\t' || c == '\r')
            str_add(to, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else
            str_add(to, "\\u%04x", (unsigned)c);
        i += k ? k : 1;
    }
    str_put(to, "\"", 1);
}

void json_number(char out[32], double x) {
    REQUIRE(isfinite(x), "a number");
    if (x == 0) x = 0; /* not -0: equal settings must have equal texts */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, x);
        if (strtod(out, NULL) == x) return;
    }
}

static void begin_value(struct json_out *j) {
    if (!j->depth) return;
    REQUIRE(j->keyed == (j->open[j->depth - 1] == '{'), "a value without its key");
    if (!j->keyed && j->some[j->depth - 1]) str_put(j->to, ",", 1);
    j->some[j->depth - 1] = true;
    j->keyed = false;
}

static void begin(struct json_out *j, char bracket) {
    begin_value(j);
    REQUIRE(j->depth < JSON_MAX_DEPTH, "JSON nested deeper than %d", JSON_MAX_DEPTH);
    j->open[j->depth] = bracket;
    j->some[j->depth++] = false;
    str_put(j->to, &bracket, 1);
}

void json_object(struct json_out *j) { begin(j, '{'); }
void json_array(struct json_out *j) { begin(j, '['); }

void json_end(struct json_out *j) {
    REQUIRE(j->depth > 0 && !j->keyed, "an end without its begin");
    str_put(j->to, j->open[--j->depth] == '{' ? "}" : "]", 1);
}

void json_key(struct json_out *j, const char *key) {
    REQUIRE(j->depth && j->open[j->depth - 1] == '{' && !j->keyed, "key %s outside an object", key);
    if (j->some[j->depth - 1]) str_put(j->to, ",", 1);
    json_quote(j->to, key);
    str_put(j->to, ":", 1);
    j->keyed = true;
}

void json_string(struct json_out *j, const char *s) {
    begin_value(j);
    if (s)
        json_quote(j->to, s);
    else
        str_add(j->to, "null");
}

void json_int(struct json_out *j, int64_t x) {
    begin_value(j);
    str_add(j->to, "%lld", (long long)x);
}

void json_real(struct json_out *j, double x) {
    char text[32] = "null"; /* JSON has no NaN and no infinity */
    begin_value(j);
    if (isfinite(x)) json_number(text, x);
    str_add(j->to, "%s", text);
}

void json_bool(struct json_out *j, bool x) {
    begin_value(j);
    str_add(j->to, x ? "true" : "false");
}

void json_null(struct json_out *j) { json_string(j, NULL); }

void json_key_string(struct json_out *j, const char *key, const char *s) {
    json_key(j, key);
    json_string(j, s);
}

void json_key_int(struct json_out *j, const char *key, int64_t x) {
    json_key(j, key);
    json_int(j, x);
}

void json_key_real(struct json_out *j, const char *key, double x) {
    json_key(j, key);
    json_real(j, x);
}

void json_key_bool(struct json_out *j, const char *key, bool x) {
    json_key(j, key);
    json_bool(j, x);
}
