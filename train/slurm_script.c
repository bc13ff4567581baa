#include "train/slurm_script.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "train/slurm_text.h"

static const char INDEX[] = "%a"; /* Slurm's own mark for it, in names of files */

void submission_free(struct submission *s) {
    for (size_t i = 0; i < s->n; i++) {
        free(s->job[i].name);
        free(s->job[i].needs);
        strings_free(&s->job[i].stages);
        strings_free(&s->job[i].folders);
    }
    free(s->job);
    strings_free(&s->overrides);
    site_close(&s->site);
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
    if (!status && j->array) status = directive(&d, "array", s->array);
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

void slurm_index(struct str *to, const char *text, const char *index) {
    for (const char *mark; (mark = strstr(text, INDEX)); text = mark + 2)
        str_add(to, "%.*s%s", (int)(mark - text), text, index);
    str_add(to, "%s", text);
}

/* An override. What all tasks of an array share is made once, as of the first. */
static int put_override(const struct submission *s, const struct slurm_job *j, const char *text,
                        struct str *out) {
    const char *mark = s->array ? strstr(text, INDEX) : NULL;
    int status = 0;
    str_add(out, " \\\n    ");
    if (mark && !j->array) {
        long first;
        struct str with = {0};
        sbatch_array(s->array, &first);
        char *index = mem_format("%ld", first);
        slurm_index(&with, text, index);
        status = shell_quote(out, with.at);
        str_free(&with);
        free(index);
        return status;
    }
    for (; !status && mark; text = mark + 2, mark = strstr(text, INDEX)) {
        char *before = mem_format("%.*s", (int)(mark - text), text);
        if (*before) status = shell_quote(out, before);
        str_add(out, "\"$SLURM_ARRAY_TASK_ID\"");
        free(before);
    }
    return status || !*text ? status : shell_quote(out, text);
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

/* With cores to itself a process is told how many: it would count those of the machine. The user's
 * own word comes later and wins. */
static int put_arguments(const struct submission *s, const struct slurm_job *j, struct str *out) {
    int status = 0;
    if (j->resources.cpus) str_add(out, " \\\n    threads=%lld", (long long)j->resources.cpus);
    for (size_t i = 0; !status && i < s->overrides.n; i++)
        status = put_override(s, j, s->overrides.at[i], out);
    for (size_t i = 0; !status && i < j->stages.n; i++) {
        char *only = mem_format("--only=%s", j->stages.at[i]);
        str_add(out, " \\\n    ");
        status = shell_quote(out, only);
        free(only);
    }
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
    str_add(out, " train ");
    if (!status) status = shell_quote(out, s->config);
    return status ? status : put_arguments(s, j, out);
}

static int run_lines(const struct submission *s, const struct slurm_job *j, struct str *out) {
    bool other = hands_on(&s->site);
    str_add(out, "\n");
    if (other && s->margin) str_add(out, "trap '[ -z \"${run-}\" ] || kill -USR1 \"$run\"' USR1\n");
    int status = put_command(s, j, out);
    if (other && s->margin)
        str_add(out,
                " &\n"
                "run=$!\n"
                "while wait \"$run\"; status=$?; [ \"$status\" = 138 ]; do # USR1 broke it off\n"
                "    :\n"
                "done\n");
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
            "        echo \"no requeue here: use ovseg submit --chain N\" >&2\n"
            "    fi\n"
            "fi\n",
            (long long)s->requeue);
    str_add(out, "exit \"$status\"\n");
}

static int heading(const struct submission *s, const struct slurm_job *j, struct str *out) {
    str_add(out, "#!/bin/bash\n# ovseg submit: ");
    int status = shell_quote(out, s->config);
    for (size_t i = 0; !status && i < j->stages.n; i++) {
        str_add(out, i ? ", " : ": ");
        status = shell_quote(out, j->stages.at[i]);
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
    for (size_t i = 0; i < j->n_needs; i++) {
        bool task_by_task = j->array && s->job[j->needs[i]].array;
        str_add(out, "%s%s:%s", out->n ? "," : "", task_by_task ? "aftercorr" : "afterok",
                ids[j->needs[i]]);
    }
    if (before) str_add(out, "%safterany:%s", out->n ? "," : "", before);
}

static const char END_OF_SCRIPT[] = "OVSEG_END_OF_SCRIPT";
static const char sender_head[] =
    "#!/bin/bash\n"
    "# ovseg submit: bash FILE sends these jobs and prints their ids.\n"
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
    str_add(out, "%s", sender_head);
    for (size_t i = 0; i < s->n; i++) ids[i] = mem_format("$job%zu", i + 1);
    for (size_t i = 0; !status && i < s->n; i++)
        status = sender_job(s, i, (const char *const *)ids, out);
    for (size_t i = 0; i < s->n; i++) free(ids[i]);
    free(ids);
    return status;
}
