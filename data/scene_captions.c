#include "data/scene_captions.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"

/* What can be named: a class with its visible parts. */
struct mention {
    int64_t class, colour;
    int64_t count; /* parts of it that are large enough to be seen */
};

static bool visible(const struct scene *s, const struct scene_part *p) {
    double share = scene_classes[p->class].thing ? 0.012 : 0.06;
    return (double)p->pixels >= share * (double)(s->image.h * s->image.w);
}

static int list_mentions(const struct scene *s, bool things, struct mention *out) {
    int n = 0;
    for (int64_t i = 0; i < s->n_parts; i++) {
        const struct scene_part *p = &s->part[i];
        if (p->class == SCENE_IGNORE || scene_classes[p->class].thing != things) continue;
        if (!visible(s, p)) continue;
        int k = 0;
        while (k < n && out[k].class != p->class) k++;
        if (k == n) out[n++] = (struct mention){.class = p->class, .colour = p->colour};
        out[k].count++;
    }
    return n;
}

/* Keeps each with probability p, in random order. */
static int choose(struct mention *m, int n, double p, struct rng *r) {
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (rng_chance(r, p)) m[kept++] = m[i];
    for (int i = kept - 1; i > 0; i--) {
        int j = (int)rng_below(r, i + 1);
        struct mention x = m[i];
        m[i] = m[j];
        m[j] = x;
    }
    return kept;
}

static const char *noun(int64_t class, bool plural, struct rng *r) {
    const struct scene_class *c = &scene_classes[class];
    bool synonym = c->synonym && rng_chance(r, 0.2);
    if (plural && c->plural) return synonym ? c->synonym_plural : c->plural;
    return synonym ? c->synonym : c->name;
}

static void put(struct str *s, const char *words) {
    if (*words) str_add(s, "%s%s", s->n ? " " : "", words);
}

static void put_thing(struct str *s, const struct mention *m, struct rng *r) {
    if (m->count > 1) {
        static const char *const many[] = {"two", "some", "a group of"};
        /* "two" only of two; a caption may leave things out, but it does not count wrongly */
        put(s, many[m->count == 2 ? rng_below(r, 3) : 1 + rng_below(r, 2)]);
        put(s, noun(m->class, true, r));
        return;
    }
    const char *colour = rng_chance(r, 0.3) ? scene_colours[m->colour] : "";
    const char *name = noun(m->class, false, r), *next = *colour ? colour : name;
    put(s, strchr("aeiou", *next) ? "an" : "a");
    put(s, colour);
    put(s, name);
}

static void put_sentence(struct str *s, const struct mention *thing, int n_things,
                         const struct mention *stuff, int n_stuff, struct rng *r) {
    static const char *const prefix[] = {"",          "",        "a photo of", "a picture of",
                                         "a view of", "there is"};
    static const char *const relation[] = {"and", "and", "next to", "beside", "in front of"};
    static const char *const place[] = {"on the", "with", "by the side of the", "in front of the"};
    put(s, prefix[rng_below(r, 6)]);
    for (int i = 0; i < n_things; i++) {
        if (i) put(s, relation[rng_below(r, 5)]);
        put_thing(s, &thing[i], r);
    }
    for (int i = 0; i < n_stuff; i++) {
        if (i)
            put(s, "and");
        else if (n_things)
            put(s, place[rng_below(r, 4)]);
        put(s, noun(stuff[i].class, false, r));
    }
    double suffix = rng_uniform(r);
    put(s, suffix < 0.08   ? "on a sunny day"
           : suffix < 0.14 ? "in the background"
           : suffix < 0.2  ? "in the scene"
                           : "");
}

char *scene_caption(const struct scene *s, uint64_t seed, const char *split, int64_t index, int k) {
    REQUIRE(k >= 0 && k < SCENE_CAPTIONS, "caption %d of a scene", k);
    REQUIRE(strlen(split) < SCENE_SPLIT, "the name of a split of %zu bytes", strlen(split));
    char purpose[SCENE_SPLIT + 32];
    snprintf(purpose, sizeof purpose, "scenes.%s.caption.%d", split, k);
    struct rng r = rng_stream(seed, purpose, (uint64_t)index);

    struct mention thing[SCENE_PARTS], stuff[SCENE_PARTS];
    int all_things = list_mentions(s, true, thing), all_stuff = list_mentions(s, false, stuff);
    struct mention best = all_things ? thing[all_things - 1] : stuff[0];
    int n_things = choose(thing, all_things, 0.9, &r), n_stuff = choose(stuff, all_stuff, 0.6, &r);
    if (!n_things && !n_stuff) { /* nobody writes nothing: the nearest thing, or the only stuff */
        if (all_things)
            thing[n_things++] = best;
        else if (all_stuff)
            stuff[n_stuff++] = best;
    }
    struct str text = {0};
    if (!n_things && !n_stuff) {
        put(&text, "a view of the scene");
    } else if (rng_chance(&r, 0.08)) {
        for (int i = 0; i < n_things; i++) put(&text, noun(thing[i].class, thing[i].count > 1, &r));
        for (int i = 0; i < n_stuff; i++) put(&text, noun(stuff[i].class, false, &r));
    } else {
        put_sentence(&text, thing, n_things, stuff, n_stuff, &r);
    }
    return text.at;
}
