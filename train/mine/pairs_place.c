#include "train/mine/pairs_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/set_index.h"
#include "train/model.h"
#include "train/places.h"
#include "train/run/run.h"

static const char set_name[] = "clip.h5"; /* what stage mine reads of its scenes */
enum { SOURCE_SCENES = 2 };               /* of pairs_source_names: the hash of that run */

static int open_run(struct pairs_place *p, const char *name) {
    bool best;
    const struct model_options o = {.command = "ovseg mine", .name = name};
    struct node *run = model_node(&p->graph, name, &o, &best);
    if (!run) return error_status();
    if (run->config.run.stage != STAGE_MINE)
        return error_set(ERR_USAGE, "%s: a run of stage %s: pairs are made by stage mine", name,
                         run->stage->name);
    p->run = run;
    p->dir = path_join(run->dir, "pairs");
    return 0;
}

/* The run that a folder is the pairs of, where it can be opened: it knows its pictures. */
static void find_run_around(struct pairs_place *p) {
    char *parent = path_dir(p->dir);
    if (strcmp(path_base(p->dir), "pairs") == 0 && run_folder(parent))
        p->run = run_node_open(&p->graph, parent);
    error_clear(); /* the pairs alone are enough for most */
    free(parent);
}

int pairs_place_open(struct pairs_place *p, const char *name) {
    *p = (struct pairs_place){0};
    bool best;
    char *dir = run_split(name, &best);
    int status = 0;
    if (pairs_folder(dir)) {
        p->dir = mem_strdup(dir);
        find_run_around(p);
    } else if (run_folder(dir) || path_is_yaml(name)) {
        status = open_run(p, name);
    } else {
        status =
            error_set(ERR_MISSING,
                      "%s: no folder of pairs (with a manifest.json), no run of stage mine, no "
                      "config of one: `ovseg runs list` shows the runs",
                      name);
    }
    if (!status) status = pairs_open(&p->pairs, p->dir);
    free(dir);
    return status;
}

void pairs_place_close(struct pairs_place *p) {
    pairs_close(&p->pairs);
    graph_close(&p->graph);
    free(p->dir);
    *p = (struct pairs_place){0};
}

/* ---- their pictures ---- */

/* A run folder in `dir` whose name ends in -HASH; owned, or NULL. */
static char *find_run(const char *dir, const char *hash) {
    struct strings names = {0};
    size_t n = strlen(hash);
    char *found = NULL;
    if (!dir_exists(dir) || dir_list(dir, &names)) error_clear();
    for (size_t i = 0; i < names.n && !found; i++) {
        size_t length = strlen(names.at[i]);
        if (length <= n || names.at[i][length - n - 1] != '-' ||
            strcmp(names.at[i] + length - n, hash) != 0)
            continue;
        char *path = path_join(dir, names.at[i]);
        if (run_folder(path))
            found = path;
        else
            free(path);
    }
    strings_free(&names);
    return found;
}

/* Beside the folder, beside the run that it is in, or where runs are made. */
static char *find_scenes(const struct pairs_place *p, const char *hash) {
    if (!*hash) return NULL;
    char *parent = path_join(p->dir, ".."), *above = path_join(parent, "..");
    const char *const folders[] = {parent, above, places_runs()};
    char *found = NULL;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && !found; i++)
        found = find_run(folders[i], hash);
    free(parent);
    free(above);
    return found;
}

/* The file of the set, owned; NULL and the error. */
static char *pictures_file(const struct pairs_place *p, const char *scenes) {
    if (scenes) return dir_exists(scenes) ? path_join(scenes, set_name) : mem_strdup(scenes);
    if (p->run && node_input(p->run, "scenes")) return node_input_path(p->run, "scenes", set_name);
    const char *hash = p->pairs.source.at[SOURCE_SCENES];
    char *run = find_scenes(p, hash), *file = run ? path_join(run, set_name) : NULL;
    if (!run && *hash)
        error_set(ERR_MISSING,
                  "%s: the run that its pictures are of, *-%s, is neither near it nor in runs/: "
                  "name it by --scenes",
                  p->dir, hash);
    else if (!run)
        error_set(ERR_MISSING,
                  "%s: its pictures are of no run, but of a folder of sets: name it by --scenes",
                  p->dir);
    free(run);
    return file;
}

static int check_set(const struct pairs_place *p, const struct dataset *d, const char *file) {
    for (int64_t i = 0; i < p->pairs.n; i++) {
        const struct pair *a = &p->pairs.at[i];
        if (a->image < d->n_images && d->image_id[a->image] == a->image_id) continue;
        return error_set(ERR_DATA,
                         "%s: is not the set that %s was mined from: its picture %lld has another "
                         "id than %lld",
                         file, p->dir, (long long)a->image, (long long)a->image_id);
    }
    return 0;
}

int pairs_place_pictures(struct pairs_place *p, const char *scenes, struct dataset *d) {
    *d = (struct dataset){0};
    char *file = pictures_file(p, scenes);
    int status = file ? set_or_index_open(d, file) : error_status();
    if (!status && check_set(p, d, file)) {
        dataset_close(d);
        status = error_status();
    }
    free(file);
    return status;
}
