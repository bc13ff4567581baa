/* Text in pages, and tables in three forms. */
#include "data/csv.h"
#include "tests/test.h"
#include "train/report/html.h"
#include "train/report/table.h"

static void check_text(const char *text, const char *wanted) {
    struct str out = {0};
    html_text(&out, text);
    CHECK_TEXT(out.at, wanted);
    str_free(&out);
}

TEST(text_in_a_page_is_text_whatever_it_holds) {
    check_text("", "");
    check_text("sky & \"sea\" 'x'", "sky &amp; &quot;sea&quot; &#39;x&#39;");
    check_text("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
    check_text("caf\xC3\xA9 \xE6\xB5\xB7", "caf\xC3\xA9 \xE6\xB5\xB7");
    check_text("a\tb\nc", "a\tb\nc");
    check_text(
        "a\x01"
        "b\x7F",
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD");
    check_text("\xFF\xC3", "\xEF\xBF\xBD\xEF\xBF\xBD");                   /* no UTF-8 */
    check_text("\xC0\xBCscript", "\xEF\xBF\xBD\xEF\xBF\xBDscript");       /* an overlong < */
    static const char turned[] = {(char)0xE2, (char)0x80, (char)0xAE, 0}; /* right to left */
    check_text(turned, "\xEF\xBF\xBD");
}

static void check_short(const char *text, size_t most, const char *wanted) {
    struct str out = {0};
    html_text_short(&out, text, most);
    CHECK_TEXT(out.at, wanted);
    str_free(&out);
}

TEST(a_short_text_is_cut_in_its_middle_and_at_characters) {
    check_short("grass", 5, "grass");
    check_short("grassy", 5, "gr…sy");
    check_short("\xC3\xA9\xC3\xA9\xC3\xA9", 2, "\xC3\xA9…");
    check_short("<<<<", 3, "&lt;…&lt;");
    check_short("\xC3\xA9\xFF\xC3\xA9<", 3, "\xC3\xA9…&lt;"); /* what is no UTF-8 is a character */
}

static void fill(struct table *t) {
    table_open(t, "made", "A | <b>");
    table_note(t, "Of `this`.");
    table_column(t, COLUMN_TEXT, "na|me");
    table_column_best(t, COLUMN_SPREAD, "mIoU");
    table_column(t, COLUMN_GAIN, "gain");
    table_column(t, COLUMN_SPAN, "seconds");
    table_text(t, "a, \"b\" | <i>");
    table_spread(t, spread_of((double[]){10, 12, NAN}, 3));
    table_number(t, 2.04);
    table_number(t, 245);
    table_text(t, "none");
    table_spread(t, spread_of((double[]){20.5}, 1));
    table_number(t, NAN);
    table_number(t, NAN);
}

TEST(a_table_says_the_same_as_csv_markdown_and_html) {
    struct table t;
    struct str csv = {0}, md = {0}, html = {0};
    fill(&t);
    CHECK_INT(table_rows(&t), 2);
    table_csv(&t, &csv);
    CHECK_TEXT(csv.at,
               "na|me,mIoU,mIoU deviation,gain,seconds\n"
               "\"a, \"\"b\"\" | <i>\",11,1.4142135623730951,2.04,245\nnone,20.5,,,\n");
    table_markdown(&t, &md);
    CHECK_TEXT(md.at,
               "## A \\| &lt;b>\n\nOf \\`this\\`.\n\n"
               "| na\\|me | mIoU | gain | seconds |\n|---|---:|---:|---:|\n"
               "| a, \"b\" \\| &lt;i> | 11.0 ± 1.4 | +2.0 | 4 min 05 s |\n"
               "| none | 20.5 | – | – |\n\n");
    table_html(&t, &html);
    CHECK_HAS(html.at, "<th scope=\"row\">a, &quot;b&quot; | &lt;i&gt;</th>");
    CHECK_HAS(html.at, "<td class=\"n\">11.0 ± 1.4</td><td class=\"n\">+2.0</td>");
    CHECK_HAS(html.at, "<td class=\"n best\">20.5</td><td class=\"n\">–</td>");
    str_free(&csv);
    str_free(&md);
    str_free(&html);
    table_free(&t);
}

TEST(a_gain_that_rounds_to_nothing_has_no_sign_but_the_end_of_an_interval_does) {
    struct table t;
    struct str md = {0};
    table_open(&t, "made", "Made");
    table_column(&t, COLUMN_SPREAD_GAIN, "gain");
    table_column(&t, COLUMN_GAIN, "from");
    table_spread(&t, spread_of((double[]){-0.01, -0.02}, 2));
    table_number(&t, -0.04);
    table_spread(&t, spread_of((double[]){-0.06}, 1));
    table_number(&t, 0.04);
    table_markdown(&t, &md);
    CHECK_HAS(md.at, "| 0.0 ± 0.0 | -0.0 |\n| -0.1 | +0.0 |\n");
    str_free(&md);
    table_free(&t);
}

TEST(a_spread_leaves_out_what_is_missing) {
    struct spread s = spread_of((double[]){1, NAN, 3, INFINITY}, 4);
    CHECK_INT(s.n, 2);
    CHECK_NEAR(s.mean, 2, 0);
    CHECK_NEAR(s.deviation, sqrt(2), 1e-12);
    CHECK_NEAR(spread_margin(&s), 12.706, 1e-12); /* Student's t of one degree of freedom */
    s = spread_of((double[]){NAN}, 1);
    CHECK(s.n == 0 && isnan(s.mean) && isnan(s.deviation) && isnan(spread_margin(&s)));
}
