#include "train/cluster/site.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/setting_rows.h"

/* clang-format off */
#define SETTINGS_OF struct site
static const struct setting rows[] = {
    STRINGS("prologue",           prologue, OUTPUT, "[]",        "lines of shell that run first in every job: module load cuda"),
    STRING ("launcher",           launcher, OUTPUT, "",          "shell words before the program; empty: srun -n1, of several processes srun --mpi=pmix"),
    STRING ("program",            program,  OUTPUT, "",          "ovseg as jobs find it; empty: this one, in a container the ovseg of its PATH"),
    STRING ("gpu_type",           gpu_type, OUTPUT, "",          "kind of GPU that is asked for: a100; empty: any"),
    MAP    ("env",                env,      OUTPUT, "{}",        "NAME: value, set in every job"),
    MAP    ("sbatch",             sbatch,   OUTPUT, "{}",        "option: value, of sbatch, without its dashes: account: vision; flags of ovseg submit win"),
    STRING ("container.image",    image,    OUTPUT, "",          "the program runs in this image; empty: in none"),
    STRING ("container.runtime",  runtime,  OUTPUT, "apptainer", "what runs the image: apptainer, singularity"),
    STRINGS("container.options",  options,  OUTPUT, "[]",        "of its exec: [--bind, /data]; --nv is given with GPUs"),
};
#undef SETTINGS_OF
/* clang-format on */

struct settings_table site_table(void) {
    static const struct setting_group group = {"", rows, sizeof rows / sizeof *rows, 0};
    return (struct settings_table){&group, 1};
}

/* Options that ovseg submit gives by itself, and what to use for them. */
static const struct {
    const char *option, *instead;
} own[] = {
    {"job-name", "it is the config's name"},
    {"nodes", "resources.nodes, or --nodes"},
    {"ntasks", "resources.tasks, or --tasks"},
    {"ntasks-per-node", "resources.tasks, or --tasks"},
    {"gpus-per-node", "resources.gpus, or --gpus"},
    {"gpus", "resources.gpus, or --gpus"},
    {"gpus-per-task", "resources.gpus, or --gpus"},
    {"ntasks-per-gpu", "resources.tasks, or --tasks"},
    {"gres", "resources.gpus, or --gpus; a type is gpu_type"},
    {"cpus-per-task", "resources.cpus, or --cpus"},
    {"signal", "--margin"},
    {"requeue", "--requeue"},
    {"no-requeue", "jobs are not queued again without --requeue"},
    {"array", "--array"},
    {"dependency", "jobs are linked by what stages need"},
    {"kill-on-invalid-dep", "jobs are linked by what stages need"},
    {"chdir", "jobs start where ovseg submit was called"},
    {"open-mode", "it is append, for jobs that start again"},
    {"wrap", "the script is the job"},
    {"parsable", "ovseg submit gives it"},
    {"test-only", "ovseg submit gives it"},
    {"wait", "ovseg submit does not wait"},
};

static bool is_option(const char *name) {
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n && !name[n] && islower((unsigned char)*name);
}

static bool is_variable(const char *name) {
    if (!isalpha((unsigned char)*name) && *name != '_') return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_') return false;
    return true;
}

static bool is_line(const char *text) {
    for (; *text; text++)
        if (iscntrl((unsigned char)*text) && *text != '\t') return false;
    return true;
}

static void check_map(const struct settings_doc *doc, const struct string_map *m, const char *group,
                      bool (*is_name)(const char *), const char *kind, struct problems *p) {
    for (size_t i = 0; i < m->names.n; i++) {
        char *key = mem_format("%s.%s", group, m->names.at[i]);
        if (!is_name(m->names.at[i]))
            settings_problem(doc, p, key, "\"%s\" is no %s", m->names.at[i], kind);
        if (!is_line(m->values.at[i]))
            settings_problem(doc, p, key, "a line break, or another control character, in it");
        free(key);
    }
}

static void check_own(const struct settings_doc *doc, const struct site *s, struct problems *p) {
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        char *key = mem_format("sbatch.%s", own[i].option);
        if (string_map_get(&s->sbatch, own[i].option))
            settings_problem(doc, p, key, "not in a site profile: %s", own[i].instead);
        free(key);
    }
}

static void check(const struct settings_doc *doc, const struct site *s, struct problems *p) {
    static const char broken[] = "a line break, or another control character, in it";
    const struct {
        const char *key, *text;
    } texts[] = {{"launcher", s->launcher},
                 {"program", s->program},
                 {"container.image", s->image},
                 {"container.runtime", s->runtime}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!is_line(texts[i].text)) settings_problem(doc, p, texts[i].key, "%s", broken);
    for (size_t i = 0; i < s->prologue.n; i++)
        if (!is_line(s->prologue.at[i])) settings_problem(doc, p, "prologue", "%s", broken);
    for (size_t i = 0; i < s->options.n; i++)
        if (!is_line(s->options.at[i])) settings_problem(doc, p, "container.options", "%s", broken);
    for (const char *c = s->gpu_type; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.-", *c)) {
            settings_problem(doc, p, "gpu_type", "\"%s\" is no kind of GPU", s->gpu_type);
            break;
        }
    check_map(doc, &s->env, "env", is_variable, "name of a variable", p);
    check_map(doc, &s->sbatch, "sbatch", is_option, "option of sbatch: small letters and dashes",
              p);
    check_own(doc, s, p);
}

/* Owned; NULL when there is no home. */
static char *usual_place(void) {
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && *config == '/') return path_join(config, "ovseg/site.yaml"); /* XDG: absolute */
    return home && *home ? path_join(home, ".config/ovseg/site.yaml") : NULL;
}

int site_read(struct site *s, const char *path) {
    struct settings_doc doc = {0};
    struct problems p = {0};
    *s = (struct site){0};
    char *usual = path ? NULL : usual_place();
    bool there = path || (usual && file_exists(usual));
    int status = there ? settings_read(&doc, path ? path : usual) : 0;
    if (!status) settings_assign(&doc, site_table(), site_table(), "a site profile", s, &p);
    if (!status && !p.n) check(&doc, s, &p);
    int bad = problems_close(&p, ERR_CONFIG);
    settings_doc_free(&doc);
    free(usual);
    return status ? status : bad;
}

void site_close(struct site *s) { settings_free(site_table(), s); }
