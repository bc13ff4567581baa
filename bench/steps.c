/* Our side of bench/run: one cell, stepped when it is asked to. The other side, torch_steps.py,
 * understands the same commands.
 *
 * Usage: steps CELL FOLDER BATCH SIDE THREADS, then a command a line on standard input, each
 * answered by one line of JSON on standard output:
 *
 *   gradients FILE  loss and gradients into a safetensors file
 *   step            trains one step: its seconds and loss
 *   costs           the same, with counted costs
 *   mode P [again]  steps are made in precision P from now on, blocks computed again in the
 * backward (this side alone) peak            the rate of a large matrix product (this side alone)
 *
 * First it leaves weights.safetensors and batch.safetensors in FOLDER and says how it is set up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "bench/cells.h"
#include "checkpoints/weights.h"
#include "nn/torch/costs.h"

static void answer(struct str *text) {
    puts(text->at);
    fflush(stdout);
    str_free(text);
}

static void done(void) {
    struct str text = {0};
    str_add(&text, "{}");
    answer(&text);
}

static int save(const char *folder, const char *name, const struct params *p) {
    char *path = path_join(folder, name);
    int status = weights_save(path, p, NULL, 0);
    free(path);
    return status;
}

/* The modes of "fp32", "bf16 again", ...; -1: there are none of that name. */
static int modes_of(const char *text) {
    size_t n = strcspn(text, " ");
    bool again = strcmp(text + n, " again") == 0;
    for (int p = 0; precision_names[p]; p++)
        if (strncmp(precision_names[p], text, n) == 0 && precision_names[p][n] == '\0' &&
            (again || !text[n]))
            return T_PRECISION(p) | (again ? T_RECOMPUTE : T_INHERIT);
    return -1;
}

static int step(struct cell *c, int64_t *n, int modes, bool count) {
    struct str text = {0};
    struct json_out j = {.to = &text};
    struct metrics_row row = {0};
    struct t_costs costs = {0};
    double start = clock_s();
    if (count) t_costs_begin();
    int scope = t_scope_open("", modes);
    int status = training_step(&c->training, (*n)++, &row);
    t_scope_close(scope, NULL);
    if (count) costs = t_costs_end();
    double seconds = clock_s() - start;
    json_object(&j);
    json_key_real(&j, "seconds", seconds);
    for (int i = 0; i < row.n; i++) json_key_real(&j, row.at[i].name, row.at[i].value);
    if (count) {
        json_key_int(&j, "flop", costs.flop);
        json_key_int(&j, "calls", costs.calls);
        json_key_int(&j, "bytes", costs.bytes);
        json_key_int(&j, "peak_bytes", costs.peak);
    }
    json_end(&j);
    answer(&text);
    return status;
}

/* FLOP a second of a product of two matrices of 2048: what this machine can do at this moment. */
static int peak(void) {
    enum { N = 2048, TIMES = 5 };
    double best = 0;
    int scope = t_scope_open("peak", T_NO_GRAD);
    tensor *a = t_ones(SHAPE(N, N), T_F32);
    for (int i = 0; i < TIMES; i++) {
        double start = clock_s();
        int inner = t_scope_open("product", T_INHERIT);
        t_matmul(a, a);
        t_scope_close(inner, NULL);
        double rate = 2.0 * N * N * N / (clock_s() - start);
        if (rate > best) best = rate;
    }
    t_scope_close(scope, NULL);
    struct str text = {0};
    struct json_out j = {.to = &text};
    json_object(&j);
    json_key_real(&j, "flop_per_second", best);
    json_end(&j);
    answer(&text);
    return error_status();
}

static int gradients(struct cell *c, const char *path) {
    struct params out = {0};
    cell_gradients(c, &out);
    int status = error_status() ? error_status() : weights_save(path, &out, NULL, 0);
    params_free(&out);
    done();
    return status;
}

static int serve(struct cell *c) {
    char line[4096];
    int64_t n = 0;
    int status = 0, modes = T_INHERIT;
    while (!status && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "step") == 0)
            status = step(c, &n, modes, false);
        else if (strcmp(line, "costs") == 0)
            status = step(c, &n, modes, true);
        else if (strcmp(line, "peak") == 0)
            status = peak();
        else if (strncmp(line, "mode ", 5) == 0 && (modes = modes_of(line + 5)) >= 0)
            done();
        else if (strncmp(line, "gradients ", 10) == 0)
            status = gradients(c, line + 10);
        else
            status = error_set(ERR_USAGE, "steps: no command \"%s\"", line);
    }
    return status;
}

static int open_and_serve(char **argument) {
    struct cell c;
    struct cell_options o = {strtoll(argument[2], NULL, 10), strtoll(argument[3], NULL, 10)};
    t_set_threads((int)strtol(argument[4], NULL, 10));
    int status = cell_open(&c, argument[0], &o);
    if (!status) status = save(argument[1], "weights.safetensors", &c.params);
    if (!status) status = save(argument[1], "batch.safetensors", &c.batch);
    if (!status) {
        struct str text = {0};
        struct json_out j = {.to = &text};
        json_object(&j);
        json_key_string(&j, "libtorch", t_version());
        json_key_int(&j, "threads", t_threads());
        json_key_int(&j, "trained", params_count(&c.params, true));
        json_end(&j);
        answer(&text);
        status = serve(&c);
    }
    cell_free(&c);
    return status;
}

int main(int argc, char **argv) {
    mem_keep_pages();
    if (argc != 6) {
        fprintf(stderr, "Usage: steps CELL FOLDER BATCH SIDE THREADS\n");
        return ERR_USAGE;
    }
    int scope = t_scope_open("steps", T_INHERIT);
    int status = open_and_serve(argv + 1);
    if (status) fprintf(stderr, "steps: %s\n", error_message());
    t_scope_close(scope, NULL);
    return status;
}
