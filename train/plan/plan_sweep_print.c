/* A sweep's forecast as a table, and as JSON: a line for each config. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "train/commands/cmd_runs.h"
#include "train/plan/plan_sweep.h"

/* Stages of one config. */
struct line {
    const char *name, *kind, *why;
    size_t run, reused;
    double seconds, least, most, memory, disk;
    bool gpu;
};

struct lines {
    struct line *at;
    size_t n, cap;
};

static struct line *line_of(struct lines *l, const struct sweep_stage *s) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->at[i].name, s->name) == 0 && strcmp(l->at[i].kind, s->kind) == 0)
            return &l->at[i];
    l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    l->at[l->n] = (struct line){.name = s->name, .kind = s->kind, .least = INFINITY, .memory = NAN};
    return &l->at[l->n++];
}

static void gather(struct lines *l, const struct plan_sweep *p) {
    *l = (struct lines){0};
    for (size_t i = 0; i < p->sweep->n_stages; i++) {
        const struct sweep_stage *stage = &p->sweep->stage[i];
        const struct plan_sweep_stage *s = &p->stage[i];
        struct line *to = line_of(l, stage);
        to->reused += stage->state == SWEEP_DONE;
        if (!p->needed[i]) continue;
        to->run++;
        to->gpu |= s->gpu;
        to->seconds += s->seconds; /* one that is not known makes the sum unknown */
        to->disk += s->disk;
        to->least = fmin(to->least, s->seconds);
        to->most = fmax(to->most, s->seconds);
        to->memory = fmax(to->memory, s->memory);
        if (s->why && !to->why) to->why = s->why;
    }
}

/* "12.6 s", or "40.1 s to 1 min 20 s" where they differ by more than a twentieth. */
static void each(const struct line *l, char out[48]) {
    char least[16], most[16];
    plan_span(isnan(l->seconds) ? NAN : l->least, least);
    plan_span(isnan(l->seconds) ? NAN : l->most, most);
    if (!isnan(l->seconds) && l->most > 1.05 * l->least)
        snprintf(out, 48, "%s to %s", least, most);
    else
        snprintf(out, 48, "%s", most);
}

static void print_line(const struct line *l, struct str *out) {
    char time[48] = "-", all[16] = "-", memory[16] = "-", disk[16] = "-";
    if (l->run) {
        each(l, time);
        plan_span(l->seconds, all);
        plan_bytes(l->memory, memory);
        plan_bytes(l->disk, disk);
    }
    str_add(out, "%-14s %-14s %6zu %7zu  %28s %12s %9s %9s\n", l->name, l->kind, l->run, l->reused,
            time, all, memory, disk);
    if (l->why) str_add(out, "  not probed: %s\n", l->why);
}

static void print_hours(const struct plan_sweep *p, struct str *out) {
    const char *least = p->whole ? "" : "at least ";
    str_add(out, "core-hours: %s%.3g\n", least, p->core_seconds / 3600);
    str_add(out, "GPU-hours: %s\n", p->gpu ? "not known (device cuda)" : "0 (device cpu)");
}

void plan_sweep_print(const struct plan_sweep *p, const struct plan_options *o, struct str *out) {
    char seconds[16], wall[16], memory[16], disk[16], room[16], free_now[16];
    struct lines l;
    size_t run = 0;
    gather(&l, p);
    str_add(out, "%-14s %-14s %6s %7s  %28s %12s %9s %9s\n", "stage", "", "to run", "reused",
            "time of each", "in all", "memory", "disk");
    for (size_t i = 0; i < l.n; i++) {
        print_line(&l.at[i], out);
        run += l.at[i].run;
    }
    plan_span(p->seconds, seconds);
    plan_span(p->wall, wall);
    plan_bytes(p->memory, memory);
    plan_bytes(p->disk, disk);
    plan_bytes(p->room, room);
    plan_bytes(p->free_memory, free_now);
    str_add(out, "\n%zu trials: %zu of %zu stages to run", p->sweep->n_trials, run,
            p->sweep->n_stages);
    if (o->probe && run)
        str_add(out, ": in all %s%s, %s by the clock with -j %lld; %zu kinds of work were timed",
                p->whole ? "" : "at least ", seconds, wall, (long long)o->jobs, p->probes);
    str_add(out, "\n");
    if (o->probe) print_hours(p, out);
    if (run)
        str_add(out, "memory %s at most, %s are available; disk %s, %s are free\n", memory,
                free_now, disk, room);
    if (run && p->memory > p->free_memory && !p->gpu)
        str_add(out, "! more memory than is available: a smaller -j\n");
    if (run && p->disk > p->room)
        str_add(out, "! more disk than is free in %s\n", p->sweep->output_dir);
    free(l.at);
}

static void put_line(const struct line *l, struct json_out *j) {
    json_object(j);
    json_key_string(j, "name", l->name);
    json_key_string(j, "stage", l->kind);
    json_key_int(j, "run", (int64_t)l->run);
    json_key_int(j, "reused", (int64_t)l->reused);
    json_key_real(j, "seconds", l->run ? l->seconds : 0);
    json_key_real(j, "memory", l->run ? l->memory : 0);
    json_key_real(j, "disk", l->run ? l->disk : 0);
    json_key_string(j, "not_probed", l->why);
    json_end(j);
}

void plan_sweep_json(const struct plan_sweep *p, const struct plan_options *o, struct str *out) {
    struct json_out j = {.to = out};
    struct lines l;
    gather(&l, p);
    json_object(&j);
    json_key_int(&j, "trials", (int64_t)p->sweep->n_trials);
    json_key(&j, "stages");
    json_array(&j);
    for (size_t i = 0; i < l.n; i++) put_line(&l.at[i], &j);
    json_end(&j);
    json_key_int(&j, "jobs", o->jobs);
    json_key_bool(&j, "whole", p->whole && o->probe);
    json_key_real(&j, "seconds", o->probe ? p->seconds : NAN);
    json_key_real(&j, "wall", o->probe ? p->wall : NAN);
    json_key_real(&j, "core_hours", o->probe ? p->core_seconds / 3600 : NAN);
    json_key_real(&j, "gpu_hours", p->gpu ? NAN : 0);
    json_key_real(&j, "memory", p->memory);
    json_key_real(&j, "disk", p->disk);
    json_key_real(&j, "free_memory", p->free_memory);
    json_key_real(&j, "free_disk", p->room);
    json_end(&j);
    str_add(out, "\n");
    free(l.at);
}
