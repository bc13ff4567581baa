#include "train/cluster/site.h"

#include <stdlib.h>

#include "base/file.h"
#include "tests/test.h"

/* Reads a text as a profile; what is said of it, "" when it is good. */
static const char *read(struct site *s, const char *text) {
    static char report[4000];
    char *path = test_path("site.yaml");
    CHECK_OK(file_write(path, text, strlen(text)));
    int status = site_read(s, path);
    CHECK(status == 0 || status == ERR_CONFIG);
    const char *said = error_message(), *name = strstr(said, "site.yaml");
    snprintf(report, sizeof report, "%s", name ? name : said);
    error_clear();
    free(path);
    return report;
}

static void check_refused(const char *text, const char *expected) {
    struct site s;
    CHECK_HAS(read(&s, text), expected);
    site_close(&s);
}

TEST(a_profile_is_read) {
    struct site s;
    CHECK_TEXT(read(&s,
                    "prologue:\n"
                    "  - module purge\n"
                    "  - module load apptainer/1.3\n"
                    "launcher: srun --mpi=pmix_v4\n"
                    "gpu_type: a100\n"
                    "env: {OMP_PROC_BIND: close, MY_NAME: it's me}\n"
                    "sbatch: {account: vision, qos: long, exclusive: \"\", mail-type: END}\n"
                    "container: {image: /images/ovseg.sif, options: [--bind, /data]}\n"),
               "");
    CHECK_INT(s.prologue.n, 2);
    CHECK_TEXT(s.prologue.at[1], "module load apptainer/1.3");
    CHECK_TEXT(s.launcher, "srun --mpi=pmix_v4");
    CHECK_TEXT(s.gpu_type, "a100");
    CHECK_TEXT(string_map_get(&s.env, "MY_NAME"), "it's me");
    CHECK_TEXT(string_map_get(&s.sbatch, "exclusive"), "");
    CHECK_TEXT(s.image, "/images/ovseg.sif");
    CHECK_TEXT(s.runtime, "apptainer");
    CHECK_TEXT(s.options.at[1], "/data");
    site_close(&s);
}

TEST(mistakes_have_their_file_line_and_column) {
    check_refused("prologue: [x]\nluncher: mpirun\n",
                  "site.yaml:2:1: unknown setting luncher (did you mean launcher?)");
    check_refused("prologue: module load x\n", "site.yaml:1:11: prologue: expected a list");
    check_refused("env: {A-B: x}\n", "site.yaml:1:12: env.A-B: \"A-B\" is no name of a variable");
    check_refused("env: {1A: x}\n", "no name of a variable");
    check_refused("env:\n  A: \"x\\ny\"\n", "site.yaml:2:6: env.A: a line break");
    check_refused("env: {A: [x]}\n", "env.A");
    check_refused("sbatch: {--qos: x}\n", "\"--qos\" is no option of sbatch");
    check_refused("sbatch: {Qos: x}\n", "\"Qos\" is no option of sbatch");
    check_refused("sbatch: {comment: \"a\\nb\"}\n", "sbatch.comment: a line break");
    check_refused("sbatch:\n  signal: USR1@60\n",
                  "site.yaml:2:11: sbatch.signal: not in a site profile: --margin");
    check_refused("sbatch: {array: 1-5}\n", "not in a site profile: --array");
    check_refused("launcher: \"srun\\nrm\"\n", "launcher: a line break");
    check_refused("prologue: [\"a\\nb\"]\n", "prologue: a line break");
    check_refused("gpu_type: a 100\n", "gpu_type: \"a 100\" is no kind of GPU");
    check_refused("container: {image: \"a\\nb\"}\n", "container.image: a line break");
    check_refused("container: x.sif\n", "container is a group of settings");
}

TEST(all_mistakes_are_told_at_once) {
    struct site s;
    const char *said = read(&s, "luncher: a\ngpu: b\nprologue: 3\n");
    CHECK_HAS(said, "luncher");
    CHECK_HAS(said, "gpu");
    CHECK_HAS(said, "prologue");
    site_close(&s);
}

TEST(the_profile_of_the_user_is_found_and_may_be_missing) {
    struct site s;
    char *config = test_path("config"), *file = test_path("config/ovseg/site.yaml");
    char *home = test_path("home"), *own = test_path("home/.config/ovseg/site.yaml");
    char *dir = path_dir(file), *own_dir = path_dir(own);
    CHECK_OK(dir_make(dir));
    CHECK_OK(dir_make(own_dir));
    setenv("XDG_CONFIG_HOME", config, 1);
    setenv("HOME", home, 1);
    CHECK_OK(site_read(&s, NULL));
    CHECK_TEXT(s.launcher, "");
    site_close(&s);
    CHECK_OK(file_write(file, "launcher: one\n", 14));
    CHECK_OK(file_write(own, "launcher: two\n", 14));
    CHECK_OK(site_read(&s, NULL));
    CHECK_TEXT(s.launcher, "one");
    site_close(&s);
    unsetenv("XDG_CONFIG_HOME");
    CHECK_OK(site_read(&s, NULL));
    CHECK_TEXT(s.launcher, "two");
    site_close(&s);
    CHECK_ERROR(site_read(&s, "/nowhere/site.yaml"), ERR_MISSING, "/nowhere/site.yaml");
    site_close(&s);
    char *const owned[] = {config, file, home, own, dir, own_dir};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(the_table_of_a_profile_is_whole) {
    struct problems p = {0};
    settings_check_table(site_table(), &p);
    CHECK_OK(problems_close(&p, ERR_CONFIG));
}
