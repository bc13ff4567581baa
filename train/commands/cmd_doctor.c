/* ovseg doctor: what this machine has, what is missing, what to do about it. */
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_runs.h"
#include "train/doctor/doctor.h"
#include "train/places.h"

struct arguments {
    const char *runs;
    bool json, distributed;
};

enum { KEY_JSON = 256, KEY_RUNS, KEY_DISTRIBUTED };

static const struct argp_option options[] = {
    {"distributed", KEY_DISTRIBUTED, 0, 0,
     "Of several processes, as mpirun, srun or torchrun starts them: who is where, on which "
     "device, "
     "with the same versions and the same folders? How fast is a sum over all? One table",
     0},
    {"json", KEY_JSON, 0, 0, "Print a JSON object", 0},
    {"runs", KEY_RUNS, "DIR", 0, "The output_dir that is looked at (default: paths.runs, or runs)",
     0},
    {0},
};

static const char doc[] =
    "Looks at what the program needs and has: libraries and what was left out of the build, "
    "processor, cores, memory and their limits, GPUs, NCCL, MPI, Slurm, whether the host knows its "
    "name, room and locks where runs go; and computes for a second what is known. A line each, "
    "with what to do where something is wrong.\v"
    "Nothing is left behind, and whatever could hang is given up after ten seconds at most.\n\n"
    "srun --mpi=pmix -n 8 ovseg doctor --distributed      in a job, before the training\n\n"
    "Exit status: 0 nothing is bad (there may be warnings), 64 usage, 69 something does not work, "
    "or ranks are not alike, 74 output.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_JSON: a->json = true; break;
    case KEY_DISTRIBUTED: a->distributed = true; break;
    case KEY_RUNS: a->runs = arg; break;
    case ARGP_KEY_ARG: argp_usage(state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static size_t count(const struct findings *f, enum finding_level level) {
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) n += f->at[i].level == level;
    return n;
}

static void say(const struct findings *f, struct str *out) {
    static const char *const marks[] = {"  ", "- ", "! ", "X "};
    const char *topic = "";
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *x = &f->at[i];
        if (strcmp(topic, x->topic) != 0) str_add(out, "%s%s\n", *topic ? "\n" : "", x->topic);
        topic = x->topic;
        str_add(out, "%s%-22s %s\n", marks[x->level], x->name, x->text);
        if (x->remedy && x->level >= FINDING_NONE) str_add(out, "  %-22s -> %s\n", "", x->remedy);
    }
    size_t bad = count(f, FINDING_BAD), warnings = count(f, FINDING_WARN);
    str_add(out, "\n%zu bad (X), %zu warnings (!), %zu not there (-)\n", bad, warnings,
            count(f, FINDING_NONE));
}

static void put_json(const struct findings *f, struct str *out) {
    struct json_out j = {.to = out};
    json_object(&j);
    json_key_bool(&j, "ok", !count(f, FINDING_BAD));
    json_key(&j, "findings");
    json_array(&j);
    for (size_t i = 0; i < f->n; i++) {
        json_object(&j);
        json_key_string(&j, "topic", f->at[i].topic);
        json_key_string(&j, "name", f->at[i].name);
        json_key_string(&j, "level", finding_level_names[f->at[i].level]);
        json_key_string(&j, "text", f->at[i].text);
        json_key_string(&j, "remedy", f->at[i].remedy);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    str_add(out, "\n");
}

int cmd_doctor(int argc, char **argv) {
    static const struct argp argp = {options, parse, "", doc, 0, 0, 0};
    struct arguments a = {.runs = places_runs()};
    struct findings f = {0};
    struct str out = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.distributed) return doctor_distributed(a.runs, a.json);
    doctor_libraries(&f);
    doctor_machine(&f);
    doctor_devices(&f); /* forks: before the first thread of the self-test */
    doctor_cluster(&f);
    doctor_disks(&f, a.runs);
    doctor_selftest(&f);
    (a.json ? put_json : say)(&f, &out);
    bool bad = count(&f, FINDING_BAD);
    findings_free(&f);
    if (print_and_free(&out)) return cmd_failed();
    return bad ? ERR_DEVICE : 0;
}
