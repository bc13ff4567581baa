/* Prompt templates: texts with one {} where a class name goes. reference-spec 1.12 */
#pragma once

#include "base/mem.h"

/* Appends the templates of a set:
 *   vild        14, the reference's default
 *   imagenet    80, of the CLIP authors
 *   predefined  1, "a photo of a {}."
 * ERR_CONFIG names the sets when there is none of that name. */
int templates_named(const char *set, struct strings *out);

/* 0 when the template has {} exactly once and no other brace, else ERR_CONFIG. */
int template_check(const char *text);

/* Appends the template with the name in its place, verbatim. ERR_CONFIG as template_check. */
int template_fill(const char *text, const char *name, struct str *out);
