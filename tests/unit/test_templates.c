#include "data/templates.h"

#include "tests/test.h"

TEST(the_vild_set_has_the_reference_s_14_texts_to_the_period) {
    struct strings t = {0};
    CHECK_OK(templates_named("vild", &t));
    CHECK_INT(t.n, 14);
    CHECK_TEXT(t.at[0], "a photo of a {}.");
    CHECK_TEXT(t.at[1], "This is a photo of a {}");
    CHECK_TEXT(t.at[4], "a photo of a {} in the scene");
    CHECK_TEXT(t.at[13], "There is a large {} in the scene.");
    int periods = 0;
    for (size_t i = 0; i < t.n; i++) periods += t.at[i][strlen(t.at[i]) - 1] == '.';
    CHECK_INT(periods, 10); /* all but the 2nd to 5th */
    strings_free(&t);
}

TEST(every_set_has_its_size_and_only_different_templates) {
    static const struct {
        const char *name;
        size_t n;
    } sets[] = {{"vild", 14}, {"imagenet", 80}, {"predefined", 1}};
    for (size_t s = 0; s < 3; s++) {
        struct strings t = {0};
        CHECK_OK(templates_named(sets[s].name, &t));
        CHECK_INT(t.n, sets[s].n);
        for (size_t i = 0; i < t.n; i++) {
            CHECK_OK(template_check(t.at[i]));
            for (size_t k = 0; k < i; k++) CHECK(strcmp(t.at[i], t.at[k]) != 0);
        }
        strings_free(&t);
    }
    struct strings t = {0};
    CHECK_ERROR(templates_named("imagenet21k", &t), ERR_CONFIG, "vild, imagenet or predefined");
    CHECK_INT(t.n, 0);
}

TEST(a_name_goes_in_verbatim) {
    struct str s = {0};
    CHECK_OK(template_fill("a {} in a video game.", "door-stuff, 100% {x}", &s));
    CHECK_TEXT(s.at, "a door-stuff, 100% {x} in a video game.");
    CHECK_OK(template_fill("{}", "cat", &s)); /* appends */
    CHECK_TEXT(s.at, "a door-stuff, 100% {x} in a video game.cat");
    str_free(&s);
}

TEST(a_template_without_one_place_is_an_error) {
    static const char *const bad[] = {"",    "a photo", "{} and {}", "{",   "}",
                                      "{0}", "{}}",     "}{}",       "{{}}"};
    struct str s = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_ERROR(template_fill(bad[i], "cat", &s), ERR_CONFIG, bad[i]);
    CHECK_INT(s.n, 0);
}
