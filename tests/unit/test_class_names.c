#include "data/class_names.h"

#include "tests/test.h"

static struct strings check(const char *const *names, size_t n) {
    static const char *const elsewhere[] = {
        "traffic light",         "potted plant", "wall",  "floor",
        "back pack, backpack",   "backpack",     "fire",  "place",
        "fireplace, fire place", "tree",         "house", "skateboard"};
    struct strings known = {0}, out = {0};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        strings_add(&known, elsewhere[i]);
    class_names_check((char *const *)names, n, &known, &out);
    strings_free(&known);
    return out;
}

#define CHECK_NAMES(...)                                                                           \
    check((const char *const[]){__VA_ARGS__},                                                      \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

TEST(words_that_run_together_are_told) {
    struct strings out = CHECK_NAMES("trafficlight", "Pottedplant", "treehouse", "traffic_light2",
                                     "wallFloor", "12");
    CHECK_INT(out.n, 6);
    CHECK_HAS(out.at[0], "class 0, \"trafficlight\": looks joined: elsewhere it is two words");
    CHECK_HAS(out.at[1], "class 1, \"Pottedplant\": looks joined");
    CHECK_HAS(out.at[2], "looks joined: \"tree house\"?");
    CHECK_HAS(out.at[3], "an identifier");
    CHECK_HAS(out.at[4], "an identifier");
    CHECK_HAS(out.at[5], "a number");
    strings_free(&out);
}

TEST(names_behind_a_number_are_told) {
    struct strings out = CHECK_NAMES("1: grass", "12. red car", "3)tree", "16:9 screen",
                                     "3.5 inch disk", "2 seater", "4:");
    CHECK_INT(out.n, 3);
    CHECK_HAS(out.at[0],
              "class 0, \"1: grass\": begins with a number: write the name alone, \"gra");
    CHECK_HAS(out.at[1], "write the name alone, \"red car\"");
    CHECK_HAS(out.at[2], "write the name alone, \"tree\"");
    strings_free(&out);
}

TEST(words_that_are_written_so_elsewhere_are_not) {
    struct strings out = CHECK_NAMES("traffic light", "backpack", "fireplace", "skateboard", "sky",
                                     "wall-floor", "wall, tree house", "butterfly");
    CHECK_INT(out.n, 0);
    strings_free(&out);
}

TEST(names_that_are_one_are_told_once) {
    struct strings out = CHECK_NAMES("car", "Cars", "bed lamp", "bedlamp", "sofa, couch", "couch",
                                     "glass", "pan, pan");
    CHECK_INT(out.n, 3);
    CHECK_HAS(out.at[0], "class 2, \"bed lamp\", and class 3, \"bedlamp\": duplicated");
    CHECK_HAS(out.at[1], "class 0, \"car\", and class 1, \"Cars\": duplicated");
    CHECK_HAS(out.at[2], "class 4, \"sofa, couch\", and class 5, \"couch\": duplicated");
    strings_free(&out);
}

TEST(a_set_without_classes_has_no_odd_names) {
    struct strings out = check(NULL, 0);
    CHECK_INT(out.n, 0);
}
