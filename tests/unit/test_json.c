#include "base/json.h"

#include <cJSON.h>

#include "base/utf8.h"
#include "tests/test.h"

TEST(objects_and_arrays_nest_with_their_commas) {
    struct str s = {0};
    struct json_out j = {.to = &s};
    json_object(&j);
    json_key_int(&j, "step", 12);
    json_key(&j, "loss");
    json_array(&j);
    json_real(&j, 0.1);
    json_null(&j);
    json_object(&j);
    json_end(&j);
    json_array(&j);
    json_end(&j);
    json_end(&j);
    json_key_string(&j, "name", "ft+mpt");
    json_key_bool(&j, "done", true);
    json_key_real(&j, "miou", 31.25);
    json_key_string(&j, "none", NULL);
    json_end(&j);
    CHECK_TEXT(s.at,
               "{\"step\":12,\"loss\":[0.1,null,{},[]],\"name\":\"ft+mpt\",\"done\":true,"
               "\"miou\":31.25,\"none\":null}");
    CHECK_INT(j.depth, 0);
    str_free(&s);
}

static void writes_real(double x, const char *text) {
    struct str s = {0};
    json_real(&(struct json_out){.to = &s}, x);
    CHECK_TEXT(s.at, text);
    str_free(&s);
}

TEST(reals_are_the_shortest_that_read_back_equal) {
    writes_real(0.1, "0.1");
    writes_real(1.0 / 3, "0.3333333333333333");
    writes_real(0.1 + 0.2, "0.30000000000000004");
    writes_real(1e-8, "1e-08");
    writes_real(1e22, "1e+22");
    writes_real(5e-324, "4.94065645841247e-324");
    writes_real(1.7976931348623157e308, "1.7976931348623157e+308");
    writes_real(-0.0, "0");
    uint64_t bits = 0x3FF123456789ABCDu;
    for (int i = 0; i < 2000; i++) {
        double x;
        char text[32];
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x)) continue;
        json_number(text, x);
        CHECK(strtod(text, NULL) == x);
    }
}

TEST(what_is_not_finite_is_null) {
    writes_real(NAN, "null");
    writes_real(INFINITY, "null");
    writes_real(-INFINITY, "null");
}

TEST(integers_are_exact) {
    struct str s = {0};
    struct json_out j = {.to = &s};
    json_array(&j);
    json_int(&j, INT64_MIN);
    json_int(&j, INT64_MAX);
    json_int(&j, (1LL << 53) + 1);
    json_end(&j);
    CHECK_TEXT(s.at, "[-9223372036854775808,9223372036854775807,9007199254740993]");
    str_free(&s);
}

static void quotes(const char *text, const char *quoted) {
    struct str s = {0};
    json_quote(&s, text);
    CHECK_TEXT(s.at, quoted);
    cJSON *back = cJSON_Parse(s.at); /* an independent reader takes it */
    CHECK(cJSON_IsString(back));
    if (utf8_valid(text, strlen(text))) CHECK_TEXT(back->valuestring, text);
    cJSON_Delete(back);
    str_free(&s);
}

TEST(strings_are_escaped_and_mended) {
    quotes("", "\"\"");
    quotes("a \"b\" \\ /", "\"a \\\"b\\\" \\\\ /\"");
    quotes("\n\t\r\b\x01\x1F", "\"\\n\\t\\r\\u0008\\u0001\\u001f\"");
    quotes("\x7F\xC2\x85\xE2\x80\xA8\xEF\xBB\xBF", "\"\\u007f\\u0085\\u2028\\ufeff\"");
    quotes("\xC3\xA9 \xE6\xA8\xB9 \xF0\x9F\x8C\xB3", "\"\xC3\xA9 \xE6\xA8\xB9 \xF0\x9F\x8C\xB3\"");
    quotes(
        "a\xFF"
        "b",
        "\"a\\ufffdb\"");                                /* no such byte */
    quotes("\xC3", "\"\\ufffd\"");                       /* cut short */
    quotes("\xC0\xAF", "\"\\ufffd\\ufffd\"");            /* overlong */
    quotes("\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
}

TEST(utf8_is_decoded_at_its_borders) {
    static const struct {
        const char *bytes;
        uint32_t code;
        size_t n;
    } cases[] = {
        {"A", 0x41, 1},
        {"\x7F", 0x7F, 1},
        {"\xC2\x80", 0x80, 2},
        {"\xDF\xBF", 0x7FF, 2},
        {"\xE0\xA0\x80", 0x800, 3},
        {"\xED\x9F\xBF", 0xD7FF, 3},
        {"\xEE\x80\x80", 0xE000, 3},
        {"\xEF\xBF\xBF", 0xFFFF, 3},
        {"\xF0\x90\x80\x80", 0x10000, 4},
        {"\xF4\x8F\xBF\xBF", 0x10FFFF, 4},
        {"\xC1\xBF", 0, 0},
        {"\xE0\x9F\xBF", 0, 0},
        {"\xED\xA0\x80", 0, 0},
        {"\xED\xBF\xBF", 0, 0},
        {"\xF0\x8F\xBF\xBF", 0, 0},
        {"\xF4\x90\x80\x80", 0, 0},
        {"\xF8\x88\x80\x80\x80", 0, 0},
        {"\x80", 0, 0},
        {"\xE2\x82", 0, 0},
        {"\xC3\x28", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t code = 0;
        CHECK_INT(utf8_decode(cases[i].bytes, strlen(cases[i].bytes), &code), cases[i].n);
        CHECK_INT(code, cases[i].code);
        CHECK(utf8_valid(cases[i].bytes, strlen(cases[i].bytes)) == (cases[i].n > 0));
    }
    CHECK(utf8_valid("", 0));
}
