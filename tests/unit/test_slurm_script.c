/* Job scripts against tests/data/slurm/NAME.sh. OVSEG_TEST_REWRITE=1 writes these anew, for a
 * change that is meant: look at the difference. */
#include "train/cluster/slurm_script.h"

#include <signal.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

static char memory[] = "64G", hours[] = "1-00:00:00", short_time[] = "30", gpu[] = "gpu,long",
            no[] = "";

static const struct resources_options small = {
    .nodes = 1, .memory = no, .time = no, .partition = no};
static const struct resources_options large = {
    .nodes = 2, .gpus = 4, .cpus = 8, .memory = memory, .time = hours, .partition = gpu};

static void open_submission(struct submission *s, const char *site) {
    *s = (struct submission){.verb = "submit",
                             .file = "configs/mpt.yaml",
                             .dir = mem_strdup("/home/me/ovseg"),
                             .program = mem_strdup("/opt/ovseg/bin/ovseg"),
                             .margin = 120,
                             .tries = 1};
    char *path = test_path("site.yaml");
    CHECK_OK(file_write(path, site, strlen(site)));
    CHECK_OK(site_read(&s->site, path));
    free(path);
}

static void add_words(struct slurm_job *j, const char *const *words) {
    for (; *words; words++) CHECK_OK(slurm_word(j, *words, j->array ? "%a" : NULL));
}
#define WORDS(j, ...) add_words(j, (const char *const[]){__VA_ARGS__, NULL})

/* ovseg train configs/mpt.yaml */
static struct slurm_job *add_job(struct submission *s, const char *name,
                                 const struct resources_options *r) {
    struct slurm_job *j = submission_add(s);
    j->name = mem_strdup(name);
    j->resources = *r;
    WORDS(j, "train", "configs/mpt.yaml");
    return j;
}

/* A shell can read it, and shellcheck, where it is, has nothing to say. */
static void check_shell(const char *path) {
    static const char *const commands[][5] = {{"/bin/bash", "-n"},
                                              {"/usr/bin/shellcheck", "--exclude=SC1090,SC1091"}};
    for (size_t i = 0; i < 2; i++) {
        if (!file_exists(commands[i][0])) continue;
        struct process p;
        process_start(&p, (const char *const[]){commands[i][0], commands[i][1], path, NULL}, NULL);
        struct ended e = process_wait(&p, 60);
        if (e.status) test_fail(__FILE__, __LINE__, "%s\n%s%s", path, e.out, e.err);
        ended_free(&e);
    }
}

static void check_golden(const char *name, const struct str *text) {
    char *file = mem_format("tests/data/slurm/%s.sh", name), *path = test_source(file);
    if (getenv("OVSEG_TEST_REWRITE")) CHECK_OK(file_write(path, text->at, text->n));
    char *golden = text_of(path);
    CHECK_TEXT(text->at, golden);
    check_shell(path);
    free(golden);
    free(path);
    free(file);
}

static void check_script(struct submission *s, const char *name) {
    struct str text = {0};
    CHECK_OK(slurm_script(s, &s->job[0], &text));
    check_golden(name, &text);
    str_free(&text);
    submission_free(s);
}

static void check_sender(struct submission *s, const char *name) {
    struct str text = {0};
    CHECK_OK(slurm_sender(s, &text));
    check_golden(name, &text);
    str_free(&text);
    submission_free(s);
}

TEST(a_job_without_a_word_about_it_is_short) {
    struct submission s;
    open_submission(&s, "");
    add_job(&s, "ovseg-mpt", &small);
    check_script(&s, "plain");
}

TEST(a_job_has_what_flags_configs_and_the_site_say) {
    struct submission s;
    open_submission(
        &s,
        "prologue: [module purge, module load apptainer]\n"
        "gpu_type: a100\n"
        "env: {NCCL_DEBUG: WARN, WHO: it's me}\n"
        "sbatch: {account: other, partition: cpu, qos: long, exclusive: \"\", "
        "comment: a \"quoted\" \\ text}\n"
        "container: {image: /images/ovseg 1.sif, options: [--bind, \"/data:/data\"]}\n");
    WORDS(add_job(&s, "ovseg-mpt", &large), "threads=8", "seed=2", "*:paths.coco=/data/co co",
          "device=cuda");
    s.account = "vision";
    s.requeue = 100;
    check_script(&s, "full");
}

TEST(a_launcher_that_is_not_slurms_is_handed_the_signal) {
    struct submission s;
    open_submission(&s, "launcher: mpirun --bind-to none\n");
    add_job(&s, "ovseg-mpt", &small)->resources.tasks = 2;
    check_script(&s, "mpirun");
}

/* bash_env: what every bash of it reads before its first line; NULL for nothing. */
static void check_run(const char *site, const char *bash_env, int status) {
    struct submission s;
    struct str text = {0};
    struct process p;
    open_submission(&s, site);
    add_job(&s, "ovseg-mpt", &small);
    s.requeue = 1;
    CHECK_OK(slurm_script(&s, &s.job[0], &text));
    char *path = test_path("job.sh");
    CHECK_OK(file_write(path, text.at, text.n));
    char *env = mem_format("BASH_ENV=%s", bash_env ? bash_env : "");
    process_start(&p, (const char *const[]){"/bin/bash", path, NULL},
                  (const char *const[]){"SLURM_JOB_ID=1", "SLURM_JOB_END_TIME=1",
                                        "SLURM_CONF=/dev/null" /* no Slurm */, env, NULL});
    struct ended e = process_wait(&p, 30);
    CHECK_INT(e.status, status);
    if (status == ERR_AGAIN) CHECK_HAS(e.err, "no requeue here");
    ended_free(&e);
    free(env);
    free(path);
    str_free(&text);
    submission_free(&s);
}

TEST(a_job_ends_as_its_launcher_does_also_by_the_signal_itself) {
    check_run("launcher: sh -c 'exit 75'\n", NULL, 75);
    check_run("prologue: [set -e]\nlauncher: sh -c 'exit 75'\n", NULL, 75);
    check_run("launcher: sh -c 'kill -USR1 $$; sleep 60'\n", NULL, 128 + SIGUSR1);
    /* Slurm tells the script, $PPID, and the script its launcher. */
    check_run(
        "launcher: bash -c 'trap \"exit 75\" USR1; kill -USR1 $PPID; while sleep 0.1; do :; "
        "done'\n",
        NULL, 75);
}

/* The script is held before "run=$!", the line that tells it whom to hand the signal to, until the
 * launcher has sent it one. */
TEST(a_signal_that_comes_while_the_launcher_starts_is_handed_on_too) {
    char *sent = test_path("sent"), *hold = test_path("hold.sh");
    char *text = mem_format(
        "case $0 in *job.sh)\n"
        "    trap 'case $BASH_COMMAND in run=?*) until [ -e %s ]; do sleep 0.05; done; esac' "
        "DEBUG\n"
        "esac\n",
        sent);
    CHECK_OK(file_write(hold, text, strlen(text)));
    char *site = mem_format(
        "launcher: bash -c 'trap \"exit 75\" USR1; kill -USR1 $PPID; touch %s; "
        "while sleep 0.1; do true; done'\n",
        sent);
    check_run(site, hold, 75);
    free(site);
    free(text);
    free(hold);
    free(sent);
}

TEST(stages_that_differ_in_what_they_ask_for_are_jobs_after_each_other) {
    struct submission s;
    open_submission(&s, "");
    struct slurm_job *first = add_job(&s, "ovseg-mpt-mine", &small);
    strings_add(&first->parts, "scenes");
    strings_add(&first->parts, "mine");
    WORDS(first, "--only=scenes", "--only=mine");
    strings_add(&first->folders, "runs/scenes-000000000000");
    strings_add(&first->folders, "runs/mine-111111111111");
    struct slurm_job *second = add_job(&s, "ovseg-mpt", &large);
    strings_add(&second->parts, "mpt");
    WORDS(second, "threads=8", "--only=mpt");
    strings_add(&second->folders, "my runs/mpt-222222222222");
    slurm_link(&second->needs, 0);
    s.tries = 3;
    check_sender(&s, "chain");
}

TEST(an_array_comes_after_what_its_tasks_share) {
    struct submission s;
    open_submission(&s, "");
    s.requeue = 5;
    struct slurm_job *scenes = add_job(&s, "ovseg-mpt-scenes", &small);
    strings_add(&scenes->parts, "scenes");
    WORDS(scenes, "seed=3", "output_dir=my runs/3/x", "--only=scenes");
    struct slurm_job *clip = add_job(&s, "ovseg-mpt-clip", &small);
    strings_add(&clip->parts, "clip");
    clip->array = mem_strdup("3-10%2");
    WORDS(clip, "seed=%a", "output_dir=my runs/%a/x", "--only=clip");
    slurm_link(&clip->needs, 0);
    struct slurm_job *last = add_job(&s, "ovseg-mpt", &large);
    strings_add(&last->parts, "mpt");
    last->array = mem_strdup("3-10%2");
    WORDS(last, "threads=8", "seed=%a", "output_dir=my runs/%a/x", "%a%a", "--only=mpt");
    slurm_link(&last->needs, 0);
    slurm_link(&last->needs, 1);
    check_sender(&s, "array");
}

TEST(the_jobs_of_a_sweep_do_not_ask_how_those_before_them_ended) {
    struct submission s;
    open_submission(&s, "");
    s.verb = "sweep";
    s.file = "sweeps/lr 1.yaml";
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"ovseg-lr-shared", "ovseg-lr", "ovseg-lr-table"};
        struct slurm_job *j = submission_add(&s);
        j->name = mem_strdup(names[i]);
        j->resources = small;
        if (i == 1) j->array = mem_strdup("1-4,7%2");
        if (i) slurm_link(&j->after, i - 1);
        WORDS(j, "sweep");
        if (i == 2) WORDS(j, "status");
        CHECK_OK(slurm_word(j, s.file, NULL));
        CHECK_OK(slurm_word(j, "paths.x=/data/%a", NULL)); /* the user's own %a */
        if (i == 0) WORDS(j, "--shared", "--jobs=2");
        if (i == 1) WORDS(j, "--trial=%a");
    }
    s.tries = 2;
    check_sender(&s, "sweep");
}

TEST(a_line_break_is_refused_wherever_it_stands) {
    struct submission s;
    struct str text = {0};
    for (int i = 0; i < 4; i++) {
        open_submission(&s, "");
        struct slurm_job *j = add_job(&s, i == 0 ? "a\nb" : "ovseg-mpt", &small);
        if (i == 1) s.file = "a\nb.yaml";
        if (i == 2) memcpy(s.dir, "/home/m\n", strlen("/home/m\n"));
        if (i == 3) strings_add(&j->parts, "a\nb");
        CHECK_ERROR(slurm_word(j, "paths.x=a\nb", NULL), ERR_USAGE, "line break");
        CHECK_ERROR(slurm_word(j, "a" SLURM_INDEX, "%a"), ERR_USAGE, "control character");
        CHECK_ERROR(slurm_script(&s, j, &text), ERR_USAGE, "line break");
        submission_free(&s);
    }
    str_free(&text);
}

TEST(a_jobs_time_is_its_own_or_the_sites) {
    struct submission s;
    open_submission(&s, "sbatch: {time: \"02:00:00\"}\n");
    struct slurm_job *j = add_job(&s, "ovseg-mpt", &small);
    CHECK_NEAR(slurm_job_time(&s, j), 7200, 0);
    j->resources.time = short_time;
    CHECK_NEAR(slurm_job_time(&s, j), 1800, 0);
    submission_free(&s);
    open_submission(&s, "");
    CHECK_NEAR(slurm_job_time(&s, add_job(&s, "ovseg-mpt", &small)), 0, 0);
    submission_free(&s);
}
