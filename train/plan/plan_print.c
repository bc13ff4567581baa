/* A forecast as a table, and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "train/commands/cmd_runs.h"
#include "train/plan/plan.h"
#include "train/run/run.h"

void plan_span(double s, char out[16]) {
    if (isnan(s))
        snprintf(out, 16, "?");
    else
        clock_span(s, out);
}

void plan_bytes(double x, char out[16]) {
    if (isnan(x))
        snprintf(out, 16, "?");
    else
        bytes_text((int64_t)x, out);
}

/* "3.1 GFLOP" */
static void flops(double x, char out[24]) {
    static const char *const units[] = {"M", "G", "T", "P", "E"};
    int i = 0;
    x /= 1e6;
    while (x >= 999.5 && i < 4) x /= 1e3, i++;
    if (isnan(x))
        snprintf(out, 24, "?");
    else
        snprintf(out, 24, "%.3g %sFLOP", x, units[i]);
}

static void print_stage(const struct plan_stage *s, struct str *out) {
    char units[48] = "?", took[16], memory[16], disk[16], work[24], fits[24] = "-",
         params[24] = "-";
    const struct plan_counts *c = &s->counts;
    plan_span(s->seconds, took);
    plan_bytes(s->memory, memory);
    plan_bytes(s->disk, disk);
    flops(s->flop, work);
    if (c->units >= 0) snprintf(units, sizeof units, "%lld %s", (long long)c->units, c->unit);
    if (c->params) snprintf(params, sizeof params, "%.2f M", (double)c->params / 1e6);
    if (s->fits)
        snprintf(fits, sizeof fits, "%lld (now %lld)", (long long)s->fits, (long long)c->at_once);
    if (s->reused) {
        str_add(out, "%-12s %-14s %s, reused\n", s->node->name, s->node->stage->name, s->node->dir);
        return;
    }
    str_add(out, "%-12s %-14s %16s %11s %12s %12s %9s %9s   %s\n", s->node->name,
            s->node->stage->name, units, params, work, took, memory, disk, fits);
    if (s->probe.why) str_add(out, "  not probed: %s\n", s->probe.why);
}

/* What a probe's own threads take from each other is less. */
static void tell_busy(const struct plan *p, struct str *out) {
    static const double MUCH = 0.35;
    double waited = 0, lasted = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct plan_probe *probe = &p->at[i].probe;
        if (!probe->there) continue;
        waited += probe->waited;
        lasted += probe->lasted;
    }
    if (waited > MUCH * lasted)
        str_add(out,
                "! other programs are at work here: the probe waited %.0f %% of its time for a "
                "core, and times are too high\n",
                100 * waited / lasted);
}

void plan_print(const struct plan *p, const struct plan_options *o, struct str *out) {
    char seconds[16], wall[16], memory[16], disk[16], room[16], free_now[16], work[24];
    int threads = run_threads(p->graph->named);
    str_add(out, "%-12s %-14s %16s %11s %12s %12s %9s %9s   %s\n", "stage", "", "units",
            "parameters", "work", "time", "memory", "disk", "batch that fits");
    for (size_t i = 0; i < p->n; i++) print_stage(&p->at[i], out);
    plan_span(p->seconds, seconds);
    plan_span(p->wall, wall);
    plan_bytes(p->memory, memory);
    plan_bytes(p->disk, disk);
    plan_bytes(p->room, room);
    plan_bytes(p->free_memory, free_now);
    flops(p->flop, work);
    if (o->probe)
        str_add(out, "\nin all %s%s, %s by the clock, with stages side by side; %d thread%s\n",
                p->whole ? "" : "at least ", seconds, wall, threads, threads == 1 ? "" : "s");
    else
        str_add(out,
                "\nby counts alone: no times; memory is parameters, gradients, moments and what "
                "is kept for the backward\n");
    str_add(out, "work %s%s; memory %s at most, %s are available; disk %s, %s are free\n", work,
            p->counted ? "" : " at least", memory, free_now, disk, room);
    str_add(out, "GPU-hours: %s\n", p->gpu ? "not known (device cuda)" : "0 (device cpu)");
    tell_busy(p, out);
    if (p->memory > p->free_memory && (!p->gpu || o->memory > 0))
        str_add(out,
                "! more memory than is available: fewer samples at once (batch.micro; a smaller "
                "batch.global changes results), or checkpointing=blocks\n");
    if (p->disk > p->room)
        str_add(out, "! more disk than is free in %s\n", p->graph->named->config.run.output_dir);
}

static void put_stage(const struct plan_stage *s, struct json_out *j) {
    json_object(j);
    json_key_string(j, "name", s->node->name);
    json_key_string(j, "stage", s->node->stage->name);
    json_key_bool(j, "reused", s->reused);
    json_key_int(j, "units", s->counts.units);
    json_key_string(j, "unit", s->counts.unit);
    json_key_int(j, "batch", s->counts.batch);
    json_key_real(j, "flop", s->flop);
    json_key_int(j, "parameters", s->counts.params);
    json_key_real(j, "seconds", s->seconds);
    json_key_real(j, "unit_seconds", s->probe.there ? s->probe.unit : NAN);
    json_key_real(j, "start_seconds", s->probe.there ? s->probe.start : NAN);
    json_key_real(j, "waited", s->probe.there ? s->probe.waited / s->probe.lasted : NAN);
    json_key_real(j, "memory", s->memory);
    json_key_real(j, "disk", s->disk);
    json_key_int(j, "batch_at_once", s->counts.at_once);
    json_key_int(j, "batch_fits", s->fits);
    json_key_string(j, "not_probed", s->probe.why);
    json_end(j);
}

void plan_json(const struct plan *p, struct str *out) {
    struct json_out j = {.to = out};
    json_object(&j);
    json_key(&j, "stages");
    json_array(&j);
    for (size_t i = 0; i < p->n; i++) put_stage(&p->at[i], &j);
    json_end(&j);
    json_key_bool(&j, "whole", p->whole);
    json_key_real(&j, "seconds", p->seconds);
    json_key_real(&j, "wall", p->wall);
    json_key_real(&j, "flop", p->flop);
    json_key_real(&j, "memory", p->memory);
    json_key_real(&j, "disk", p->disk);
    json_key_real(&j, "gpu_hours", p->gpu ? NAN : 0);
    json_key_real(&j, "free_memory", p->free_memory);
    json_key_real(&j, "free_disk", p->room);
    json_end(&j);
    str_add(out, "\n");
}
