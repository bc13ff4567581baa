/* ovseg submit CONFIG [key=value ...]: the Slurm jobs that run what ovseg-train would run. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "train/cluster/slurm_text.h"
#include "train/cluster/submit_plan.h"
#include "train/commands/cmd.h"

enum { KEY_ARRAY = 256, KEY_SET };
enum { LOOKED_AT = 256 }; /* indices of an array, at most */

static const struct argp_option options[] = {
    {"array", KEY_ARRAY, "LIST", 0,
     "A job array, \"1-8\" or \"0-15%4\"; %a in a setting is the index: seed=%a. Stages that do "
     "not depend on it are made once, before",
     0},
    {"set", KEY_SET, "KEY=VALUE", 0, "The same as KEY=VALUE by itself", 0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {0},
};

static const char doc[] =
    "Writes the Slurm job that runs CONFIG, with the stages it needs; several jobs, each after "
    "those that it needs, when stages ask for different resources.\v"
    "The script is printed, and checked by `sbatch --test-only` where there is sbatch; nothing is "
    "sent without --go. Several jobs are one script of shell that sends them. A flag about "
    "resources belongs to CONFIG, and to stages whose own config does not say it. No GPU is needed "
    "here: a stage whose job has some works on them (device=cuda), others on the CPU, unless a "
    "setting says `device`. docs/cluster.md has examples.\n\n"
    "Exit status: 0 done, 64 usage, 66 missing input, 69 sbatch refuses or is not there, 74 input "
    "or output, 78 bad config or site profile.";

struct arguments {
    struct submit_request r;
    struct submit_flags flags;
};

static void parse_array(struct arguments *a, const char *text, struct argp_state *state) {
    if (!sbatch_array(text, &a->r.first))
        argp_error(state, "--array %s: wanted is a list of indices: 1-8, 0-15%%4, 1,3,7", text);
    a->r.array = text;
}

static void add_override(struct arguments *a, const char *text, const char *next,
                         struct argp_state *state) {
    struct override o = {0}; /* spelt well? Values are looked at with their index in them */
    if (override_parse(text, next, &o)) argp_error(state, "%s", error_message());
    override_free(&o);
    strings_add(&a->r.overrides, text);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->flags; break;
    case KEY_ARRAY: parse_array(a, arg, state); break;
    case KEY_SET: add_override(a, arg, NULL, state); break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG:
        if (a->r.config)
            add_override(a, arg, state->argv[state->next], state);
        else
            a->r.config = arg;
        break;
    case ARGP_KEY_END:
        if (!a->r.config) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- the chain ---- */

/* As task `index` of the array has it, with the devices of its jobs. */
static int open_graph(struct graph *g, const struct arguments *a, long index,
                      struct strings *devices) {
    struct overrides l = {0};
    char *number = mem_format("%ld", index);
    int status = 0;
    for (size_t i = 0; !status && i < a->r.overrides.n; i++) {
        const char *given = a->r.overrides.at[i];
        char *text = a->r.array ? slurm_replace(given, "%a", number) : mem_strdup(given);
        status = overrides_add(&l, text, NULL);
        free(text);
    }
    if (!status) status = graph_load(g, a->r.config, l.at, l.n);
    if (!status) status = submit_devices(g, &a->flags.resources, devices);
    if (!status) status = graph_identify(g);
    if (!status) status = graph_check_inputs(g);
    overrides_free(&l);
    free(number);
    return status;
}

/* ---- the chains of an array ---- */

static const struct node *find(const struct graph *g, const struct node *n) {
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->at[i]->path, n->path) == 0) return g->at[i];
    return NULL;
}

/* A stage that varies is done when it is for every index. */
static void compare(struct graph *g, const struct graph *other, struct submit_array *array) {
    array->others |= other->n != g->n;
    for (size_t i = 0; i < g->n; i++) {
        struct node *n = g->at[i];
        const struct node *there = find(other, n);
        array->others |= !there;
        array->varies[i] |= !there || strcmp(there->dir, n->dir) != 0;
        n->done &= there && there->done;
    }
}

static bool same_texts(const struct strings *a, const struct strings *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) same = strcmp(a->at[i], b->at[i]) == 0;
    return same;
}

/* `g`: as the first index has it; NULL when that is wrong, too. */
static int look_at(struct graph *g, const struct arguments *a, long index,
                   struct submit_array *array) {
    struct graph other = {0};
    struct strings devices = {0};
    int status = open_graph(&other, a, index, &devices);
    if (!status && g && !same_texts(&devices, &a->r.devices))
        status = error_set(ERR_USAGE,
                           "--array: stages of index %ld work on other devices than those of index "
                           "%ld: give `device`, or send them apart",
                           index, a->r.first);
    if (!status && g) {
        content_save(&other.content); /* large files are not hashed again for each index */
        compare(g, &other, array);
    }
    graph_close(&other);
    strings_free(&devices);
    return status;
}

/* The mistakes of all of them at once; `status`: of the first. */
static int look_at_others(struct graph *g, const struct arguments *a, struct submit_array *array,
                          int status) {
    struct problems p = {0};
    long index[LOOKED_AT];
    size_t n, all = sbatch_array_spread(a->r.array, LOOKED_AT, index, &n);
    if (all > n)
        log_warn("--array %s: %zu of its %zu indices were looked at, from the first to the last",
                 a->r.array, n, all);
    problems_take_error(&p);
    array->varies = mem_alloc(g->n, sizeof *array->varies);
    for (size_t i = 1; i < n && !problems_full(&p); i++)
        if (look_at(status ? NULL : g, a, index[i], array)) problems_take_error(&p);
    for (size_t i = 0; all > n && i < g->n; i++) g->at[i]->done &= !array->varies[i];
    return problems_close(&p, ERR_CONFIG);
}

static int submit(struct arguments *a, struct submission *s) {
    struct graph g = {0};
    struct submit_array array = {0};
    int status = submit_open(s, &a->flags, "submit", a->r.config);
    if (status) return status;
    status = open_graph(&g, a, a->r.first, &a->r.devices);
    if (a->r.array) status = look_at_others(&g, a, &array, status);
    if (!status) status = submit_plan(&g, a->r.array ? &array : NULL, &a->r, &a->flags, s);
    if (!status) status = submit_deliver(s, &a->flags);
    free(array.varies);
    graph_close(&g);
    return status;
}

int cmd_submit(int argc, char **argv) {
    static const struct argp_child children[] = {{&submit_flags_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options, parse, "CONFIG [KEY=VALUE...]", doc, children, 0, 0};
    struct arguments a = {0};
    struct submission s = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = submit(&a, &s);
    if (status) status = cmd_failed();
    submission_free(&s);
    strings_free(&a.r.overrides);
    strings_free(&a.r.devices);
    submit_flags_free(&a.flags);
    return status;
}
