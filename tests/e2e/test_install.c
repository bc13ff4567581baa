/* What is installed: manual pages and completion that say all that --help says, and a prefix that
 * works wherever it is moved to, without the source tree. */
/* ctest: timeout=600 labels=slow */
#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static const char pages[] = TEST_BUILD_DIR "/pages";

static char *page(const char *name) {
    char *path = path_join(pages, name), *text = text_of(path);
    if (!*text) test_fail(__FILE__, __LINE__, "%s is not there", path);
    free(path);
    return text;
}

/* ---- all that --help says ---- */

/* The words behind two blanks at the beginning of lines: commands, parts. */
static struct strings names_in(const char *help) {
    struct strings names = {0};
    for (const char *line = help; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > 3 && line[0] == ' ' && line[1] == ' ' && islower((unsigned char)line[2])) {
            char *name = mem_format("%.*s", (int)strcspn(line + 2, " \n"), line + 2);
            strings_add(&names, name);
            free(name);
        }
        line += n + (line[n] == '\n');
    }
    return names;
}

/* The long options of a help: "  -y, --yes   Remove". */
static struct strings options_in(const char *help) {
    struct strings names = {0};
    for (const char *line = help; *line;) {
        size_t n = strcspn(line, "\n");
        const char *at = line + strspn(line, " ");
        if (at > line + 1 && at < line + 10 && at[0] == '-' && at[1] != '-') at += 4; /* "-y, " */
        if (at > line + 1 && at < line + 10 && strncmp(at, "--", 2) == 0) {
            char *name = mem_format("%.*s", (int)strcspn(at + 2, "=[, \n"), at + 2);
            strings_add(&names, name);
            free(name);
        }
        line += n + (line[n] == '\n');
    }
    return names;
}

/* As manual pages have it: dashes are \-. */
static char *in_roff(const char *option) {
    struct str s = {0};
    str_add(&s, "\\-\\-");
    for (; *option; option++) str_add(&s, *option == '-' ? "\\-" : "%c", *option);
    str_add(&s, "\\fR");
    return s.at;
}

/* The line of a case of the bash completion: "    'runs gc') echo '--yes ...' ;;". */
static char *bash_options(const char *bash, const char *command) {
    char *start = mem_format("\n    '%s') echo '-", command);
    const char *at = strstr(bash, start);
    if (!at) test_fail(__FILE__, __LINE__, "no options of %s in the completion", command);
    char *line = mem_format("%.*s", (int)strcspn(at + 1, "\n"), at + 1);
    free(start);
    return line;
}

/* The function of a command in the zsh completion. */
static char *zsh_options(const char *zsh, const char *command) {
    char *start = mem_format("\n_ovseg_%s() {\n", command);
    for (char *c = start; *c; c++)
        if (*c == '-' || (*c == ' ' && c[1] != '{')) *c = '_';
    const char *at = strstr(zsh, start);
    if (!at) test_fail(__FILE__, __LINE__, "no function of %s in the completion", command);
    const char *end = strstr(at + 1, "\n}\n");
    char *text = mem_format("%.*s", (int)(end - at), at);
    free(start);
    return text;
}

static void check_option(const char *command, const char *option, const char *man, const char *bash,
                         const char *zsh) {
    char *roff = in_roff(option), *plain = mem_format("--%s", option);
    if (!strstr(man, roff) || !strstr(bash, plain) || !strstr(zsh, plain))
        test_fail(__FILE__, __LINE__, "ovseg %s: %s: page %s, bash %s, zsh %s", command, plain,
                  strstr(man, roff) ? "has it" : "lacks it", strstr(bash, plain) ? "has" : "lacks",
                  strstr(zsh, plain) ? "has" : "lacks");
    free(roff);
    free(plain);
}

/* `ovseg NAME [PART]`: its options; returns the help, owned. */
static char *check_command(const char *command, const char *part, const char *bash,
                           const char *zsh) {
    char *name = part ? mem_format("%s %s", command, part) : mem_strdup(command);
    char *file = part ? mem_format("man1/ovseg-%s-%s.1", command, part)
                      : mem_format("man1/ovseg-%s.1", command);
    char *man = page(file);
    struct ended e = part ? OVSEG(command, part, "--help") : OVSEG(command, "--help");
    check_status(&e, 0);
    struct strings options = options_in(e.out);
    char *in_bash = options.n ? bash_options(bash, name) : NULL;
    char *in_zsh = options.n ? zsh_options(zsh, name) : NULL;
    for (size_t i = 0; i < options.n; i++) check_option(name, options.at[i], man, in_bash, in_zsh);
    char *help = mem_strdup(e.out);
    strings_free(&options);
    ended_free(&e);
    free(in_bash);
    free(in_zsh);
    free(man);
    free(file);
    free(name);
    return help;
}

TEST(every_command_part_and_option_of_help_is_in_its_page_and_in_both_completions) {
    char *bash = page("ovseg.bash"), *zsh = page("_ovseg"), *whole = page("man1/ovseg.1");
    struct ended e = OVSEG("--help");
    check_status(&e, 0);
    struct strings commands = names_in(e.out);
    CHECK(commands.n >= 18);
    size_t parts_seen = 0;
    for (size_t i = 0; i < commands.n; i++) {
        const char *c = commands.at[i];
        char *bold = mem_format("\\fB%s\\fR\n", c);
        CHECK_HAS(whole, bold);
        char *help = check_command(c, NULL, bash, zsh);
        char *group = mem_format("Usage: ovseg %s ", c);
        bool has_parts = strcmp(c, "runs") == 0 || strcmp(c, "cache") == 0;
        CHECK_HAS(help, group);
        struct strings parts = has_parts ? names_in(help) : (struct strings){0};
        for (size_t k = 0; k < parts.n; k++) free(check_command(c, parts.at[k], bash, zsh));
        parts_seen += parts.n;
        strings_free(&parts);
        free(group);
        free(bold);
        free(help);
    }
    CHECK(parts_seen >= 7);
    strings_free(&commands);
    ended_free(&e);
    free(bash);
    free(zsh);
    free(whole);
}

TEST(parts_that_have_a_usage_of_their_own_are_in_pages_and_completions_too) {
    static const char *const parts[][2] = {
        {"data", "prepare"}, {"data", "check"}, {"data", "split"}, {"data", "export"},
        {"mine", "inspect"}, {"mine", "edit"},  {"mine", "diff"},  {"mine", "export"}};
    char *bash = page("ovseg.bash"), *zsh = page("_ovseg");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        free(check_command(parts[i][0], parts[i][1], bash, zsh));
    free(bash);
    free(zsh);
}

TEST(every_setting_is_in_its_page_and_in_the_completion) {
    char *man = page("man5/ovseg-settings.5"), *bash = page("ovseg.bash");
    struct ended e = OVSEG("settings");
    check_status(&e, 0);
    size_t n = 0;
    for (const char *line = e.out; *line; n++) {
        if (*line != ' ') {
            char *key = mem_format("%.*s", (int)strcspn(line, ":"), line);
            char *bold = mem_format("\n\\fB%s\\fR", key), *word = mem_format("%s= ", key);
            CHECK_HAS(man, bold);
            CHECK_HAS(bash, word);
            free(key);
            free(bold);
            free(word);
        }
        line += strcspn(line, "\n") + 1;
    }
    CHECK(n > 300);
    ended_free(&e);
    free(man);
    free(bash);
}

/* ---- completion, in a bash ---- */

static struct ended command(const char *const *argv) {
    struct process p;
    process_start(&p, argv, NULL);
    return process_wait(&p, 300);
}

static struct ended shell(const char *script) {
    return command((const char *const[]){"/bin/bash", "--norc", "-c", script, NULL});
}

/* What bash offers behind these words, one a line. */
static char *offered(const char *bin, const char *words, int last) {
    char *script = mem_format(
        "PATH=%s:$PATH; . %s/ovseg.bash || exit 1\n"
        "COMP_WORDS=(%s) COMP_CWORD=%d\n"
        "compopt() { :; }\n" /* which works within a completion alone */
        "_ovseg\nprintf '%%s\\n' \"${COMPREPLY[@]}\"\n",
        bin, pages, words, last);
    struct ended e = shell(script);
    check_status(&e, 0);
    CHECK_TEXT(e.err, "");
    char *out = mem_strdup(e.out);
    ended_free(&e);
    free(script);
    return out;
}

static void check_offer(const char *words, int last, const char *expected) {
    char *out = offered("/nowhere", words, last);
    if (strcmp(out, expected) != 0)
        test_fail(__FILE__, __LINE__, "(%s): \"%s\", expected \"%s\"", words, out, expected);
    free(out);
}

TEST(bash_completes_commands_parts_options_choices_and_settings) {
    check_offer("ovseg se", 1, "segment\nserve\nsettings\n");
    check_offer("ovseg runs ''", 2, "list\nshow\ndiff\nrm\ngc\n");
    check_offer("ovseg runs gc --un", 3, "--unfinished\n--unused\n");
    check_offer("ovseg cache gc --k", 3, "--keep=\n");
    check_offer("ovseg train --dry", 2, "--dry-run\n");
    check_offer("ovseg-train --dry", 1, "--dry-run\n");
    check_offer("ovseg-train x.yaml optim.l", 2, "optim.lr=\n");
    check_offer("ovseg data prepare --damaged = s", 5, "stop\nskip\n");
    check_offer("ovseg data prepare --damaged =", 4, "stop\nskip\n");
    check_offer("ovseg doctor --nothing", 2, "\n");
    check_offer("ovseg runs list --runs ''", 4, "\n"); /* left to bash: files */
}

/* ---- completion, in a zsh ---- */

/* In an interactive one, in a terminal (tests/e2e/complete.zsh). Sorted. */
static void check_zsh(const char *functions, const char *bin, const char *line,
                      const char *expected) {
    char *work = test_path("zsh"), *script = test_source("tests/e2e/complete.zsh");
    CHECK_OK(dir_make(work));
    struct ended e = command((const char *const[]){"/usr/bin/env", "zsh", "-f", script, functions,
                                                   bin, work, line, NULL});
    if (e.status || strcmp(e.out, expected) != 0)
        test_fail(__FILE__, __LINE__, "\"%s\": %d, \"%s\"%s, expected \"%s\"", line, e.status,
                  e.out, e.err, expected);
    ended_free(&e);
    CHECK_OK(dir_remove(work));
    free(script);
    free(work);
}

static void need_zsh(void) {
    struct ended e = shell("command -v zsh");
    if (e.status) test_skip("there is no zsh (scripts/setup --dev installs it)");
    ended_free(&e);
}

TEST(zsh_completes_commands_parts_options_choices_and_settings) {
    static const struct {
        const char *line, *offers;
    } rows[] = {{"ovseg se", "segment\nserve\nsettings\n"},
                {"ovseg runs ", "diff\ngc\nlist\nrm\nshow\n"},
                {"ovseg runs gc --un", "--unfinished\n--unused\n"},
                {"ovseg cache gc --k", "--keep\n"},
                {"ovseg train --dry", "--dry-run\n"},
                {"ovseg-train --dry", "--dry-run\n"},
                {"ovseg-train x.yaml optim.l", "optim.lr=\n"},
                {"ovseg data prepare --damaged=s", "skip\nstop\n"},
                {"ovseg doctor --nothing", ""}};
    need_zsh();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_zsh(pages, TEST_BUILD_DIR "/bin", rows[i].line, rows[i].offers);
}

TEST(the_completions_are_free_of_errors_of_syntax) {
    char *bash = mem_format("bash -n %s/ovseg.bash", pages);
    struct ended e = shell(bash);
    check_status(&e, 0);
    CHECK_TEXT(e.err, "");
    ended_free(&e);
    free(bash);
    char *zsh = mem_format("command -v zsh >/dev/null || exit 0; zsh -n %s/_ovseg", pages);
    e = shell(zsh);
    check_status(&e, 0);
    CHECK_TEXT(e.err, "");
    ended_free(&e);
    free(zsh);
}

TEST(manual_pages_are_formatted_without_a_warning) {
    char *script = mem_format(
        "command -v man >/dev/null || exit 0\n"
        "for page in %s/man*/*; do\n"
        "    man --warnings -E UTF-8 -l \"$page\" 2>&1 >/dev/null || exit 1\n"
        "    ! command -v mandoc >/dev/null || mandoc -Tlint \"$page\" || exit 1\n"
        "done\n",
        pages);
    struct ended e = shell(script);
    check_status(&e, 0);
    CHECK_TEXT(e.out, "");
    CHECK_TEXT(e.err, "");
    ended_free(&e);
    free(script);
}

/* ---- the prefix ---- */

/* Installs into DIR/first and moves that to DIR/second, which is returned. */
static char *install_and_move(void) {
    char *first = test_path("first"), *second = test_path("second");
    struct ended e = command((const char *const[]){"/usr/bin/env", "cmake", "--install",
                                                   TEST_BUILD_DIR, "--prefix", first, NULL});
    check_status(&e, 0);
    ended_free(&e);
    CHECK_INT(rename(first, second), 0);
    free(first);
    return second;
}

/* The program of the prefix, in a name space where configs/, data/ and .deps/clip of the source
 * tree are empty; where such a one cannot be made, with the tree as it is. */
static struct ended installed(const char *prefix, const char *arguments) {
    char *script = mem_format(
        "cd %s || exit 1\n"
        "run() { exec %s/bin/ovseg-train %s threads=1; }\n"
        "hide() { for f in configs data .deps/clip; do mount -t tmpfs none " TEST_SOURCE_DIR
        "/$f || exit 99; done; }\n"
        "if [ -z \"$1\" ] && unshare -rm true 2>/dev/null; then\n"
        "    unshare -rm /bin/bash \"$0\" hidden; s=$?\n"
        "    [ $s = 99 ] || exit $s\n"
        "fi\n"
        "[ -z \"$1\" ] || hide\n"
        "run\n",
        test_dir(), prefix, arguments);
    char *file = test_path("run.sh");
    CHECK_OK(file_write(file, script, strlen(script)));
    struct ended e = command((const char *const[]){"/bin/bash", file, NULL});
    free(file);
    free(script);
    return e;
}

TEST(a_prefix_that_was_moved_runs_shipped_configs_without_the_source_tree) {
    char *prefix = install_and_move();
    struct ended e = installed(prefix, "@smoke/scenes.yaml");
    check_status(&e, 0);
    ended_free(&e);
    char *settings = file_of("runs", "scenes", "settings.yaml"), *text = text_of(settings);
    char *origin = mem_format(" # %s/share/ovseg/configs/smoke/scenes.yaml:", prefix);
    CHECK_HAS(text, origin); /* not the source tree's */
    /* with CLIP's vocabulary */
    e = installed(prefix, "@smoke/clip.yaml optim.steps=2 optim.warmup=0 validate.set=\"\"");
    check_status(&e, 0);
    ended_free(&e);
    free(settings);
    free(text);
    free(origin);
    free(prefix);
}

TEST(shipped_configs_are_bases_and_inputs_of_ones_own) {
    static const char text[] =
        "base: \"@smoke/finetune.yaml\"\n"
        "inputs: {scenes: \"@smoke/scenes.yaml\", clip: \"@smoke/clip.yaml\",\n"
        "         pairs: \"@smoke/mine.yaml\"}\n";
    char *prefix = install_and_move(), *own = test_path("own.yaml");
    CHECK_OK(file_write(own, text, strlen(text)));
    struct ended e = installed(prefix, "own.yaml --dry-run");
    check_status(&e, 0);
    CHECK_HAS(e.out, "run        own            clip-finetune");
    CHECK_HAS(e.out, "run        mine           mine");
    ended_free(&e);
    e = installed(prefix, "@mpt.yaml --dry-run");
    check_status(&e, 0);
    ended_free(&e);
    e = installed(prefix, "@paper/ovseg-r101c-vitb16/mpt.yaml --dry-run");
    check_status(&e, ERR_MISSING); /* weights and data, not the table of classes */
    CHECK_HAS(e.err, "weights/ViT-B-16.pt: No such file");
    CHECK(!strstr(e.err, "inputs.names"));
    ended_free(&e);
    free(own);
    free(prefix);
}

TEST(pages_completions_and_tables_are_in_the_prefix) {
    static const char *const files[] = {"bin/ovseg",
                                        "bin/ovseg-train",
                                        "share/man/man1/ovseg.1",
                                        "share/man/man1/ovseg-runs-gc.1",
                                        "share/man/man5/ovseg-settings.5",
                                        "share/bash-completion/completions/ovseg",
                                        "share/bash-completion/completions/ovseg-train",
                                        "share/zsh/site-functions/_ovseg",
                                        "share/ovseg/configs/mpt.yaml",
                                        "share/ovseg/configs/paper/prepare.yaml",
                                        "share/ovseg/data/labels/ade20k_150.yaml",
                                        "share/ovseg/clip/bpe_simple_vocab_16e6.txt.gz"};
    char *prefix = install_and_move();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = path_join(prefix, files[i]);
        if (!file_exists(path)) test_fail(__FILE__, __LINE__, "%s is not there", path);
        free(path);
    }
    char *source = path_join(prefix, "share/ovseg/configs/config.c"),
         *bin = path_join(prefix, "bin");
    CHECK(!file_exists(source));
    char *out = offered(bin, "ovseg train @paper/ovseg-r101c-vitb16/fi", 2);
    CHECK_TEXT(out, "@paper/ovseg-r101c-vitb16/finetune.yaml\n");
    free(out);
    free(source);
    free(bin);
    free(prefix);
}

TEST(zsh_completes_the_configs_of_the_prefix) {
    need_zsh();
    char *prefix = install_and_move(), *bin = path_join(prefix, "bin"),
         *functions = path_join(prefix, "share/zsh/site-functions");
    check_zsh(functions, bin, "ovseg train @paper/ovseg-r101c-vitb16/fi", "finetune.yaml\n");
    char *const owned[] = {prefix, bin, functions};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
