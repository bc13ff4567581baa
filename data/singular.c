#include "data/singular.h"

#include <stdbool.h>
#include <string.h>

/* clang-format off */
/* What no ending tells. */
static const struct {
    const char *plural, *singular;
} irregular[] = {
    {"axes", "axe"}, {"calves", "calf"}, {"children", "child"}, {"dice", "die"}, {"elves", "elf"}, {"feet", "foot"},
    {"geese", "goose"}, {"halves", "half"}, {"hooves", "hoof"}, {"knives", "knife"}, {"leaves", "leaf"}, {"lives", "life"},
    {"loaves", "loaf"}, {"mice", "mouse"}, {"oxen", "ox"}, {"people", "person"}, {"quizzes", "quiz"}, {"scarves", "scarf"},
    {"shelves", "shelf"}, {"bookshelves", "bookshelf"}, {"teeth", "tooth"}, {"thieves", "thief"}, {"wives", "wife"},
    {"wolves", "wolf"}};
/* In -s and -men, with no other form or singular already. */
static const char *const unchanged[] = {
    "abdomen", "atlas", "bus", "canvas", "christmas", "clothes", "gas", "glasses", "goggles", "gymnastics", "headphones",
    "jeans", "lens", "minibus", "news", "omen", "pajamas", "pants", "pliers", "ramen", "regimen", "scissors", "series",
    "shorts", "species", "specimen", "sunglasses", "this", "tongs", "trolleybus", "tweezers", "yes"};
/* The singular keeps the e of -oes, -ches and -ies. */
static const char *const keeps_e[] = {
    "aches", "axes", "birdies", "brownies", "caches", "calories", "canoes", "cookies", "eyries", "foes", "genies", "hippies", "hoes",
    "horseshoes", "hoodies", "lies", "movies", "oboes", "pies", "selfies", "shoes", "smoothies", "snowshoes", "ties",
    "toes", "toothaches", "veggies", "zombies"};
/* clang-format on */

static bool in(const char *word, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(word, list[i])) return true;
    return false;
}

static bool ends_in(const char *word, size_t n, const char *suffix) {
    size_t k = strlen(suffix);
    return n >= k && !strcmp(word + n - k, suffix);
}

/* -es that goes as a whole: after a sibilant or an o. */
static bool drops_es(const char *word, size_t n) {
    static const char *const endings[] = {"ches", "shes", "sses", "xes", "zzes", "oes"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_in(word, n, endings[i])) return true;
    return ends_in(word, n, "buses") || ends_in(word, n, "gases") || ends_in(word, n, "lenses");
}

static bool is_singular_in_s(const char *word, size_t n) {
    if (ends_in(word, n, "is")) return !ends_in(word, n, "skis") && !ends_in(word, n, "taxis");
    return ends_in(word, n, "ss") || ends_in(word, n, "us") || ends_in(word, n, "'s");
}

void noun_singular(const char *word, struct str *out) {
    size_t n = strlen(word);
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++) {
        if (strcmp(word, irregular[i].plural) != 0) continue;
        str_put(out, irregular[i].singular, strlen(irregular[i].singular));
        return;
    }
    size_t cut = 0; /* bytes that go */
    const char *add = "";
    bool kept = in(word, unchanged, sizeof unchanged / sizeof *unchanged);
    if (!kept && ends_in(word, n, "men")) {
        cut = 2;
        add = "an";
    } else if (kept || n < 3 || word[n - 1] != 's' || is_singular_in_s(word, n)) {
        cut = 0;
    } else if (in(word, keeps_e, sizeof keeps_e / sizeof *keeps_e)) {
        cut = 1;
    } else if (ends_in(word, n, "ies")) {
        cut = 3;
        add = "y";
    } else {
        cut = drops_es(word, n) ? 2 : 1;
    }
    str_put(out, word, n - cut);
    str_put(out, add, strlen(add));
}
