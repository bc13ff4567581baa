#include "train/cluster/slurm_script.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "train/cluster/slurm_text.h"

struct slurm_job *submission_add(struct submission *s) {
    s->job = mem_grow(s->job, &s->cap, s->n + 1, sizeof *s->job);
    s->job[s->n] = (struct slurm_job){.resources = {.nodes = 1}};
    return &s->job[s->n++];
}

char *submission_keep(struct submission *s, const char *text) {
    strings_add(&s->texts, text);
    return s->texts.at[s->texts.n - 1];
}

void submission_free(struct submission *s) {
    for (size_t i = 0; i < s->n; i++) {
        struct slurm_job *j = &s->job[i];
        strings_free(&j->parts);
        strings_free(&j->words);
        strings_free(&j->folders);
        free(j->name);
        free(j->array);
        free(j->needs.at);
        free(j->after.at);
    }
    free(s->job);
    free(s->dir);
    free(s->program);
    strings_free(&s->texts);
    site_close(&s->site);
}

int slurm_word(struct slurm_job *j, const char *text, const char *mark) {
    struct str quoted = {0}, word = {0};
    int status = shell_quote(&quoted, text);
    for (const char *at; !status && mark && (at = strstr(text, mark)); text = at + strlen(mark))
        str_add(&word, "%.*s" SLURM_INDEX, (int)(at - text), text);
    str_add(&word, "%s", text);
    if (!status) strings_add(&j->words, word.at);
    str_free(&quoted);
    str_free(&word);
    return status;
}

void slurm_link(struct slurm_links *l, size_t job) {
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i] == job) return;
    l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n++] = job;
}

static int64_t tasks_of(const struct resources_options *r) {
    return r->tasks ? r->tasks : r->gpus ? r->gpus : 1;
}

static const char *time_of(const struct submission *s, const struct slurm_job *j) {
    return *j->resources.time ? j->resources.time : string_map_get(&s->site.sbatch, "time");
}

double slurm_job_time(const struct submission *s, const struct slurm_job *j) {
    const char *time = time_of(s, j);
    double seconds;
    return time && clock_parse_span(time, &seconds) ? seconds : 0;
}

int slurm_check_times(const struct submission *s) {
    enum { EARLY = 60 }; /* seconds by which Slurm's signal may be early */
    for (size_t j = 0; s->margin && j < s->n; j++) {
        double time = slurm_job_time(s, &s->job[j]);
        if (time > 0 && time < (double)(s->margin + 2 * EARLY))
            return error_set(ERR_CONFIG,
                             "%s: a time of %.0f s leaves too little beside the margin of %lld s, "
                             "with which SIGUSR1 may come up to %d s early: raise --time, or lower "
                             "--margin",
                             s->job[j].name, time, (long long)s->margin, EARLY);
    }
    return 0;
}

/* ---- options of sbatch ---- */

/* What has been written so far; later ones of the same name are left out. */
struct directives {
    struct strings given;
    struct str *out;
};

static int directive(struct directives *d, const char *name, const char *value) {
    for (size_t i = 0; i < d->given.n; i++)
        if (strcmp(d->given.at[i], name) == 0) return 0;
    strings_add(&d->given, name);
    str_add(d->out, "#SBATCH --%s%s", name, *value ? "=" : "");
    int status = *value ? sbatch_quote(d->out, value) : 0;
    str_add(d->out, "\n");
    return status;
}

static int directive_int(struct directives *d, const char *name, const char *before, int64_t x) {
    char *value = mem_format("%s%lld", before, (long long)x);
    int status = directive(d, name, value);
    free(value);
    return status;
}

/* Signals of Slurm's reach what srun started; under another launcher the script hands them on. */
static bool hands_on(const struct site *site) {
    char *first = mem_format("%.*s", (int)strcspn(site->launcher, " \t"), site->launcher);
    bool other = *first && strcmp(path_base(first), "srun") != 0;
    free(first);
    return other;
}

static int resource_directives(struct directives *d, const struct submission *s,
                               const struct slurm_job *j) {
    const struct resources_options *r = &j->resources;
    char *gpu = mem_format("%s%s", s->site.gpu_type, *s->site.gpu_type ? ":" : "");
    int status = directive_int(d, "nodes", "", r->nodes);
    if (!status) status = directive_int(d, "ntasks-per-node", "", tasks_of(r));
    if (!status && r->gpus) status = directive_int(d, "gpus-per-node", gpu, r->gpus);
    if (!status && r->cpus) status = directive_int(d, "cpus-per-task", "", r->cpus);
    if (!status && *r->memory) status = directive(d, "mem", r->memory);
    if (!status && *r->time) status = directive(d, "time", r->time);
    if (!status && *r->partition) status = directive(d, "partition", r->partition);
    free(gpu);
    return status;
}

static int directives(const struct submission *s, const struct slurm_job *j, struct str *out) {
    struct directives d = {.out = out};
    const struct string_map *more = &s->site.sbatch;
    int status = directive(&d, "job-name", j->name);
    if (!status) status = directive(&d, "chdir", s->dir);
    if (!status && s->account) status = directive(&d, "account", s->account);
    if (!status) status = resource_directives(&d, s, j);
    if (!status && j->array) status = directive(&d, "array", j->array);
    if (!status && s->margin)
        status = directive_int(&d, "signal", hands_on(&s->site) ? "B:USR1@" : "USR1@", s->margin);
    if (!status && s->requeue) status = directive(&d, "requeue", "");
    if (!status) status = directive(&d, "open-mode", "append");
    for (size_t i = 0; !status && i < more->names.n; i++)
        status = directive(&d, more->names.at[i], more->values.at[i]);
    if (!status) status = directive(&d, "output", j->array ? "%x-%A_%a.log" : "%x-%j.log");
    strings_free(&d.given);
    return status;
}

/* ---- what the job does ---- */

static int site_lines(const struct submission *s, const struct slurm_job *j, struct str *out) {
    const struct site *site = &s->site;
    int status = 0;
    if (site->prologue.n || site->env.names.n) str_add(out, "\n# of the site profile\n");
    for (size_t i = 0; i < site->prologue.n; i++) str_add(out, "%s\n", site->prologue.at[i]);
    if (site->prologue.n) str_add(out, "set +e # what the program ends with decides below\n");
    for (size_t i = 0; !status && i < site->env.names.n; i++) {
        str_add(out, "export %s=", site->env.names.at[i]);
        status = shell_quote(out, site->env.values.at[i]);
        str_add(out, "\n");
    }
    if (j->resources.cpus)
        str_add(out, "\nexport SRUN_CPUS_PER_TASK=%lld # which srun does not take over\n",
                (long long)j->resources.cpus);
    return status;
}

/* A task of an array goes by the array's id and its index: the id of the last task is the array's,
 * which means all of them. */
static void job_lines(const struct slurm_job *j, struct str *out) {
    str_add(out, j->array ? "\njob=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n"
                          : "\njob=$SLURM_JOB_ID\n");
    str_add(
        out,
        "# When it ends, for the program to stop before: older Slurm does not say.\n"
        "if [ -z \"${SLURM_JOB_END_TIME-}\" ]; then\n"
        "    end=$(squeue -h -j \"$job\" -o %%e)\n"
        "    SLURM_JOB_END_TIME=$(date -d \"$end\" +%%s 2>/dev/null) && export SLURM_JOB_END_TIME\n"
        "fi\n");
}

/* A later try of a chain has nothing to do when an earlier one came to the end. */
static int done_lines(const struct submission *s, const struct slurm_job *j, struct str *out) {
    int status = 0;
    if (s->tries < 2 || !j->folders.n) return 0;
    str_add(out, "\nif ");
    for (size_t i = 0; !status && i < j->folders.n; i++) {
        char *done = path_join(j->folders.at[i], "DONE");
        str_add(out, "%s[ -e ", i ? " && " : "");
        status = shell_quote(out, done);
        str_add(out, " ]");
        free(done);
    }
    str_add(out, "; then\n    echo \"done by an earlier job\"\n    exit 0\nfi\n");
    return status;
}

static int put_word(const char *text, struct str *out) {
    const char mark = SLURM_INDEX[0];
    int status = 0;
    for (const char *at; !status && (at = strchr(text, mark)); text = at + 1) {
        char *before = mem_format("%.*s", (int)(at - text), text);
        if (*before) status = shell_quote(out, before);
        str_add(out, "\"$SLURM_ARRAY_TASK_ID\"");
        free(before);
        if (!at[1]) return status;
    }
    return status ? status : shell_quote(out, text);
}

static int put_container(const struct submission *s, const struct slurm_job *j, struct str *out) {
    const struct site *site = &s->site;
    if (!*site->image) return 0;
    int status = shell_quote(out, site->runtime);
    str_add(out, " exec%s", j->resources.gpus ? " --nv" : "");
    for (size_t i = 0; !status && i < site->options.n; i++) {
        str_add(out, " ");
        status = shell_quote(out, site->options.at[i]);
    }
    str_add(out, " ");
    if (!status) status = shell_quote(out, site->image);
    str_add(out, " ");
    return status;
}

static int put_command(const struct submission *s, const struct slurm_job *j, struct str *out) {
    const struct site *site = &s->site;
    bool many = j->resources.nodes * tasks_of(&j->resources) > 1;
    str_add(out, "%s \\\n    ",
            *site->launcher ? site->launcher
            : many          ? "srun --mpi=pmix"
                            : "srun -n1");
    int status = put_container(s, j, out);
    const char *program = *site->program ? site->program : *site->image ? "ovseg" : s->program;
    if (!status) status = shell_quote(out, program);
    for (size_t i = 0; !status && i < j->words.n; i++) {
        str_add(out, "%s", i < 2 ? " " : " \\\n    "); /* "train CONFIG" are on one line */
        status = put_word(j->words.at[i], out);
    }
    return status;
}

static int run_lines(const struct submission *s, const struct slurm_job *j, struct str *out) {
    bool other = hands_on(&s->site);
    str_add(out, "\n");
    if (other && s->margin)
        str_add(out,
                "early='' run=''\n"
                "trap 'if [ \"$run\" ]; then kill -USR1 \"$run\"; else early=1; fi' USR1\n");
    int status = put_command(s, j, out);
    if (other && s->margin)
        str_add(out,
                " &\n"
                "run=$!\n"
                "[ -z \"$early\" ] || kill -USR1 \"$run\" # it came before the line above\n"
                "while wait \"$run\"; kill -0 \"$run\" 2>/dev/null; do # USR1 broke it off\n"
                "    :\n"
                "done\n"
                "wait \"$run\" # its status, also when USR1 was its end\n"
                "status=$?\n");
    else
        str_add(out, "\nstatus=$?\n");
    return status;
}

static void end_lines(const struct submission *s, struct str *out) {
    if (s->requeue)
        str_add(
            out,
            "\n# 75: a checkpoint is written, run me again. All else is final: 143 is scancel's.\n"
            "if [ \"$status\" = 75 ] && [ \"${SLURM_RESTART_COUNT:-0}\" -lt %lld ]; then\n"
            "    if scontrol requeue \"$job\"; then\n"
            "        sleep 60 # Slurm ends this script meanwhile\n"
            "    else\n"
            "        echo \"no requeue here: use --chain N of ovseg %s\" >&2\n"
            "    fi\n"
            "fi\n",
            (long long)s->requeue, s->verb);
    str_add(out, "exit \"$status\"\n");
}

static int heading(const struct submission *s, const struct slurm_job *j, struct str *out) {
    str_add(out, "#!/bin/bash\n# ovseg %s: ", s->verb);
    int status = shell_quote(out, s->file);
    for (size_t i = 0; !status && i < j->parts.n; i++) {
        str_add(out, i ? ", " : ": ");
        status = shell_quote(out, j->parts.at[i]);
    }
    str_add(out, "\n");
    return status;
}

int slurm_script(const struct submission *s, const struct slurm_job *j, struct str *out) {
    int status = heading(s, j, out);
    if (!status) status = directives(s, j, out);
    if (!status) status = site_lines(s, j, out);
    if (!status) job_lines(j, out);
    if (!status) status = done_lines(s, j, out);
    if (!status) status = run_lines(s, j, out);
    if (!status) end_lines(s, out);
    return status;
}

/* ---- several jobs ---- */

void slurm_dependency(const struct submission *s, const struct slurm_job *j, const char *const *ids,
                      const char *before, struct str *out) {
    for (size_t i = 0; i < j->needs.n; i++) {
        bool task_by_task = j->array && s->job[j->needs.at[i]].array;
        str_add(out, "%s%s:%s", out->n ? "," : "", task_by_task ? "aftercorr" : "afterok",
                ids[j->needs.at[i]]);
    }
    for (size_t i = 0; i < j->after.n; i++)
        str_add(out, "%safterany:%s", out->n ? "," : "", ids[j->after.at[i]]);
    if (before) str_add(out, "%safterany:%s", out->n ? "," : "", before);
}

static const char END_OF_SCRIPT[] = "OVSEG_END_OF_SCRIPT";
static const char sender_head[] =
    "set -eu\n"
    "send() { # OPTION...: the script on standard input; prints the job's id\n"
    "    local id\n"
    "    id=$(sbatch --parsable \"$@\")\n"
    "    id=${id%%;*}\n"
    "    case $id in\n"
    "    '' | *[!0-9]*)\n"
    "        echo \"sbatch printed no job id: $id\" >&2\n"
    "        return 1\n"
    "        ;;\n"
    "    esac\n"
    "    echo \"$id\"\n"
    "}\n";

static int sender_job(const struct submission *s, size_t i, const char *const *ids,
                      struct str *out) {
    const struct slurm_job *j = &s->job[i];
    str_add(out, "\nscript%zu() {\n    cat <<'%s'\n", i + 1, END_OF_SCRIPT);
    size_t from = out->n;
    int status = slurm_script(s, j, out);
    if (!status && strstr(out->at + from, END_OF_SCRIPT)) /* of the site's prologue */
        status = error_set(ERR_USAGE, "%s stands in the job's script", END_OF_SCRIPT);
    str_add(out, "%s\n}\n", END_OF_SCRIPT);
    for (int64_t k = 0; k < s->tries; k++) {
        struct str after = {0};
        slurm_dependency(s, j, ids, k ? ids[i] : NULL, &after);
        str_add(out, "job%zu=$(script%zu | send", i + 1, i + 1);
        if (after.n) str_add(out, " --dependency=\"%s\" --kill-on-invalid-dep=yes", after.at);
        str_add(out, ")\necho \"$job%zu\" ", i + 1);
        if (!status) status = shell_quote(out, j->name);
        str_add(out, "\n");
        str_free(&after);
    }
    return status;
}

int slurm_sender(const struct submission *s, struct str *out) {
    char **ids = mem_alloc(s->n, sizeof *ids);
    int status = 0;
    str_add(out,
            "#!/bin/bash\n"
            "# ovseg %s: bash FILE sends these jobs and prints their ids.\n%s",
            s->verb, sender_head);
    for (size_t i = 0; i < s->n; i++) ids[i] = mem_format("$job%zu", i + 1);
    for (size_t i = 0; !status && i < s->n; i++)
        status = sender_job(s, i, (const char *const *)ids, out);
    for (size_t i = 0; i < s->n; i++) free(ids[i]);
    free(ids);
    return status;
}
