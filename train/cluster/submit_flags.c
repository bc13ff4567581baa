#include "train/cluster/submit_flags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/settings_text.h"
#include "train/cluster/slurm_send.h"
#include "train/commands/cmd_arguments.h"

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
    KEY_MARGIN,
    KEY_SITE,
    KEY_SITE_SETTINGS,
    KEY_GO
};
enum { MARGIN = 120, REQUEUES = 100 };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What the jobs ask for (resources.* of each stage's config says it, too):", 1},
    {"nodes", KEY_NODES, "N", 0, "Nodes", 1},
    {"gpus", KEY_GPUS, "G", 0, "GPUs of each node; stages that have some work on them", 1},
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
    {0, 0, 0, 0, "What is done:", 3},
    {"go", KEY_GO, 0, 0, "Send the jobs, and print their ids; otherwise the script is printed", 3},
    {"output", 'o', "FILE", 0, "Write the script there", 3},
    {"site", KEY_SITE, "FILE", 0, "Site profile, in the place of $XDG_CONFIG_HOME/ovseg/site.yaml",
     3},
    {"site-settings", KEY_SITE_SETTINGS, 0, 0, "Explain what may stand in a site profile", 3},
    {0},
};

/* ---- resources ---- */

struct settings_table resource_table(void) {
    static const struct setting_group group = {"resources", resources_rows,
                                               sizeof resources_rows / sizeof *resources_rows, 0};
    return (struct settings_table){&group, 1};
}

bool resource_said(const struct resource_flags *f, const char *key) {
    return settings_find(&f->said, key);
}

/* What is wrong with it resources_check() finds. */
static void add_resource(struct resource_flags *f, const char *key, const char *value) {
    struct override o = {.key = mem_format("resources.%s", key), .value = mem_strdup(value)};
    if (!f->said.path && settings_parse(&f->said, "command line", "{}")) return;
    settings_override(&f->said, &o); /* its error is kept */
    override_free(&o);
}

static int check_resources(struct resource_flags *f) {
    struct problems p = {0};
    struct settings_table t = resource_table();
    problems_take_error(&p);
    if (!f->said.path && settings_parse(&f->said, "command line", "{}")) return error_status();
    settings_assign(&f->said, t, t, "ovseg submit", &f->options, &p);
    if (!p.n) resources_check(&f->said, &f->options, "", &p);
    return problems_close(&p, ERR_USAGE);
}

/* ---- options ---- */

static void site_settings(void) {
    settings_print_table(stdout, site_table(), NULL, NULL);
    exit(fflush(stdout) ? ERR_IO : 0);
}

static const char *name_of(int key) {
    const struct argp_option *o = options;
    while (o->key != key) o++;
    return o->name;
}

static bool take(struct submit_flags *f, int key, char *arg, struct argp_state *state) {
    switch (key) {
    case KEY_ACCOUNT: f->account = arg; return true;
    case KEY_REQUEUE:
        f->requeue = arg ? argument_int(state, "--requeue", arg, 1, 100000) : REQUEUES;
        return true;
    case KEY_CHAIN: f->tries = argument_int(state, "--chain", arg, 1, 1000); return true;
    case KEY_MARGIN: f->margin = argument_int(state, "--margin", arg, 0, 65535); return true;
    case KEY_SITE: f->site = arg; return true;
    case KEY_SITE_SETTINGS: site_settings(); return true;
    case KEY_GO: f->go = true; return true;
    case 'o': f->out = arg; return true;
    default: break;
    }
    if (key < KEY_NODES || key > KEY_PARTITION) return false;
    add_resource(&f->resources, name_of(key), arg);
    return true;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct submit_flags *f = state->input;
    if (key == ARGP_KEY_INIT) {
        f->margin = MARGIN;
        f->tries = 1;
    }
    if (key == ARGP_KEY_END && f->requeue && f->tries > 1)
        argp_error(state,
                   "--requeue and --chain: one of them; --chain is for where jobs may not "
                   "be queued again");
    if (!take(f, key, arg, state)) return ARGP_ERR_UNKNOWN;
    if (!f->first) f->first = name_of(key);
    return 0;
}

const struct argp submit_flags_argp = {options, parse, 0, 0, 0, 0, 0};

void submit_flags_free(struct submit_flags *f) {
    settings_free(resource_table(), &f->resources.options);
    settings_doc_free(&f->resources.said);
}

/* ---- a submission ---- */

int submit_open(struct submission *s, struct submit_flags *f, const char *verb, const char *file) {
    *s = (struct submission){.verb = verb,
                             .file = file,
                             .account = f->account,
                             .margin = f->margin,
                             .requeue = f->requeue,
                             .tries = f->tries};
    s->dir = realpath(".", NULL);
    s->program = realpath("/proc/self/exe", NULL);
    if (!s->dir || !s->program) return error_set(ERR_IO, "%s", strerror(errno));
    int status = check_resources(&f->resources);
    return status ? status : site_read(&s->site, f->site);
}

static int write_script(const struct submission *s, const char *out) {
    struct str text = {0};
    bool one = s->n == 1 && s->tries == 1;
    int status = one ? slurm_script(s, &s->job[0], &text) : slurm_sender(s, &text);
    if (!status && out)
        status = file_write(out, text.at, text.n);
    else if (!status && (fputs(text.at, stdout) < 0 || fflush(stdout)))
        status = error_set(ERR_IO, "stdout: cannot write");
    str_free(&text);
    return status;
}

int submit_deliver(const struct submission *s, const struct submit_flags *f) {
    if (s->n == 0) {
        log_info("%s: all of it is done, there is nothing to send", s->file);
        return 0;
    }
    int status = slurm_check_times(s);
    if (!status && (f->out || !f->go)) status = write_script(s, f->out);
    if (!status) status = f->go ? slurm_send(s) : slurm_test(s);
    return status;
}
