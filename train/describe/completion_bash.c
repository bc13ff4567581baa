/* Completion for bash, without the package bash-completion. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/describe/described.h"

static void put_options(struct str *out, const struct described *c) {
    for (size_t i = 0; i < c->n; i++) {
        for (const char *s = c->option[i].shorts; *s; s++)
            if (*s != '?') str_add(out, "-%c ", *s);
        for (size_t k = 0; k < c->option[i].longs.n; k++)
            str_add(out, "--%s%s ", c->option[i].longs.at[k],
                    c->option[i].argument && !c->option[i].optional ? "=" : "");
    }
}

/* "last|best" is a choice of words, DIR a folder; everything else may be a file. */
static void put_values(struct str *out, const char *argument) {
    if (strstr(argument, "DIR") || strstr(argument, "RUN"))
        str_add(out, "@folders");
    else if (strchr(argument, '|') && !strpbrk(argument, "=,[ '"))
        for (const char *a = argument; *a; a++) str_put(out, *a == '|' ? " " : a, 1);
    else
        str_add(out, "@files");
}

static void put_option_values(struct str *out, const struct described *c) {
    for (size_t i = 0; i < c->n; i++) {
        const struct described_option *o = &c->option[i];
        if (!o->argument) continue;
        str_add(out, "    '");
        bool some = false;
        for (const char *s = o->shorts; *s; s++) {
            str_add(out, "%s%s -%c'", some ? "|'" : "", c->name, *s);
            some = true;
        }
        for (size_t k = 0; k < o->longs.n; k++) {
            str_add(out, "%s%s --%s'", some ? "|'" : "", c->name, o->longs.at[k]);
            some = true;
        }
        str_add(out, ") echo '");
        put_values(out, o->argument);
        str_add(out, "' ;;\n");
    }
}

static void put_tables(struct str *out, const struct description *d) {
    str_add(out, "_ovseg_commands='");
    for (size_t i = 0; i < d->n; i++)
        if (!strchr(d->at[i].name, ' ')) str_add(out, "%s ", d->at[i].name);
    str_add(out, "--help --version'\n_ovseg_settings='");
    struct strings settings = described_settings();
    for (size_t i = 0; i < settings.n; i++) str_add(out, "%s= ", settings.at[i]);
    strings_free(&settings);
    str_add(out, "'\n\n_ovseg_parts() {\n    case $1 in\n");
    for (size_t i = 0; i < d->n; i++) {
        bool some = false;
        for (size_t k = 0; k < d->n; k++) {
            const struct described *p = &d->at[k];
            if (!described_is_part(p, d->at[i].name)) continue;
            str_add(out, some ? " " : "    '");
            if (!some) str_add(out, "%s') echo '", d->at[i].name);
            str_add(out, "%s", strchr(p->name, ' ') + 1);
            some = true;
        }
        if (some) str_add(out, "' ;;\n");
    }
    str_add(out, "    esac\n}\n\n_ovseg_options() {\n    case $1 in\n");
    for (size_t i = 0; i < d->n; i++) {
        str_add(out, "    '%s') echo '", d->at[i].name);
        put_options(out, &d->at[i]);
        str_add(out, "%s' ;;\n", d->at[i].argp ? "" : "--help");
    }
    str_add(out, "    esac\n}\n\n_ovseg_takes_settings() {\n    case $1 in\n");
    for (size_t i = 0; i < d->n; i++)
        if (described_takes_settings(&d->at[i]))
            str_add(out, "    '%s') return 0 ;;\n", d->at[i].name);
    str_add(out, "    esac\n    return 1\n}\n\n_ovseg_values() {\n    case $1 in\n");
    for (size_t i = 0; i < d->n; i++) put_option_values(out, &d->at[i]);
    str_add(out, "    esac\n}\n");
}

/* bash has cut the line at = and :, so that "--runs=out" is three words. */
static const char code[] =
    "\n"
    "_ovseg_shipped() { # @NAME: configs that come with the program\n"
    "    local at dir name\n"
    "    at=$(type -P \"${COMP_WORDS[0]}\") && at=$(readlink -f \"$at\") || return\n"
    "    dir=$(dirname \"$(dirname \"$at\")\")/share/ovseg/configs\n"
    "    for name in \"$dir/${1#@}\"*; do\n"
    "        [ -d \"$name\" ] && echo \"@${name#\"$dir/\"}/\"\n"
    "        case $name in *.yaml) echo \"@${name#\"$dir/\"}\" ;; esac\n"
    "    done\n"
    "}\n"
    "\n"
    "_ovseg_reply() { # WORDS CURRENT\n"
    "    local word\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r word; do COMPREPLY+=(\"$word\"); done < <(compgen -W \"$1\" -- "
    "\"$2\")\n"
    "    case ${COMPREPLY[0]-} in *= | */) compopt -o nospace 2>/dev/null ;; esac\n"
    "}\n"
    "\n"
    "_ovseg() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local command at=1 values parts\n"
    "    COMPREPLY=()\n"
    "    if [ \"$current\" = = ]; then current=; else\n"
    "        [ \"$before\" != = ] || before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    case ${COMP_WORDS[0]##*/} in\n"
    "    ovseg-train) command=train at=0 ;;\n"
    "    *)\n"
    "        if [ \"$COMP_CWORD\" = 1 ]; then\n"
    "            _ovseg_reply \"$_ovseg_commands\" \"$current\"\n"
    "            return\n"
    "        fi\n"
    "        command=${COMP_WORDS[1]}\n"
    "        ;;\n"
    "    esac\n"
    "    parts=$(_ovseg_parts \"$command\")\n"
    "    if [ -n \"$parts\" ] && [ \"$COMP_CWORD\" -gt $((at + 1)) ]; then\n"
    "        case \" $parts \" in\n"
    "        *\" ${COMP_WORDS[at + 1]} \"*) command=\"$command ${COMP_WORDS[at + 1]}\" ;;\n"
    "        esac\n"
    "    fi\n"
    "    values=$(_ovseg_values \"$command $before\")\n"
    "    case $values in\n"
    "    '') ;;\n"
    "    @folders)\n"
    "        compopt -o dirnames 2>/dev/null\n"
    "        return\n"
    "        ;;\n"
    "    @files) return ;;\n"
    "    *)\n"
    "        _ovseg_reply \"$values\" \"$current\"\n"
    "        return\n"
    "        ;;\n"
    "    esac\n"
    "    case $current in\n"
    "    -*) _ovseg_reply \"$(_ovseg_options \"$command\")\" \"$current\" ;;\n"
    "    @*) _ovseg_reply \"$(_ovseg_shipped \"$current\")\" \"$current\" ;;\n"
    "    *)\n"
    "        if [ -n \"$parts\" ] && [ \"$COMP_CWORD\" = $((at + 1)) ]; then\n"
    "            _ovseg_reply \"$parts\" \"$current\"\n"
    "        elif [ -n \"$current\" ] && _ovseg_takes_settings \"$command\"; then\n"
    "            _ovseg_reply \"$_ovseg_settings\" \"$current\"\n"
    "        fi\n"
    "        ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "complete -o default -o bashdefault -F _ovseg ovseg ovseg-train\n";

int write_bash(const struct description *d, const char *dir) {
    struct str out = {0};
    str_add(&out, "# Completion of ovseg for bash; made from the program's own tables.\n");
    put_tables(&out, d);
    str_put(&out, code, sizeof code - 1);
    char *path = path_join(dir, "ovseg.bash");
    int status = file_write(path, out.at, out.n);
    free(path);
    str_free(&out);
    return status;
}
