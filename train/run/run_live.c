#include "train/run/run_live.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"

/* With an error pending nothing else may fail loudly, so this is unlink, not file_remove. */
static void remove_file(const struct node *n, const char *name) {
    char *path = path_join(n->dir, name);
    unlink(path);
    free(path);
}

void run_live_begin(const struct node *n) {
    char *path = path_join(n->dir, "progress.json");
    remove_file(n, "FAILED");
    progress_report(path);
    free(path);
}

static void write_failure(const struct node *n, int status) {
    static const char elsewhere[] = "another rank failed: its message is in the log";
    struct str text = {0};
    struct json_out j = {.to = &text};
    json_object(&j);
    json_key_int(&j, "code", status);
    json_key_string(&j, "message", *error_message() ? error_message() : elsewhere);
    json_end(&j);
    char *path = path_join(n->dir, "FAILED"), *message = mem_strdup(error_message());
    error_clear();
    if (file_write(path, text.at, text.n))
        error_clear(); /* the disk that failed the run, perhaps */
    error_set(status, "%s", message);
    free(message);
    free(path);
    str_free(&text);
}

void run_live_end(const struct node *n, int status) {
    progress_report(NULL);
    if (!status)
        remove_file(n, "progress.json");
    else if (status != ERR_AGAIN && status < 128)
        write_failure(n, status);
}
