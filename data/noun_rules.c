#include "data/noun_rules.h"

#include <stdlib.h>
#include <string.h>

#include "data/singular.h"

/* clang-format off: lists, each in the order of strcmp */
static const char *const determiners[] = {
    "a",   "an",  "another", "each",  "eight", "every", "few",     "five",  "four", "her",
    "his", "its", "many",    "my",    "nine",  "our",   "several", "seven", "six",  "some",
    "ten", "the", "their",   "these", "those", "three", "two",     "your"};
static const char *const prepositions[] = {
    "about", "above",   "across", "against", "along",   "among",   "around",     "as",
    "at",    "atop",    "before", "behind",  "below",   "beneath", "beside",     "between",
    "by",    "down",    "during", "for",     "from",    "in",      "inside",     "into",
    "near",  "of",      "off",    "on",      "onto",    "out",     "outside",    "over",
    "past",  "through", "to",     "toward",  "towards", "under",   "underneath", "up",
    "upon",  "while",   "with",   "within",  "without"};
static const char *const colours[] = {"beige",  "black", "blue",   "brown", "gold",   "gray",
                                      "green",  "grey",  "orange", "pink",  "purple", "red",
                                      "silver", "tan",   "white",  "yellow"};
/* Things whose names end in -ing, and first halves of compounds (a parking meter). */
static const char *const ing_nouns[] = {
    "awning",    "bedding",   "building",  "carving",  "ceiling",  "clothing", "coating",
    "covering",  "crossing",  "decking",   "dining",   "drawing",  "dressing", "dwelling",
    "earring",   "engraving", "evening",   "flooring", "frosting", "icing",    "landing",
    "lettering", "lighting",  "living",    "marking",  "molding",  "morning",  "offering",
    "opening",   "outing",    "packaging", "painting", "parking",  "paving",   "piping",
    "plumbing",  "railing",   "roofing",   "seating",  "serving",  "setting",  "shelving",
    "siding",    "skyline",   "stuffing",  "styling",  "swimming", "tiling",   "topping",
    "wedding",   "wiring",    "wrapping",  "writing"};
/* Who acts in captions: what follows them is a verb more often than a second noun. */
static const char *const agents[] = {
    "adult",       "animal",  "baby",   "batter",  "bear",         "bird",   "boy",
    "cat",         "catcher", "child",  "couple",  "cow",          "dog",    "elephant",
    "girl",        "giraffe", "goat",   "group",   "guy",          "horse",  "kid",
    "lady",        "man",     "men",    "monkey",  "one",          "people", "person",
    "pitcher",     "player",  "rider",  "sheep",   "skateboarder", "skater", "skier",
    "snowboarder", "someone", "surfer", "toddler", "woman",        "women",  "zebra"};
/* Adjectives and adverbs that the dictionary also has as nouns, which captions hardly use. */
static const char *const modifiers[] = {
    "away",     "big",  "close", "cold",    "colorful", "cross",  "dark",  "double", "dry",
    "electric", "fast", "flat",  "giant",   "high",     "inside", "long",  "left",   "low",
    "lush",     "new",  "old",   "outside", "right",    "round",  "short", "small",  "square",
    "still",    "tall", "well",  "wet",     "wide",     "wild",   "young"};
/* Of the things in -ing, those that something may be doing: "a bee landing on a flower". */
static const char *const ing_acts[] = {"carving",  "covering", "crossing", "drawing", "dressing",
                                       "landing",  "living",   "marking",  "opening", "packaging",
                                       "painting", "parking",  "paving",   "serving", "setting",
                                       "swimming", "topping",  "wrapping", "writing"};
/* More than one, so that what follows is a plural. */
static const char *const plural_words[] = {
    "all",     "eight", "few",  "five", "four",  "many",  "multiple", "nine", "seven",
    "several", "six",   "some", "ten",  "these", "those", "three",    "two",  "various"};
/* What a noun follows: not those that are particles of verbs, or begin a clause. */
static const char *const before_nouns[] = {
    "against", "among",  "at",      "behind", "below",      "beneath", "beside", "between",
    "by",      "for",    "from",    "in",     "into",       "near",    "of",     "on",
    "onto",    "toward", "towards", "under",  "underneath", "with",    "within", "without"};
/* Pasts that look like a noun. */
static const char *const pasts[] = {"bore", "cut",  "fell", "felt",  "found",  "ground", "hit",
                                    "lay",  "left", "lit",  "put",   "rose",   "sat",    "saw",
                                    "set",  "shot", "shut", "split", "spread", "stood",  "wound"};
/* In -s like plurals, and followed by nouns all the same: "sports bar". */
static const char *const no_plurals[] = {"clothes", "glasses", "sports"};
/* What "to" follows when it says where, not what for. */
static const char *const before_to[] = {"according", "adjacent", "attached", "belonging", "close",
                                        "connected", "down",     "due",      "hooked",    "near",
                                        "next",      "on",       "opposite", "over",      "prior",
                                        "similar",   "tied",     "up"};
/* What begins a clause with a verb of its own. */
static const char *const clause_words[] = {"as", "because", "when", "where", "while"};
static const char *const forms_of_be[] = {"are", "be", "been", "being", "is", "was", "were"};
/* clang-format on */

#define LIST(words) (words), sizeof(words) / sizeof *(words)

static int by_text(const void *a, const void *b) { return strcmp(a, *(const char *const *)b); }

static bool in_list(const char *word, const char *const *list, size_t n) {
    return bsearch(word, list, n, sizeof *list, by_text) != NULL;
}

struct context {
    const struct tagged_word *word;
    size_t n;
    bool *noun;
};

static bool is_word(const struct context *c, size_t i, const char *text) {
    return i < c->n && strcmp(c->word[i].text, text) == 0;
}
static bool is_in(const struct context *c, size_t i, const char *const *list, size_t n) {
    return i < c->n && in_list(c->word[i].text, list, n);
}
static bool is_determiner(const struct context *c, size_t i) {
    return is_in(c, i, LIST(determiners));
}
static bool is_preposition(const struct context *c, size_t i) {
    return is_in(c, i, LIST(prepositions));
}
static bool is_noun(const struct context *c, size_t i) { return i < c->n && c->noun[i]; }
static bool can_be(const struct context *c, size_t i, unsigned entries) {
    return i < c->n && (c->word[i].entries & entries);
}
static bool ends_in(const struct context *c, size_t i, const char *suffix) {
    size_t n = strlen(c->word[i].text), k = strlen(suffix);
    return n > k && !strcmp(c->word[i].text + n - k, suffix);
}
static bool is_ing(const struct context *c, size_t i) { return i < c->n && ends_in(c, i, "ing"); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The place after the last word counts as the end of a phrase, and so does punctuation. */
static bool phrase_ends(const struct context *c, size_t i) {
    return i >= c->n || is_word(c, i, ",") || is_word(c, i, "and") || is_preposition(c, i);
}

/* Words that the parse left out, or that an idiom swallowed ("in front of", "dozens of"), are
 * nouns where the dictionary lets them and a noun or article stands before or "of" after. */
static bool was_swallowed(const struct context *c, size_t i) {
    const struct tagged_word *w = &c->word[i];
    if (w->tag != TAG_NULL && w->tag != TAG_OTHER) return false;
    if (!(w->entries & ENTRY_NOUN) || is_determiner(c, i)) return false;
    if (is_word(c, i + 1, "of") && !is_preposition(c, i)) return true;
    return i && !is_preposition(c, i) &&
           (is_determiner(c, i - 1) || (w->tag == TAG_NULL && is_noun(c, i - 1)));
}

/* "a bench some trees", "two people standing": what follows an article is no verb. */
static bool follows_article(const struct context *c, size_t i) {
    return i && is_determiner(c, i - 1) &&
           (phrase_ends(c, i + 1) || is_determiner(c, i + 1) || is_ing(c, i + 1));
}

/* "passengers", "kids": the word behind is their verb more often than a second noun. */
static bool is_plural(const struct context *c, size_t i) {
    if (!ends_in(c, i, "s") || is_in(c, i, LIST(no_plurals))) return false;
    struct str singular = {0};
    noun_singular(c->word[i].text, &singular);
    bool plural = strcmp(singular.at, c->word[i].text) != 0;
    str_free(&singular);
    return plural;
}

/* Where the adjectives and nouns before word i begin. */
static size_t phrase_start(const struct context *c, size_t i) {
    while (i && (is_noun(c, i - 1) || c->word[i - 1].tag == TAG_ADJECTIVE)) i--;
    return i;
}

/* "a zebra and her foal": more than one, whatever their number. */
static bool is_joined(const struct context *c, size_t i) {
    i = phrase_start(c, i);
    while (i && is_determiner(c, i - 1)) i--;
    return i > 1 && is_word(c, i - 1, "and");
}

/* "multiple street signs.v": what is many must have a plural. */
static bool is_plural_phrase(const struct context *c, size_t i) {
    size_t first = phrase_start(c, i);
    bool many = (first && is_in(c, first - 1, LIST(plural_words))) ||
                (first < i && is_in(c, first, LIST(plural_words)));
    return many && ends_in(c, i, "s") && !is_plural(c, i - 1);
}

/* "a bike.v rests": one is one, so that the second is its verb. */
static bool is_subject(const struct context *c, size_t i) {
    return (is_word(c, i - 1, "a") || is_word(c, i - 1, "an")) && can_be(c, i + 1, ENTRY_VERB) &&
           ends_in(c, i + 1, "s") && !ends_in(c, i, "ed");
}

/* A word that can be a noun was taken for a verb. */
static bool is_false_verb(const struct context *c, size_t i) {
    if (c->word[i].tag != TAG_VERB || !can_be(c, i, ENTRY_NOUN) || is_ing(c, i)) return false;
    if (!i) /* "horses standing ...", "tables and chairs", "group around a table" */
        return is_ing(c, 1) || (phrase_ends(c, 1) && c->n > 1 && !ends_in(c, 0, "ed"));
    bool ends = phrase_ends(c, i + 1), inflected = ends_in(c, i, "s") || ends_in(c, i, "ed");
    if (follows_article(c, i) || is_subject(c, i)) return true;
    if (c->word[i - 1].tag == TAG_ADJECTIVE) return ends; /* "in mid air" */
    if (is_word(c, i - 1, "and") || is_word(c, i - 1, ","))
        return i > 1 && is_noun(c, i - 2) && ends_in(c, i, "s") && ends;
    if (is_in(c, i - 1, LIST(before_nouns))) return ends && !ends_in(c, i, "ed"); /* "by rocks" */
    if (!is_noun(c, i - 1)) /* "cutting fruit while", "controlled video game" */
        return can_be(c, i - 1, ENTRY_VERB) && (is_ing(c, i - 1) || ends_in(c, i - 1, "ed")) &&
               (ends || (is_noun(c, i + 1) && !inflected));
    if (is_in(c, i - 1, LIST(agents))) return false;
    /* "on a kitchen counter": one kitchen counters */
    if (ends && !inflected && !is_plural(c, i - 1) && (i + 1 == c->n || !is_joined(c, i - 1)))
        return !is_in(c, i, LIST(pasts));
    if (ends && is_plural_phrase(c, i)) return true;
    /* "toothbrush heads laying", "parka style coats" */
    return is_ing(c, i + 1) || (is_noun(c, i + 1) && !inflected && !ends_in(c, i - 1, "s"));
}

/* Endings of adjectives, of words that the dictionary lacks. */
static bool looks_like_adjective(const struct context *c, size_t i) {
    static const char *const endings[] = {"ed",   "y",   "ish", "ous", "ful", "al",   "ic", "able",
                                          "less", "ive", "ese", "ian", "ing", "like", "er", "est"};
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
        if (ends_in(c, i, endings[k])) return true;
    return strchr(c->word[i].text, '-') != NULL;
}

/* A word that the dictionary lacks is taken for an adjective before a noun; names of things are
 * commoner ("a laptop computer", "a tv stand"). */
static bool is_unknown_modifier(const struct context *c, size_t i) {
    const struct tagged_word *w = &c->word[i];
    return w->tag == TAG_ADJECTIVE && !w->entries && is_noun(c, i + 1) &&
           !looks_like_adjective(c, i);
}

/* "an office building.g", "with pink icing.g" */
static bool is_thing_in_ing(const struct context *c, size_t i) {
    enum word_tag tag = c->word[i].tag;
    bool after_noun = i && is_noun(c, i - 1);
    if (!is_ing(c, i)) return false;
    if (is_word(c, i + 1, "of")) /* "a large gathering.g of people" */
        return i && (is_determiner(c, i - 1) || c->word[i - 1].tag == TAG_ADJECTIVE);
    if (!is_in(c, i, LIST(ing_nouns))) return false;
    if (tag == TAG_GERUND && is_noun(c, i + 1)) return true;
    if ((tag == TAG_VERB || tag == TAG_NULL) && is_noun(c, i + 1)) /* "living.v room decorated" */
        return !after_noun && !(i && is_in(c, i - 1, LIST(forms_of_be)));
    if (tag != TAG_GERUND && tag != TAG_VERB) return false;
    return i && phrase_ends(c, i + 1) && !is_in(c, i - 1, LIST(agents)) &&
           (after_noun || c->word[i - 1].tag == TAG_ADJECTIVE);
}

/* "the screen of a television set.v": what stands behind a preposition has no verb. */
static bool is_set(const struct context *c, size_t i) {
    if (!is_word(c, i, "set") || !i || !is_noun(c, i - 1) || !phrase_ends(c, i + 1)) return false;
    size_t first = phrase_start(c, i);
    return first > 1 && is_determiner(c, first - 1) && is_in(c, first - 2, LIST(before_nouns));
}

static bool becomes_noun(const struct context *c, size_t i) {
    const struct tagged_word *w = &c->word[i];
    if (w->tag == TAG_INTERJECTION) return can_be(c, i, ENTRY_NOUN); /* captions have none */
    if (was_swallowed(c, i) || is_false_verb(c, i) || is_unknown_modifier(c, i)) return true;
    if (w->tag == TAG_ADJECTIVE && can_be(c, i, ENTRY_NOUN) && !is_in(c, i, LIST(colours)) &&
        (follows_article(c, i) || (i && is_noun(c, i - 1) && phrase_ends(c, i + 1))))
        return true; /* "at a baseball game.a" */
    /* "a street light.a on a corner", "a light.a fixture" */
    if (is_word(c, i, "light"))
        return is_noun(c, i + 1) || (is_noun(c, i - 1) && phrase_ends(c, i + 1));
    if (is_word(c, i, "number")) return i + 1 < c->n && is_digit(c->word[i + 1].text[0]);
    return is_set(c, i) || is_thing_in_ing(c, i);
}

/* "a dog sitting.n on the couch", "a guy is cutting.n fruit" */
static bool is_participle(const struct context *c, size_t i) {
    if (!i || !is_ing(c, i) || !can_be(c, i, ENTRY_VERB)) return false;
    bool acts = is_preposition(c, i + 1) && !is_word(c, i + 1, "of") && !is_word(c, i + 1, "with");
    if (is_in(c, i, LIST(ing_nouns)) && !is_in(c, i, LIST(ing_acts))) return false;
    if (is_in(c, i - 1, LIST(forms_of_be))) return true;
    if (is_in(c, i, LIST(ing_acts))) return is_noun(c, i - 1) && (acts || is_determiner(c, i + 1));
    /* "with its door open showing.n food" */
    if (c->word[i - 1].tag == TAG_ADJECTIVE && i > 1 && is_noun(c, i - 2))
        return is_noun(c, i + 1) || is_determiner(c, i + 1);
    return is_noun(c, i - 1) && !is_noun(c, i + 1);
}

/* "white.n rice", "a blue.n and white cup" */
static bool is_colour_of(const struct context *c, size_t i) {
    if (!is_in(c, i, LIST(colours))) return false;
    if (is_word(c, i + 1, "and") || is_word(c, i + 1, ",")) i++;
    return is_noun(c, i + 1) || is_in(c, i + 1, LIST(colours));
}

/* "old.n trunks", "a giraffe outside.n near a fence" */
static bool is_modifier(const struct context *c, size_t i) {
    bool after_article = i && is_determiner(c, i - 1);
    if (is_preposition(c, i)) return !after_article;
    if (!c->word[i].entries && looks_like_adjective(c, i)) return is_noun(c, i + 1);
    if (!is_in(c, i, LIST(modifiers))) return false;
    return !after_article || is_noun(c, i + 1) || can_be(c, i + 1, ENTRY_ADJECTIVE);
}

/* "a skateboarder rides.n down the street", "people ride.n horses" */
static bool is_verb_of_agent(const struct context *c, size_t i) {
    static const char *const many[] = {"men", "people", "women"};
    if (!i || !can_be(c, i, ENTRY_VERB) || !is_in(c, i - 1, LIST(agents))) return false;
    bool bare = !ends_in(c, i, "s") && !is_ing(c, i);
    return is_determiner(c, i + 1) || (is_preposition(c, i + 1) && !is_word(c, i + 1, "of")) ||
           (bare && is_in(c, i - 1, LIST(many)) && is_noun(c, i + 1));
}

/* "as passengers wait.n on the platform", "as the wave breaks.n" */
static bool is_verb_of_clause(const struct context *c, size_t i) {
    if (!i || !can_be(c, i, ENTRY_VERB) || !is_noun(c, i - 1)) return false;
    bool plural = is_plural(c, i - 1), s = ends_in(c, i, "s");
    if (plural == s) return false; /* they do not agree */
    size_t first = i - 1;
    while (first && (is_noun(c, first - 1) || c->word[first - 1].tag == TAG_ADJECTIVE)) first--;
    while (first && is_determiner(c, first - 1)) first--;
    bool clause = first && is_in(c, first - 1, LIST(clause_words));
    bool follows =
        is_determiner(c, i + 1) || (is_preposition(c, i + 1) && !is_word(c, i + 1, "of"));
    return (clause && (follows || i + 1 == c->n)) || (plural && follows);
}

/* "to reach.n leaves", but "next to stop signs" */
static bool is_infinitive(const struct context *c, size_t i) {
    if (i < 2 || !is_word(c, i - 1, "to") || !can_be(c, i, ENTRY_VERB)) return false;
    return !is_in(c, i - 2, LIST(before_to)) && !ends_in(c, i, "s") &&
           (is_noun(c, i + 1) || is_determiner(c, i + 1) || is_preposition(c, i + 1)) &&
           !is_word(c, i + 1, "of");
}

/* "is set.n up", "is left.n open", "a bike rests.n in between" */
static bool is_form_of_verb(const struct context *c, size_t i) {
    if (i < 1 || !can_be(c, i, ENTRY_VERB)) return false;
    if (is_in(c, i - 1, LIST(forms_of_be))) return is_in(c, i, LIST(pasts));
    if (i < 2 || !is_noun(c, i - 1) || !ends_in(c, i, "s") || ends_in(c, i, "ss")) return false;
    bool one = is_word(c, i - 2, "a") || is_word(c, i - 2, "an");
    return one && !is_noun(c, i + 1) && (is_preposition(c, i + 1) || is_determiner(c, i + 1)) &&
           !is_word(c, i + 1, "of");
}

static bool is_no_noun(const struct context *c, size_t i) {
    return is_participle(c, i) || is_colour_of(c, i) || is_modifier(c, i) ||
           is_verb_of_agent(c, i) || is_verb_of_clause(c, i) || is_infinitive(c, i) ||
           is_form_of_verb(c, i);
}

void noun_rules_apply(const struct tagged_word *word, size_t n, bool *noun) {
    struct context c = {word, n, noun};
    for (size_t i = 0; i < n; i++) noun[i] = word[i].tag == TAG_NOUN;
    /* from the right: what follows decides, and is then settled; once more for what is decided by
     * a noun before it */
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = n; i-- > 0;) {
            if (!noun[i] && becomes_noun(&c, i)) noun[i] = true;
        }
    for (size_t i = n; i-- > 0;) {
        if (noun[i] && is_no_noun(&c, i)) noun[i] = false;
    }
}
