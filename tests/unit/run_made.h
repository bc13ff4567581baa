/* Run folders by hand, for tests of what reads them. */
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

static inline void put_in(const char *dir, const char *name, const char *text) {
    char *path = path_join(dir, name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
}

/* DIR/NAME with what a run has from its beginning; `inputs`: of inputs.json. Owned. */
static inline char *made_run(const char *dir, const char *name, const char *stage,
                             const char *inputs) {
    char *run = path_join(dir, name);
    char *settings = mem_format(
        "stage: %s                 # mpt.yaml:2:8\n"
        "seed: 1                   # default\n"
        "optim.lr: 0.005           # command line\n",
        stage);
    char *identity =
        mem_format("ovseg run 1\nstage %s revision 2\noptim.lr=0.005\nseed=1\n", stage);
    CHECK_OK(dir_make(run));
    put_in(run, "settings.yaml", settings);
    put_in(run, "identity.txt", identity);
    put_in(run, "inputs.json", inputs);
    free(settings);
    free(identity);
    return run;
}
