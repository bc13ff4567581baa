/* ovseg runs list|show|diff|rm|gc: what has been run, from what, with which result. */
#include "train/commands/cmd_runs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "train/commands/cmd.h"

const struct command runs_parts[] = {
    {"list", "the runs of a folder, a line each", cmd_runs_list},
    {"show", "all that one run says of itself", cmd_runs_show},
    {"diff", "settings, inputs and figures of two runs that differ", cmd_runs_diff},
    {"rm", "remove runs that no other one uses", cmd_runs_rm},
    {"gc", "remove what is left over: unfinished, unused, caches", cmd_runs_gc},
    {NULL, NULL, NULL},
};

int cmd_runs(int argc, char **argv) {
    return command_part("runs", runs_parts,
                        "`ovseg runs PART --help` explains a part; `ovseg status RUN` shows one at "
                        "work.",
                        argc, argv);
}

void bytes_text(int64_t bytes, char out[16]) {
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double x = (double)bytes / 1e3;
    int unit = 0;
    while (x >= 999.5 && unit < 3) x /= 1e3, unit++;
    if (bytes < 1000)
        snprintf(out, 16, "%d B", (int)bytes);
    else
        snprintf(out, 16, "%.*f %s", x < 9.95 ? 1 : 0, x, units[unit]);
}

void age_text(double s, char out[16]) {
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    int i = 0;
    while (i < 3 && s < 2 * units[i].seconds) i++; /* 90 minutes say more than 1 hour */
    snprintf(out, 16, "%.0f %s", s > 0 ? floor(s / units[i].seconds) : 0, units[i].name);
}

void metric_text(const struct run_look *r, char out[96]) {
    if (!*r->metric || isnan(r->value))
        snprintf(out, 96, "-");
    else if (r->value == floor(r->value) && fabs(r->value) < 1e9)
        snprintf(out, 96, "%s %.0f", r->metric, r->value);
    else
        snprintf(out, 96, "%s %.*f", r->metric, fabs(r->value) < 10 ? 4 : 1, r->value);
}

static void put_inputs(const struct run_look *r, struct json_out *j) {
    json_key(j, "inputs");
    json_array(j);
    for (size_t i = 0; i < r->n_inputs; i++) {
        json_object(j);
        json_key_string(j, "name", r->input[i].name);
        json_key_string(j, r->input[i].run ? "run" : "path", r->input[i].path);
        if (r->input[i].run) json_key_bool(j, "best", r->input[i].best);
        json_end(j);
    }
    json_end(j);
}

static void put_holder(const struct run_look *r, struct json_out *j) {
    json_key(j, "holder");
    json_object(j);
    json_key_int(j, "pid", r->holder.pid);
    json_key_string(j, "host", r->holder.host);
    json_key_string(j, "job", *r->holder.job ? r->holder.job : NULL);
    json_end(j);
}

void run_look_json(const struct run_look *r, struct json_out *j) {
    json_object(j);
    json_key_string(j, "run", r->name);
    json_key_string(j, "config", r->config);
    json_key_string(j, "stage", r->stage);
    json_key_string(j, "state", run_state_names[r->state]);
    json_key_string(j, "folder", r->dir);
    json_key_real(j, "seconds", r->seconds);
    json_key_string(j, "metric", *r->metric ? r->metric : NULL);
    json_key_real(j, "value", r->value);
    json_key_int(j, "bytes", r->bytes);
    json_key_int(j, "changed", (int64_t)r->moved);
    put_inputs(r, j);
    if (r->locked) put_holder(r, j);
    if (r->failed_code) {
        json_key_int(j, "exit", r->failed_code);
        json_key_string(j, "error", r->failed);
    }
    json_end(j);
}

int print_and_free(struct str *text) {
    if (text->n) fwrite(text->at, 1, text->n, stdout);
    str_free(text);
    return fflush(stdout) ? error_set(ERR_IO, "stdout: cannot write") : 0;
}
