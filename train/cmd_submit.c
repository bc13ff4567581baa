/* ovseg submit CONFIG [key=value ...]: the Slurm jobs that run what ovseg-train would run. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/settings_text.h"
#include "train/cmd.h"
#include "train/cmd_arguments.h"
#include "train/slurm_send.h"
#include "train/slurm_text.h"
#include "train/submit_plan.h"

enum {
    KEY_NODES = 256,
    KEY_GPUS,
    KEY_TASKS,
    KEY_CPUS,
    KEY_MEMORY,
    KEY_TIME,
    KEY_PARTITION,
    KEY_ACCOUNT,
    KEY_REQUEUE,
    KEY_CHAIN,
    KEY_ARRAY,
    KEY_MARGIN,
    KEY_SITE,
    KEY_SITE_SETTINGS,
    KEY_GO,
    KEY_SET
};
enum { MARGIN = 120, REQUEUES = 100 };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What the jobs ask for (resources.* of each stage's config says it, too):", 1},
    {"nodes", KEY_NODES, "N", 0, "Nodes", 1},
    {"gpus", KEY_GPUS, "G", 0, "GPUs of each node", 1},
    {"tasks", KEY_TASKS, "T", 0, "Processes on each node; otherwise one a GPU, or one", 1},
    {"cpus", KEY_CPUS, "C", 0, "Cores of each process", 1},
    {"memory", KEY_MEMORY, "SIZE", 0, "Memory of each node: 16G", 1},
    {"time", KEY_TIME, "TIME", 0, "At most: minutes, HH:MM:SS, D-HH:MM:SS", 1},
    {"partition", KEY_PARTITION, "NAME", 0, "Where they are queued", 1},
    {"account", KEY_ACCOUNT, "NAME", 0, "Whom they are charged to", 1},
    {0, 0, 0, 0, "Jobs that reach their limit:", 2},
    {"requeue", KEY_REQUEUE, "TIMES", OPTION_ARG_OPTIONAL,
     "The job queues itself again, at most so often (100), and goes on from its checkpoint", 2},
    {"chain", KEY_CHAIN, "N", 0,
     "Where that is refused: N jobs in a row for each; those that find it done end at once", 2},
    {"margin", KEY_MARGIN, "SECONDS", 0,
     "Ask for SIGUSR1 so long before the limit (120); 0: do not ask", 2},
    {0, 0, 0, 0, "Jobs of many runs:", 3},
    {"array", KEY_ARRAY, "LIST", 0,
     "A job array, \"1-8\" or \"0-15%4\"; %a in a setting is the index: seed=%a. Stages that do "
     "not depend on it are made once, before",
     3},
    {0, 0, 0, 0, "What is done:", 4},
    {"go", KEY_GO, 0, 0, "Send the jobs, and print their ids; otherwise the script is printed", 4},
    {"output", 'o', "FILE", 0, "Write the script there", 4},
    {"site", KEY_SITE, "FILE", 0, "Site profile, in the place of $XDG_CONFIG_HOME/ovseg/site.yaml",
     4},
    {"site-settings", KEY_SITE_SETTINGS, 0, 0, "Explain what may stand in a site profile", 4},
    {"set", KEY_SET, "KEY=VALUE", 0, "The same as KEY=VALUE by itself", 4},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 4},
    {0},
};

static const char doc[] =
    "Writes the Slurm job that runs CONFIG, with the stages it needs; several jobs, each after "
    "those that it needs, when stages ask for different resources.\v"
    "The script is printed, and checked by `sbatch --test-only` where there is sbatch; nothing is "
    "sent without --go. Several jobs are one script of shell that sends them. A flag about "
    "resources belongs to CONFIG, and to stages whose own config does not say it. docs/cluster.md "
    "has examples.\n\n"
    "Exit status: 0 done, 64 usage, 66 missing input, 69 sbatch refuses or is not there, 74 input "
    "or output, 78 bad config or site profile.";

struct arguments {
    struct submission s;
    struct overrides overrides; /* as they are; in an array, of its first task */
    struct resource_flags flags;
    const char *site, *out;
    bool go;
    long first; /* index of the array */
};

static const struct {
    int key;
    const char *setting;
} resource_keys[] = {{KEY_NODES, "nodes"},        {KEY_GPUS, "gpus"},     {KEY_TASKS, "tasks"},
                     {KEY_CPUS, "cpus"},          {KEY_MEMORY, "memory"}, {KEY_TIME, "time"},
                     {KEY_PARTITION, "partition"}};

static void site_settings(void) {
    settings_print_table(stdout, site_table(), NULL, NULL);
    exit(fflush(stdout) ? ERR_IO : 0);
}

static void parse_array(struct arguments *a, const char *text, struct argp_state *state) {
    if (!sbatch_array(text, &a->first))
        argp_error(state, "--array %s: wanted is a list of indices: 1-8, 0-15%%4, 1,3,7", text);
    a->s.array = text;
}

static void add_override(struct arguments *a, const char *text, const char *next,
                         struct argp_state *state) {
    struct override o = {0}; /* spelt well? Values are looked at with their index in them */
    if (override_parse(text, next, &o)) argp_error(state, "%s", error_message());
    override_free(&o);
    strings_add(&a->s.overrides, text);
}

static void check(struct arguments *a, struct argp_state *state) {
    if (!a->s.config) argp_usage(state);
    if (a->s.requeue && a->s.tries > 1)
        argp_error(state,
                   "--requeue and --chain: one of them; --chain is for where jobs may not "
                   "be queued again");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    for (size_t i = 0; i < sizeof resource_keys / sizeof *resource_keys; i++)
        if (key == resource_keys[i].key) resource_flag(&a->flags, resource_keys[i].setting, arg);
    switch (key) {
    case KEY_ACCOUNT: a->s.account = arg; break;
    case KEY_REQUEUE:
        a->s.requeue = arg ? argument_int(state, "--requeue", arg, 1, 100000) : REQUEUES;
        break;
    case KEY_CHAIN: a->s.tries = argument_int(state, "--chain", arg, 1, 1000); break;
    case KEY_MARGIN: a->s.margin = argument_int(state, "--margin", arg, 0, 65535); break;
    case KEY_ARRAY: parse_array(a, arg, state); break;
    case KEY_SITE: a->site = arg; break;
    case KEY_SITE_SETTINGS: site_settings(); break;
    case KEY_GO: a->go = true; break;
    case KEY_SET: add_override(a, arg, NULL, state); break;
    case 'o': a->out = arg; break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG:
        if (a->s.config)
            add_override(a, arg, state->argv[state->next], state);
        else
            a->s.config = arg;
        break;
    case ARGP_KEY_END: check(a, state); break;
    default: return key >= KEY_NODES && key <= KEY_PARTITION ? 0 : ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* The chain as task `index` of the array has it. */
static int open_graph(struct graph *g, const struct arguments *a, long index) {
    struct overrides l = {0};
    char *number = mem_format("%ld", index);
    int status = 0;
    for (size_t i = 0; !status && i < a->s.overrides.n; i++) {
        struct str text = {0};
        if (a->s.array)
            slurm_index(&text, a->s.overrides.at[i], number);
        else
            str_add(&text, "%s", a->s.overrides.at[i]);
        status = overrides_add(&l, text.at, NULL);
        str_free(&text);
    }
    if (!status) status = graph_open(g, a->s.config, l.at, l.n);
    overrides_free(&l);
    free(number);
    return status;
}

static int write_script(const struct arguments *a) {
    struct str text = {0};
    bool one = a->s.n == 1 && a->s.tries == 1;
    int status = one ? slurm_script(&a->s, &a->s.job[0], &text) : slurm_sender(&a->s, &text);
    if (!status && a->out)
        status = file_write(a->out, text.at, text.n);
    else if (!status && (fputs(text.at, stdout) < 0 || fflush(stdout)))
        status = error_set(ERR_IO, "stdout: cannot write");
    str_free(&text);
    return status;
}

/* With a plan: prints, writes, sends. */
static int deliver(const struct arguments *a) {
    if (a->s.n == 0) {
        log_info("%s: all of it is done, there is nothing to send", a->s.config);
        return 0;
    }
    int status = a->out || !a->go ? write_script(a) : 0;
    if (!status) status = a->go ? slurm_send(&a->s) : slurm_test(&a->s);
    return status;
}

static int submit(struct arguments *a) {
    struct graph g = {0}, other = {0};
    int status = resource_flags_check(&a->flags);
    if (!status) status = site_read(&a->s.site, a->site);
    if (!status) status = open_graph(&g, a, a->first);
    if (!status) status = graph_check_inputs(&g);
    if (!status && a->s.array) status = open_graph(&other, a, a->first + 1);
    if (!status) status = submit_plan(&g, a->s.array ? &other : NULL, &a->flags, &a->s);
    if (!status) status = deliver(a);
    graph_close(&g);
    graph_close(&other);
    return status;
}

int cmd_submit(int argc, char **argv) {
    static const struct argp argp = {options, parse, "CONFIG [KEY=VALUE...]", doc, 0, 0, 0};
    struct arguments a = {.s = {.margin = MARGIN, .tries = 1}};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    char *dir = realpath(".", NULL), *program = realpath("/proc/self/exe", NULL);
    a.s.dir = dir;
    a.s.program = program;
    int status = dir && program ? submit(&a) : error_set(ERR_IO, "%s", strerror(errno));
    if (status) status = cmd_failed();
    submission_free(&a.s);
    resource_flags_free(&a.flags);
    free(dir);
    free(program);
    return status;
}
