/* ovseg: one program, a command a word; called ovseg-train it is `ovseg train`. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/h5.h"
#include "nn/torch/tensor.h"
#include "train/commands/cmd.h"

static void help(FILE *to) {
    fprintf(to,
            "Usage: ovseg COMMAND [ARGUMENT...]\n"
            "Open-vocabulary semantic segmentation: train, adapt, evaluate.\n\n");
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "  %-10s %s\n", c->name, c->help);
    fprintf(to, "\n`ovseg COMMAND --help` explains a command; `ovseg-train` is `ovseg train`.\n");
}

/* Its usage and its messages begin with what the user types. */
static int run(const struct command *c, int argc, char **argv) {
    char name[32];
    snprintf(name, sizeof name, "ovseg %s", c->name);
    argv[0] = name;
    return c->run(argc, argv);
}

int main(int argc, char **argv) {
    mem_keep_pages();
    h5_without_end();
    const char *name = path_base(argv[0]);
    if (strcmp(name, "ovseg-train") == 0) return cmd_train(argc, argv);
    if (argc < 2) {
        help(stderr);
        return ERR_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("ovseg %s\nlibtorch %s\nHDF5 %s\n", OVSEG_VERSION, t_version(), h5_library());
        return 0;
    }
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(c->name, argv[1]) == 0) return run(c, argc - 1, argv + 1);
    fprintf(stderr, "ovseg: no command \"%s\"; `ovseg --help` lists them\n", argv[1]);
    return ERR_USAGE;
}
