#include "train/cluster/slurm_send.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"
#include "train/cluster/slurm_text.h"

extern char **environ;

enum { PRINTED_MAX = 4000 };

/* A file without a name, for what a process reads or writes: pipes could fill up. */
static FILE *scratch(const char *text) {
    FILE *f = tmpfile();
    if (f && text) {
        fputs(text, f);
        if (fflush(f) || fseek(f, 0, SEEK_SET)) {
            fclose(f);
            f = NULL;
        }
    }
    if (!f) error_set(ERR_IO, "a temporary file: %s", strerror(errno));
    return f;
}

static char *read_back(FILE *f) { /* owned, without blank space at the end */
    char *text = mem_alloc(PRINTED_MAX + 1, 1);
    rewind(f);
    size_t n = fread(text, 1, PRINTED_MAX, f);
    while (n && strchr(" \n", text[n - 1])) n--;
    text[n] = '\0';
    return text;
}

struct answer {
    bool there; /* the program exists */
    int status; /* how it ended; 128: by a signal */
    char *out, *err;
};

static void answer_free(struct answer *a) {
    free(a->out);
    free(a->err);
}

static int spawn(char *const *argv, FILE *in, FILE *out, FILE *err, struct answer *a) {
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int how;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(err), STDERR_FILENO);
    int e = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    a->there = e != ENOENT;
    if (e && e != ENOENT) return error_set(ERR_DEVICE, "%s: %s", argv[0], strerror(e));
    if (e) return 0;
    while (waitpid(pid, &how, 0) < 0)
        if (errno != EINTR) return error_set(ERR_INTERNAL, "%s: %s", argv[0], strerror(errno));
    a->status = WIFEXITED(how) ? WEXITSTATUS(how) : 128;
    a->out = read_back(out);
    a->err = read_back(err);
    return 0;
}

/* sbatch WORDS with `script` on its standard input. */
static int ask(const struct strings *words, const char *script, struct answer *a) {
    *a = (struct answer){0};
    char **argv = mem_alloc(words->n + 1, sizeof *argv);
    for (size_t i = 0; i < words->n; i++) argv[i] = words->at[i];
    FILE *in = scratch(script), *out = scratch(NULL), *err = scratch(NULL);
    int status = in && out && err ? spawn(argv, in, out, err, a) : error_status();
    if (in) fclose(in);
    if (out) fclose(out);
    if (err) fclose(err);
    free(argv);
    return status;
}

static int refused(const struct slurm_job *j, const struct answer *a) {
    const char *said = a->err && *a->err ? a->err : "(it says nothing)";
    return error_set(ERR_DEVICE, "%s: sbatch refuses it, exit status %d: %s", j->name, a->status,
                     said);
}

int slurm_test(const struct submission *s) {
    struct strings words = {0};
    int status = 0;
    bool there = true;
    strings_add(&words, "sbatch");
    strings_add(&words, "--test-only");
    for (size_t i = 0; !status && there && i < s->n; i++) {
        struct str script = {0};
        struct answer a = {0};
        status = slurm_script(s, &s->job[i], &script);
        if (!status) status = ask(&words, script.at, &a);
        there = a.there;
        if (!status && there && a.status) status = refused(&s->job[i], &a);
        if (!status && there) log_info("%s: %s", s->job[i].name, a.err);
        answer_free(&a);
        str_free(&script);
    }
    strings_free(&words);
    return status;
}

static int send_one(const struct slurm_job *j, const char *script, const char *after, char id[16]) {
    struct strings words = {0};
    struct answer a;
    strings_add(&words, "sbatch");
    strings_add(&words, "--parsable");
    if (after) {
        char *option = mem_format("--dependency=%s", after);
        strings_add(&words, option);
        strings_add(&words, "--kill-on-invalid-dep=yes");
        free(option);
    }
    int status = ask(&words, script, &a);
    if (!status && !a.there)
        status = error_set(ERR_DEVICE,
                           "sbatch: there is no such program here: send the script "
                           "from a machine of the cluster");
    else if (!status && a.status)
        status = refused(j, &a);
    else if (!status && !sbatch_job_id(a.out, id))
        status = error_set(ERR_DEVICE, "%s: sbatch printed \"%s\", which is no job id", j->name,
                           utf8_short(a.out, 200).at);
    strings_free(&words);
    answer_free(&a);
    return status;
}

/* All tries of a job; ids[i] becomes the last one's, `sent` gets all. */
static int send_job(const struct submission *s, size_t i, char **ids, struct str *sent) {
    const struct slurm_job *j = &s->job[i];
    struct str script = {0};
    int status = slurm_script(s, j, &script);
    for (int64_t k = 0; !status && k < s->tries; k++) {
        struct str after = {0};
        char id[16];
        slurm_dependency(s, j, (const char *const *)ids, ids[i], &after);
        status = send_one(j, script.at, after.at, id);
        if (!status) {
            free(ids[i]);
            ids[i] = mem_strdup(id);
            str_add(sent, " %s", id);
            printf("%s\t%s\t%s\n", id, j->name, after.at ? after.at : "");
            fflush(stdout);
        }
        str_free(&after);
    }
    str_free(&script);
    return status;
}

int slurm_send(const struct submission *s) {
    char **ids = mem_alloc(s->n, sizeof *ids);
    struct str sent = {0};
    int status = 0;
    for (size_t i = 0; !status && i < s->n; i++) status = send_job(s, i, ids, &sent);
    if (status && sent.n) {
        char *message = mem_strdup(error_message());
        error_clear();
        status =
            error_set(status, "%s\nthe jobs before it are queued: scancel%s", message, sent.at);
        free(message);
    }
    for (size_t i = 0; i < s->n; i++) free(ids[i]);
    free(ids);
    str_free(&sent);
    return status;
}
