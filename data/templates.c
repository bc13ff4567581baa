#include "data/templates.h"

#include <string.h>

#include "base/error.h"

/* Without its final period where the list the reference uses has none. */
static const char *const vild[] = {
    "a photo of a {}.",
    "This is a photo of a {}",
    "There is a {} in the scene",
    "There is the {} in the scene",
    "a photo of a {} in the scene",
    "a photo of a small {}.",
    "a photo of a medium {}.",
    "a photo of a large {}.",
    "This is a photo of a small {}.",
    "This is a photo of a medium {}.",
    "This is a photo of a large {}.",
    "There is a small {} in the scene.",
    "There is a medium {} in the scene.",
    "There is a large {} in the scene.",
};

static const char *const imagenet[] = {
    "a bad photo of a {}.",
    "a photo of many {}.",
    "a sculpture of a {}.",
    "a photo of the hard to see {}.",
    "a low resolution photo of the {}.",
    "a rendering of a {}.",
    "graffiti of a {}.",
    "a bad photo of the {}.",
    "a cropped photo of the {}.",
    "a tattoo of a {}.",
    "the embroidered {}.",
    "a photo of a hard to see {}.",
    "a bright photo of a {}.",
    "a photo of a clean {}.",
    "a photo of a dirty {}.",
    "a dark photo of the {}.",
    "a drawing of a {}.",
    "a photo of my {}.",
    "the plastic {}.",
    "a photo of the cool {}.",
    "a close-up photo of a {}.",
    "a black and white photo of the {}.",
    "a painting of the {}.",
    "a painting of a {}.",
    "a pixelated photo of the {}.",
    "a sculpture of the {}.",
    "a bright photo of the {}.",
    "a cropped photo of a {}.",
    "a plastic {}.",
    "a photo of the dirty {}.",
    "a jpeg corrupted photo of a {}.",
    "a blurry photo of the {}.",
    "a photo of the {}.",
    "a good photo of the {}.",
    "a rendering of the {}.",
    "a {} in a video game.",
    "a photo of one {}.",
    "a doodle of a {}.",
    "a close-up photo of the {}.",
    "a photo of a {}.",
    "the origami {}.",
    "the {} in a video game.",
    "a sketch of a {}.",
    "a doodle of the {}.",
    "a origami {}.",
    "a low resolution photo of a {}.",
    "the toy {}.",
    "a rendition of the {}.",
    "a photo of the clean {}.",
    "a photo of a large {}.",
    "a rendition of a {}.",
    "a photo of a nice {}.",
    "a photo of a weird {}.",
    "a blurry photo of a {}.",
    "a cartoon {}.",
    "art of a {}.",
    "a sketch of the {}.",
    "a embroidered {}.",
    "a pixelated photo of a {}.",
    "itap of the {}.",
    "a jpeg corrupted photo of the {}.",
    "a good photo of a {}.",
    "a plushie {}.",
    "a photo of the nice {}.",
    "a photo of the small {}.",
    "a photo of the weird {}.",
    "the cartoon {}.",
    "art of the {}.",
    "a drawing of the {}.",
    "a photo of the large {}.",
    "a black and white photo of a {}.",
    "the plushie {}.",
    "a dark photo of a {}.",
    "itap of a {}.",
    "graffiti of the {}.",
    "a toy {}.",
    "itap of my {}.",
    "a photo of a cool {}.",
    "a photo of a small {}.",
    "a tattoo of the {}.",
};

static const char *const predefined[] = {"a photo of a {}."};

#define SET(texts)                                                                                 \
    { #texts, (texts), sizeof(texts) / sizeof *(texts) }
static const struct {
    const char *name;
    const char *const *text;
    size_t n;
} sets[] = {SET(vild), SET(imagenet), SET(predefined)};

int templates_named(const char *set, struct strings *out) {
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (strcmp(set, sets[i].name) != 0) continue;
        for (size_t k = 0; k < sets[i].n; k++) strings_add(out, sets[i].text[k]);
        return 0;
    }
    return error_set(ERR_CONFIG, "\"%s\" is no set of templates: vild, imagenet or predefined",
                     set);
}

int template_check(const char *text) {
    const char *open = strchr(text, '{');
    if (!open)
        return error_set(ERR_CONFIG, "the template \"%s\" has no {} for the class name", text);
    if (open[1] != '}' || strpbrk(open + 2, "{}") || memchr(text, '}', (size_t)(open - text)))
        return error_set(ERR_CONFIG, "the template \"%s\" must have {} once and no other brace",
                         text);
    return 0;
}

int template_fill(const char *text, const char *name, struct str *out) {
    int status = template_check(text);
    if (status) return status;
    size_t before = strcspn(text, "{");
    str_put(out, text, before);
    str_add(out, "%s%s", name, text + before + 2);
    return 0;
}
