#include "train/mine/mine_run.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings.h"
#include "train/commands/cmd.h"

/* The first argument that is no option and no setting. */
static const char *config_of(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-' && !strchr(argv[i], '=')) return argv[i];
    return NULL;
}

static int check_stage(const char *config) {
    struct settings_doc doc = {0};
    int status = settings_read(&doc, config);
    const char *stage = status ? NULL : settings_text(&doc, "stage");
    if (!status && (!stage || strcmp(stage, "mine") != 0))
        status = error_set(ERR_CONFIG, "%s: of stage %s: pairs are mined by a config of stage mine",
                           config, stage ? stage : "(none)");
    settings_doc_free(&doc);
    return status;
}

/* --help and arguments that are wrong are ovseg-train's to tell. */
int cmd_mine_run(int argc, char **argv) {
    const char *config = config_of(argc, argv);
    if (config && (file_exists(config) || path_is_yaml(config)) && check_stage(config))
        return cmd_failed();
    return cmd_train(argc, argv);
}
