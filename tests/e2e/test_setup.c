/* Set-up for machines without network, and without Debian: what can be seen without fetching. What
 * is fetched, and taken from there in a bare Debian without network, is tried by hand:
 * docs/install.md. */
/* ctest: timeout=120 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static char *put(const char *name, const char *text, mode_t mode) {
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    CHECK_INT(chmod(path, mode), 0);
    free(dir);
    return path;
}

/* scripts/NAME ARGUMENT..., with a folder of its own for what it fetches and `bin` of the test in
 * front of the PATH. */
static struct ended script(const char *name, const char *const *arguments) {
    enum { MOST = 10 };
    char *path = mem_format("PATH=%s/bin:%s", test_dir(), getenv("PATH"));
    char *deps = mem_format("OVSEG_DEPS=%s/deps", test_dir());
    char *file = mem_format(TEST_SOURCE_DIR "/scripts/%s", name);
    const char *argv[MOST] = {"/bin/sh", file}, *environment[] = {path, deps, NULL};
    for (size_t i = 0; arguments[i] && i + 3 < MOST; i++) argv[2 + i] = arguments[i];
    struct process p;
    process_start(&p, argv, environment);
    struct ended e = process_wait(&p, 60);
    free(file);
    free(deps);
    free(path);
    return e;
}
#define SETUP(...) script("setup", (const char *const[]){__VA_ARGS__, NULL})

static void check_refused(struct ended e, int status, const char *text) {
    check_status(&e, status);
    CHECK_HAS(e.err, text);
    ended_free(&e);
}

TEST(options_that_contradict_each_other_are_refused_before_anything_is_fetched) {
    check_refused(SETUP("--from"), 64, "--from: names a folder");
    check_refused(SETUP("--nothing"), 64, "--nothing: not known");
    check_refused(SETUP("--download-only", "a", "--from", "b"), 64, "are for two machines");
    check_refused(SETUP("--download-only", "a", "--prefix", "b"), 64, "it has no --prefix");
    check_refused(SETUP("--runtime", "--cuda"), 64, "--runtime is of Debian packages alone");
    struct ended e = SETUP("--help");
    check_status(&e, 0);
    CHECK_HAS(e.out, "--download-only DIR");
    ended_free(&e);
}

TEST(a_folder_that_is_unfinished_or_damaged_is_not_taken_from) {
    char *dir = test_path("offline");
    free(put("offline/wheels/torch.whl", "abc", 0644));
    check_refused(SETUP("--from", dir), 69, "it has no\nSHA256SUMS");
    free(put(
        "offline/SHA256SUMS",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  ./wheels/torch.whl\n",
        0644));
    free(put("offline/wheels/torch.whl", "abd", 0644));
    check_refused(SETUP("--from", dir), 65, "copy it again");
    check_refused(SETUP("--from", "/nowhere"), 69, "/nowhere: no folder of --download-only");
    free(dir);
}

TEST(debian_packages_that_are_missing_there_are_named) {
    char *dir = test_path("offline");
    free(put("offline/wheels/torch.whl", "abc", 0644));
    free(put(
        "offline/SHA256SUMS",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  ./wheels/torch.whl\n",
        0644));
    free(put("bin/dpkg-query", "#!/bin/sh\n", 0755)); /* as if nothing were installed */
    check_refused(SETUP("--from", dir), 69, "has no Debian packages, and these are missing: gcc");
    free(dir);
}

/* Stands in for micromamba: says what it was asked, makes what the script looks for. */
static const char stub[] =
    "#!/bin/sh\n"
    "echo \"$@\" >>\"${OVSEG_DEPS%/deps}/asked\"\n"
    "if [ \"$1\" = run ]; then echo \"in $3: ${4##*/}\"; exit 0; fi\n"
    "mkdir -p \"$4/bin\" && : >\"$4/bin/cmake\" && chmod +x \"$4/bin/cmake\"\n"
    "printf '#!/bin/sh\\nexit 1\\n' >\"$4/bin/python3\" && chmod +x \"$4/bin/python3\"\n";

TEST(a_prefix_is_made_by_the_tool_that_is_there_and_the_build_goes_on_in_it) {
    char *prefix = test_path("prefix"), *asked = test_path("asked");
    free(put("bin/micromamba", stub, 0755));
    check_refused(SETUP("--prefix", prefix), 69, "has no pip"); /* its python is a stub, too */
    char *text = text_of(asked), *expected = mem_format("create --yes --prefix %s --file ", prefix);
    CHECK_HAS(text, expected);
    CHECK_HAS(text, "scripts/environment.yaml");
    free(text);
    free(expected);
    struct ended e = script("build", (const char *const[]){NULL});
    check_status(&e, 0);
    expected = mem_format("in %s: build", prefix);
    CHECK_HAS(e.out, expected);
    ended_free(&e);
    free(expected);
    free(asked);
    free(prefix);
}

TEST(without_such_a_tool_the_prefix_is_refused) {
    if (access("/usr/bin/conda", X_OK) == 0) test_skip("a conda is here");
    check_refused(SETUP("--prefix", "/tmp/x"), 69, "none of micromamba, mamba and conda");
}

/* Whether a list has this word. */
static bool has_word(const char *text, const char *word) {
    size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += n)
        if ((at == text || strchr(" \n", at[-1])) && strchr(" \n", at[n])) return true;
    return false;
}

/* The packages of an installed program, then "---", then those that have the libraries which the
 * program is linked with; libtorch's are none of Debian's, those of sanitizers are of tests. */
static const char list[] =
    "sed -n '/^runtime_packages/,/^}/p' " TEST_SOURCE_DIR
    "/scripts/setup >\"$0/list\"\n"
    ". \"$0/list\"; runtime_packages; echo ---\n"
    "libraries=$(ldd " TEST_BUILD_DIR
    "/bin/ovseg)\n"
    "objdump -p " TEST_BUILD_DIR
    "/bin/ovseg | sed -n 's/ *NEEDED *//p' | while read -r so; do\n"
    "    at=$(echo \"$libraries\" | awk -v so=\"$so\" '$1 == so { print $3 }')\n"
    "    case $at in *torch* | *nvidia* | *libasan* | *libubsan* | '') continue ;; esac\n"
    "    at=$(realpath \"$at\")\n"
    "    { dpkg -S \"$at\" || dpkg -S \"${at#/usr}\"; } 2>/dev/null | cut -d: -f1\n"
    "done | sort -u\n";

TEST(every_library_of_the_program_is_among_the_packages_of_an_installed_one) {
    struct process p;
    process_start(&p, (const char *const[]){"/bin/bash", "-c", list, test_dir(), NULL}, NULL);
    struct ended e = process_wait(&p, 60);
    check_status(&e, 0);
    char *cut = strstr(e.out, "---\n");
    CHECK(cut);
    *cut = '\0';
    size_t n = 0;
    for (char *line = cut + 4, *end; (end = strchr(line, '\n')); line = end + 1, n++) {
        *end = '\0';
        if (!has_word(e.out, line) && !has_word("libc6 libstdc++6 libgcc-s1 ", line))
            test_fail(__FILE__, __LINE__, "%s is not in runtime_packages of scripts/setup", line);
    }
    CHECK(n >= 10);
    ended_free(&e);
}
