#include "base/settings_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

enum { DEEPEST = 8 }; /* paths that are said with others */

static int resolve(const struct settings_doc *doc, const char *file, const char *text, int depth,
                   char **out);

/* ${env:NAME} as the variable; what begins alike and is not that is an error, not a name. */
static int expand(const char *text, struct str *out) {
    static const char open[] = "${env:";
    while (*text) {
        size_t n = strcspn(text, "$");
        str_put(out, text, n);
        text += n;
        if (text[0] != '$') continue;
        if (text[1] != '{') {
            str_put(out, text++, 1);
            continue;
        }
        size_t k = strcspn(text, "}");
        if (strncmp(text, open, sizeof open - 1) != 0 || text[k] != '}' || k == sizeof open - 1)
            return error_set(ERR_CONFIG, "\"%s\": only ${env:NAME} is known between braces", text);
        char *name = mem_format("%.*s", (int)(k - sizeof open + 1), text + sizeof open - 1);
        const char *value = getenv(name);
        if (value) str_add(out, "%s", value);
        int status = value ? 0
                           : error_set(ERR_CONFIG,
                                       "the environment has no variable %s: set it, or write the "
                                       "path itself",
                                       name);
        free(name);
        if (status) return status;
        text += k + 1;
    }
    return 0;
}

/* $NAME/rest */
static int from_place(const struct settings_doc *doc, const char *text, int depth, char **out) {
    size_t length = strcspn(text + 1, "/");
    const char *rest = text + 1 + length;
    char *key = mem_format("paths.%.*s", (int)length, text + 1), *root = NULL;
    const char *value = settings_text(doc, key);
    int status = 0;
    if (!value || !*value)
        status = error_set(ERR_CONFIG, "%s: set %s to the folder that is meant", text, key);
    else if (depth == DEEPEST)
        status = error_set(ERR_CONFIG, "%s: %s leads back to itself", text, key);
    else
        status = resolve(doc, settings_find(doc, key)->file, value, depth + 1, &root);
    if (!status) *out = *rest ? path_join(root, rest + 1) : mem_strdup(root);
    free(root);
    free(key);
    return status;
}

static int resolve(const struct settings_doc *doc, const char *file, const char *text, int depth,
                   char **out) {
    struct str full = {0};
    int status = expand(text, &full);
    if (!status && *text == '$' && text[1] != '{')
        status = from_place(doc, full.at, depth, out);
    else if (!status)
        *out = settings_path_from(file, full.at ? full.at : "");
    str_free(&full);
    return status;
}

int settings_resolve_text(const struct settings_doc *doc, const char *file, const char *text,
                          char **out) {
    *out = NULL;
    return resolve(doc, file, text, 0, out);
}

int settings_resolve(const struct settings_doc *doc, const char *key, char **out) {
    const char *text = settings_text(doc, key);
    *out = NULL;
    return text ? settings_resolve_text(doc, settings_find(doc, key)->file, text, out) : 0;
}
