/* ovseg nouns: captions on stdin, one a line; their tokens and nouns on stdout, a JSON object a
 * line: {"tokens": ["a", "red", "car"], "nouns": [2]}. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "data/nouns.h"
#include "train/cmd.h"

static const struct argp_option options[] = {
    {"backend", 'b', "NAME", 0, "What finds them: link-grammar (the default, and the only one)", 0},
    {0},
};

static const char doc[] =
    "Reads captions from stdin, one a line, and writes a JSON object a line: \"tokens\", "
    "lower-case, "
    "and \"nouns\", the indices of those that are nouns, from 0.\v"
    "Exit status: 0 done, 64 usage, 65 bad input, 66 no dictionary, 69 a build without "
    "link-grammar, 74 input or output.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    switch (key) {
    case 'b':
        if (strcmp(arg, "link-grammar") != 0)
            argp_error(state, "--backend %s: there is link-grammar alone", arg);
        break;
    case ARGP_KEY_ARG: argp_usage(state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_nouns(const struct noun_list *l, struct str *line) {
    struct json_out j = {.to = line};
    line->n = 0;
    json_object(&j);
    json_key(&j, "tokens");
    json_array(&j);
    for (size_t i = 0; i < l->token.n; i++) json_string(&j, l->token.at[i]);
    json_end(&j);
    json_key(&j, "nouns");
    json_array(&j);
    for (size_t i = 0; i < l->n; i++) json_int(&j, (int64_t)l->at[i]);
    json_end(&j);
    json_end(&j);
    puts(line->at);
}

static int read_captions(struct nouns *nouns) {
    struct noun_list list = {0};
    struct str out = {0};
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int status = 0;
    errno = 0;
    for (long number = 1; !status && (n = getline(&line, &cap, stdin)) >= 0; number++) {
        if (n && line[n - 1] == '\n') line[--n] = '\0';
        if (n && line[n - 1] == '\r') line[--n] = '\0';
        if (strlen(line) != (size_t)n)
            status = error_set(ERR_DATA, "stdin: line %ld: a NUL byte: not a text", number);
        if (!status) status = nouns_find(nouns, line, &list);
        if (!status) print_nouns(&list, &out);
    }
    if (!status && ferror(stdin))
        status = error_set(ERR_IO, "stdin: cannot read: %s", strerror(errno));
    if (!status && (fflush(stdout) || ferror(stdout)))
        status = error_set(ERR_IO, "stdout: cannot write");
    free(line);
    str_free(&out);
    noun_list_free(&list);
    return status;
}

int cmd_nouns(int argc, char **argv) {
    static const struct argp argp = {options, parse, NULL, doc, 0, 0, 0};
    struct nouns nouns;
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    if (nouns_open(&nouns, &(struct nouns_options){.backend = NOUNS_LINK_GRAMMAR}))
        return cmd_failed();
    int status = read_captions(&nouns);
    nouns_close(&nouns);
    return status ? cmd_failed() : 0;
}
