/* Completion for zsh. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/describe/described.h"

/* The first sentence of a text, in a single-quoted spec of _arguments. */
static void put_spec(struct str *out, const char *text) {
    for (; *text && *text != '\n' && !(text[0] == '.' && text[1] == ' '); text++) {
        if (*text == '\'')
            str_add(out, "'\\''");
        else if (strchr("[]:\\", *text))
            str_add(out, "\\%c", *text);
        else
            str_put(out, text, 1);
    }
}

static void put_action(struct str *out, const char *argument) {
    if (strstr(argument, "DIR") || strstr(argument, "RUN")) {
        str_add(out, "_files -/");
    } else if (strchr(argument, '|') && !strpbrk(argument, "=,[ '")) {
        str_add(out, "(");
        for (const char *a = argument; *a; a++) str_put(out, *a == '|' ? " " : a, 1);
        str_add(out, ")");
    } else if (strstr(argument, "FILE") || strstr(argument, "CONFIG") || strstr(argument, "PATH")) {
        str_add(out, "_files");
    }
}

static void put_name(struct str *out, const char *name, const struct described_option *o) {
    bool is_long = name[1] == '-';
    str_add(out, "        '*%s%s[", name, !o->argument ? "" : is_long ? "=" : "+");
    put_spec(out, o->doc);
    str_add(out, "]");
    if (o->argument) {
        str_add(out, ":%s", o->optional ? ":" : "");
        put_spec(out, o->argument);
        str_add(out, ":");
        put_action(out, o->argument);
    }
    str_add(out, "' \\\n");
}

static void put_option(struct str *out, const struct described_option *o) {
    for (const char *s = o->shorts; *s; s++)
        if (*s != '?') put_name(out, (char[]){'-', *s, 0}, o);
    for (size_t i = 0; i < o->longs.n; i++) {
        char *name = mem_format("--%s", o->longs.at[i]);
        put_name(out, name, o);
        free(name);
    }
}

/* "runs list" is _ovseg_runs_list. */
static void put_function(struct str *out, const char *name) {
    str_add(out, "_ovseg_");
    for (; *name; name++) str_put(out, isalnum((unsigned char)*name) ? name : "_", 1);
}

static void put_list(struct str *out, const struct description *d, const char *of) {
    for (size_t i = 0; i < d->n; i++) {
        const struct described *c = &d->at[i];
        const char *name = of ? strchr(c->name, ' ') : c->name;
        if (of ? !described_is_part(c, of) : strchr(name, ' ') != NULL) continue;
        str_add(out, "        '%s:", of ? name + 1 : name);
        put_spec(out, c->help);
        str_add(out, "'\n");
    }
}

static bool has_parts(const struct description *d, const char *command) {
    for (size_t i = 0; i < d->n; i++)
        if (described_is_part(&d->at[i], command)) return true;
    return false;
}

static void put_command(struct str *out, const struct description *d, const struct described *c) {
    str_add(out, "\n");
    put_function(out, c->name);
    str_add(out, "() {\n");
    if (has_parts(d, c->name)) {
        str_add(out, "    local -a parts\n    parts=(\n");
        put_list(out, d, c->name);
        str_add(out,
                "    )\n    if (( CURRENT == 2 )); then\n        _describe -t parts part parts\n"
                "        %s\n    fi\n"
                "    if (( $+functions[",
                c->argp ? "_files" : "return");
        put_function(out, c->name);
        str_add(out,
                "_${words[2]}] )); then\n        local part=${words[2]}\n        shift words\n"
                "        (( CURRENT-- ))\n        ");
        put_function(out, c->name);
        str_add(out, "_$part\n        return\n    fi\n");
    }
    if (c->argp) {
        str_add(out, "    _arguments -s -S \\\n");
        for (size_t i = 0; i < c->n; i++) put_option(out, &c->option[i]);
        str_add(out, "        '*: :_ovseg_argument%s'\n",
                described_takes_settings(c) ? "_or_setting" : "");
    }
    str_add(out, "}\n");
}

static const char code[] =
    "\n"
    "_ovseg_argument() { # a file, or @NAME: a config that comes with the program\n"
    "    local program=${commands[ovseg]:A}\n"
    "    if [[ $PREFIX == @* ]]; then\n"
    "        compset -P '@'\n"
    "        _files -P @ -W ${program:h:h}/share/ovseg/configs\n"
    "    else\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "\n"
    "_ovseg_argument_or_setting() {\n"
    "    [[ -z $PREFIX ]] || compadd -S '' -- $_ovseg_keys\n"
    "    _ovseg_argument\n"
    "}\n"
    "\n"
    "_ovseg() {\n"
    "    if [[ $service == ovseg-train ]]; then\n"
    "        _ovseg_train\n"
    "        return\n"
    "    fi\n"
    "    if (( CURRENT == 2 )); then\n"
    "        _describe -t commands command _ovseg_commands\n"
    "        return\n"
    "    fi\n"
    "    local command=${words[2]}\n"
    "    shift words\n"
    "    (( CURRENT-- ))\n"
    "    (( $+functions[_ovseg_$command] )) && _ovseg_$command || _files\n"
    "}\n"
    "\n"
    "_ovseg \"$@\"\n";

int write_zsh(const struct description *d, const char *dir) {
    struct str out = {0};
    str_add(&out,
            "#compdef ovseg ovseg-train\n"
            "# Completion of ovseg for zsh; made from the program's own tables.\n\n"
            "typeset -ga _ovseg_commands\n_ovseg_commands=(\n");
    put_list(&out, d, NULL);
    str_add(&out, ")\n\ntypeset -ga _ovseg_keys\n_ovseg_keys=(\n");
    struct strings settings = described_settings();
    for (size_t i = 0; i < settings.n; i++) str_add(&out, "    %s=\n", settings.at[i]);
    strings_free(&settings);
    str_add(&out, ")\n");
    for (size_t i = 0; i < d->n; i++) put_command(&out, d, &d->at[i]);
    str_put(&out, code, sizeof code - 1);
    char *path = path_join(dir, "_ovseg");
    int status = file_write(path, out.at, out.n);
    free(path);
    str_free(&out);
    return status;
}
