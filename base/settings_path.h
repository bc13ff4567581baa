/* What a setting that is a path means, wherever it stands:
 *
 *     $NAME/rest      rest in the folder that paths.NAME is; paths.NAME may begin so, too
 *     ${env:NAME}     what that variable of the environment has, anywhere in the path
 *     @rest           a shipped config (base/shipped.h)
 *     rest            from the folder of the file that says it
 *
 * Nothing else is expanded. */
#pragma once

#include "base/settings_doc.h"

/* *out: owned, NULL when the key has no value. ERR_CONFIG: a variable that is not
 * set, a paths.NAME that is not, or one that leads back to itself; the message does not say where.
 */
int settings_resolve(const struct settings_doc *doc, const char *key, char **out);

/* The same of a text that `file` says (NULL: relative paths start where we are). */
int settings_resolve_text(const struct settings_doc *doc, const char *file, const char *text,
                          char **out);
