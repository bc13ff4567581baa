#include "train/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/setting_rows.h"
#include "base/settings_path.h"
#include "train/run/graph.h"

/* What such a file may say. */
struct place_file {
    struct string_map paths;
};
/* clang-format off */
#define SETTINGS_OF struct place_file
static const struct setting rows[] = {
    MAP("paths", paths, OUTPUT, "{}", "name: a folder; $NAME/x in a path of a config is x in it"),
};
#undef SETTINGS_OF
/* clang-format on */

static const struct {
    const char *key, *variable, *otherwise; /* NULL: nothing */
} known[] = {{"paths.data", "OVSEG_DATA", "datasets"},
             {"paths.weights", "OVSEG_WEIGHTS", "weights"},
             {"paths.runs", "OVSEG_RUNS", "runs"},
             {"paths.cache", "OVSEG_CACHE", NULL}};
enum { KNOWN = sizeof known / sizeof *known };

/* Puts one that no file says. */
static int put(struct settings_doc *doc, const char *key, const char *value, const char *origin) {
    struct override o = {.key = (char *)key, .value = (char *)value, .file = (char *)origin};
    return settings_override(doc, &o);
}

/* Beneath what is there already. */
static int read_file(struct settings_doc *doc, const char *path, struct problems *p) {
    static const struct setting_group group = {"", rows, sizeof rows / sizeof *rows, 0};
    const struct settings_table table = {&group, 1};
    struct settings_doc file;
    struct place_file values = {0};
    if (!file_exists(path)) return 0;
    if (settings_read(&file, path)) {
        problems_take_error(p);
        return 0;
    }
    settings_assign(&file, table, table, "a file of places", &values, p);
    int status = settings_beneath(doc, &file);
    settings_free(table, &values);
    settings_doc_free(&file);
    return status;
}

/* $XDG_CONFIG_HOME/ovseg/config.yaml; owned, NULL when there is no home. */
static char *user_file(void) {
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && *config == '/') return path_join(config, "ovseg/config.yaml"); /* XDG: absolute */
    return home && *home ? path_join(home, ".config/ovseg/config.yaml") : NULL;
}

/* Those of the site, the first of which counts most. */
static int read_site(struct settings_doc *doc, struct problems *p) {
    const char *at = getenv("XDG_CONFIG_DIRS");
    int status = 0;
    if (!at || !*at) at = "/etc/xdg";
    while (*at && !status) {
        size_t n = strcspn(at, ":");
        char *path = mem_format("%.*s/ovseg/config.yaml", (int)n, at);
        if (*at == '/') status = read_file(doc, path, p);
        free(path);
        at += n + (at[n] == ':');
    }
    return status;
}

static int gather(struct settings_doc *doc) {
    struct problems p = {0};
    int status = settings_parse(doc, "places", "");
    for (size_t i = 0; i < KNOWN && !status; i++) {
        const char *value = getenv(known[i].variable);
        char *origin = mem_format("environment %s", known[i].variable);
        if (value && *value) status = put(doc, known[i].key, value, origin);
        free(origin);
    }
    char *user = user_file();
    if (!status && user) status = read_file(doc, user, &p);
    if (!status) status = read_site(doc, &p);
    for (size_t i = 0; i < KNOWN && !status; i++)
        if (known[i].otherwise && !settings_find(doc, known[i].key))
            status = put(doc, known[i].key, known[i].otherwise, "default");
    free(user);
    int bad = problems_close(&p, ERR_CONFIG);
    return status ? status : bad;
}

static struct settings_doc all;
static bool gathered;

const struct settings_doc *places(void) {
    if (gathered) return &all;
    if (gather(&all)) {
        settings_doc_free(&all);
        return NULL;
    }
    gathered = true;
    return &all;
}

int places_beneath(struct settings_doc *doc) {
    const struct settings_doc *p = places();
    return p ? settings_beneath(doc, p) : error_status();
}

/* A path of the configuration that is said relative to where we are. */
static void take(struct node *n, const char *key, char **value, struct problems *p) {
    char *path = NULL;
    if (!*value || !strchr(*value, '$')) return;
    if (settings_resolve_text(&n->doc, NULL, *value, &path)) {
        settings_problem(&n->doc, p, key, "%s", error_message());
        error_clear();
        return;
    }
    free(*value);
    *value = path;
}

static char *place_of(struct node *n, const char *key, struct problems *p) {
    char *path = NULL;
    const char *text = settings_text(&n->doc, key);
    if (text && *text && settings_resolve(&n->doc, key, &path)) {
        settings_problem(&n->doc, p, key, "%s", error_message());
        error_clear();
    }
    return path;
}

void places_of_node(struct node *n, struct problems *p) {
    struct run_options *run = &n->config.run;
    if (!settings_find(&n->doc, "output_dir")) {
        char *runs = place_of(n, "paths.runs", p);
        if (runs) {
            free(run->output_dir);
            run->output_dir = runs;
        }
    }
    take(n, "output_dir", &run->output_dir, p);
    if (run->stage == STAGE_MINE) take(n, "mine.cache", &n->config.mine.cache, p);
    free(n->cache);
    n->cache = place_of(n, "paths.cache", p);
}

char *places_cache_of(const struct node *n, const char *kind) {
    return path_join(n->cache ? n->cache : n->config.run.output_dir, kind);
}

/* One of them, resolved once. */
static const char *once(char **kept, const char *key, const char *otherwise) {
    const struct settings_doc *doc = *kept ? NULL : places();
    if (doc && settings_resolve(doc, key, kept)) *kept = NULL;
    if (error_status()) log_warn("%s; %s is not known", error_message(), key);
    error_clear();
    if (!*kept) *kept = mem_strdup(otherwise);
    return *kept;
}

static char *runs, *cache;

const char *places_runs(void) { return once(&runs, "paths.runs", "runs"); }

const char *places_cache(void) { return once(&cache, "paths.cache", ""); }

/* Of this process, until its end. */
__attribute__((destructor)) static void forget(void) {
    settings_doc_free(&all);
    free(runs);
    free(cache);
}
