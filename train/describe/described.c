/* Every command hands its argp to argp_parse(). This program is linked with --wrap=argp_parse: it
 * calls each command in a child, which ends there and says where the argp is. The tables are
 * constants, so they lie at the same place in this process. */
#include "train/describe/described.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "configs/config.h"
#include "train/commands/cmd.h"

static int answer = -1; /* in a child: where it says what it found */

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's name for it */
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags,
                          int *index, void *input);
/* NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's name for it */
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags,
                          int *index, void *input) {
    (void)argc, (void)argv, (void)flags, (void)index, (void)input;
    _exit(write(answer, &argp, sizeof(void *)) == (ssize_t)sizeof(void *) ? 0 : 1);
}

/* NULL: it ended without asking, as one that has parts alone does. */
static const struct argp *argp_of(const struct command *c, const char *name) {
    const struct argp *argp = NULL;
    int ends[2];
    REQUIRE(!pipe(ends), "no pipe");
    fflush(NULL);
    pid_t pid = fork();
    REQUIRE(pid >= 0, "no process");
    if (!pid) {
        char *whole = mem_format("ovseg %s", name), config[] = "CONFIG";
        char *argv[] = {whole, config, NULL};
        answer = ends[1];
        REQUIRE(freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr), "no null");
        c->run(2, argv);
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &argp, sizeof(void *)) != (ssize_t)sizeof(void *)) argp = NULL;
    close(ends[0]);
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid, "lost a child");
    return argp;
}

static struct described_option *add_option(struct described *c, const struct argp_option *o,
                                           const char *header) {
    c->option = mem_grow(c->option, &c->cap, c->n + 1, sizeof *c->option);
    c->option[c->n] = (struct described_option){.argument = o->arg,
                                                .optional = o->flags & OPTION_ARG_OPTIONAL,
                                                .doc = o->doc ? o->doc : "",
                                                .header = header};
    return &c->option[c->n++];
}

static void add_names(struct described_option *to, const struct argp_option *o) {
    size_t n = strlen(to->shorts);
    if (o->name) strings_add(&to->longs, o->name);
    if (o->key > ' ' && o->key < 0x7F && n + 1 < sizeof to->shorts) to->shorts[n] = (char)o->key;
}

static void add_options(struct described *c, const struct argp *argp, const char *header) {
    struct described_option *last = NULL;
    const struct argp_option *o = argp->options;
    for (; o && (o->name || o->key || o->doc); o++) {
        if (!o->name && !o->key) {
            header = o->doc;
        } else if (!(o->flags & (OPTION_HIDDEN | OPTION_DOC))) {
            if (!(o->flags & OPTION_ALIAS) || !last) {
                last = add_option(c, o, header);
                header = NULL;
            }
            add_names(last, o);
        }
    }
    for (const struct argp_child *k = argp->children; k && k->argp; k++)
        add_options(c, k->argp, k->header);
}

/* Those that argp gives to every command. */
static void add_usual(struct described *c) {
    static const struct argp_option usual[] = {
        {"help", '?', 0, 0, "Print what this command does and its options", 0},
        {"usage", 0, 0, 0, "Print its options in short", 0}};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        add_names(add_option(c, &usual[i], NULL), &usual[i]);
}

static int add(struct description *d, const struct command *c, const char *of) {
    char *name = of ? mem_format("%s %s", of, c->name) : mem_strdup(c->name);
    bool group = false;
    for (const struct command_group *g = command_groups; !of && g->command; g++)
        group |= strcmp(g->command, c->name) == 0;
    d->at = mem_grow(d->at, &d->cap, d->n + 1, sizeof *d->at);
    struct described *k = &d->at[d->n++];
    *k = (struct described){.name = name, .help = c->help, .argp = argp_of(c, name)};
    if (!k->argp && !group)
        return error_set(ERR_INTERNAL, "ovseg %s: does not parse its arguments by argp", name);
    if (k->argp) {
        add_options(k, k->argp, NULL);
        add_usual(k);
    }
    return 0;
}

int describe_all(struct description *d) {
    int status = 0;
    *d = (struct description){0};
    for (const struct command *c = commands; c->name && !status; c++) {
        status = add(d, c, NULL);
        for (const struct command_group *g = command_groups; g->command && !status; g++)
            for (const struct command *p = g->parts; p->name && !status; p++)
                if (strcmp(g->command, c->name) == 0) status = add(d, p, c->name);
    }
    return status;
}

bool described_is_part(const struct described *c, const char *command) {
    size_t n = strlen(command);
    return strncmp(c->name, command, n) == 0 && c->name[n] == ' ';
}

bool described_takes_settings(const struct described *c) {
    return c->argp && c->argp->args_doc && strstr(c->argp->args_doc, "KEY=VALUE");
}

struct strings described_settings(void) {
    struct settings_table t = config_known();
    struct strings keys = {0};
    for (size_t k = 0; k < t.n; k++)
        for (size_t i = 0; i < t.at[k].n; i++) {
            char key[SETTING_MAX_KEY];
            setting_key(&t.at[k], &t.at[k].rows[i], key);
            strings_add(&keys, key);
        }
    strings_settle(&keys);
    return keys;
}

void description_free(struct description *d) {
    for (size_t i = 0; i < d->n; i++) {
        for (size_t k = 0; k < d->at[i].n; k++) strings_free(&d->at[i].option[k].longs);
        free(d->at[i].option);
        free(d->at[i].name);
    }
    free(d->at);
    *d = (struct description){0};
}
