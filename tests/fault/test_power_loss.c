/* ctest: timeout=600 */
/* Power loss, simulated. The file operations of five saves are recorded; then the disk is rebuilt
 * as it may look after a crash behind each of them: what was not synced is there, or not, or torn,
 * and changes of a folder that was not synced took place in any selection. From every such disk the
 * last checkpoint or the one before must load bit-equal, and one whose save has returned must be
 * there. Dropping a sync from the recording must be noticed: the proof that this can fail.
 */
#include <unistd.h>

#include "base/log.h"
#include "base/rng.h"
#include "checkpoints/history.h"
#include "tests/fault/inject.h"
#include "tests/fault/toy.h"
#include "tests/torch.h"

enum { SAVES = 5, MAX_NODES = 2000, MAX_CHANGES = 4000 };

struct node {
    bool folder;
    char *link;           /* of a symbolic link: what it says */
    struct str now, safe; /* contents, and those of the last fsync */
};

struct entry {
    int folder, node; /* -1: removed */
    const char *name;
};

struct names {
    struct entry at[MAX_NODES];
    int n;
};

/* A change of a folder that is not synced yet. `to`: it is a rename; node -1: a removal. */
struct change {
    int folder, node;
    const char *name, *to;
};

static struct {
    struct node node[MAX_NODES];
    int n_nodes;
    struct names live, safe;
    struct change pending[MAX_CHANGES];
    int n_pending;
} disk;

static struct entry *find(struct names *l, int folder, const char *name) {
    for (int i = 0; i < l->n; i++)
        if (l->at[i].node >= 0 && l->at[i].folder == folder && strcmp(l->at[i].name, name) == 0)
            return &l->at[i];
    return NULL;
}

static void apply(struct names *l, struct change c) {
    struct entry *old = find(l, c.folder, c.to ? c.to : c.name);
    if (c.to) {
        struct entry *from = find(l, c.folder, c.name);
        if (!from) return; /* its creation is among what was lost */
        if (old) old->node = -1;
        from->name = c.to;
        return;
    }
    if (old) old->node = -1;
    if (c.node < 0) return;
    REQUIRE(l->n < MAX_NODES, "too many names");
    l->at[l->n++] = (struct entry){c.folder, c.node, c.name};
}

/* The node of a path below `root`; -1 when there is none. The root itself is node 0. */
static int lookup(const char *root, const char *path) {
    int node = 0;
    const char *p = path + strlen(root);
    while (*p == '/' && node >= 0) {
        size_t n = strcspn(++p, "/");
        char *part = mem_format("%.*s", (int)n, p);
        struct entry *e = find(&disk.live, node, part);
        node = e ? e->node : -1;
        free(part);
        p += n;
    }
    return node;
}

static int parent(const char *root, const char *path) {
    char *dir = path_dir(path);
    int node = lookup(root, dir);
    free(dir);
    REQUIRE(node >= 0, "%s: in no folder", path);
    return node;
}

static void change(const char *root, const struct fault_op *op, int node) {
    struct change c = {parent(root, op->path), node, path_base(op->path), NULL};
    if (op->kind == FAULT_RENAME) c.to = path_base(op->to);
    apply(&disk.live, c);
    REQUIRE(disk.n_pending < MAX_CHANGES, "too many changes");
    disk.pending[disk.n_pending++] = c;
}

static int new_node(struct node n) {
    REQUIRE(disk.n_nodes < MAX_NODES, "too many files");
    disk.node[disk.n_nodes] = n;
    return disk.n_nodes++;
}

static void sync_node(int node) {
    if (node < 0) return; /* the path of a descriptor whose file was renamed or removed since */
    struct node *x = &disk.node[node];
    if (!x->folder) {
        str_free(&x->safe);
        str_put(&x->safe, x->now.at, x->now.n);
        return;
    }
    int kept = 0;
    for (int i = 0; i < disk.n_pending; i++)
        if (disk.pending[i].folder == node)
            apply(&disk.safe, disk.pending[i]);
        else
            disk.pending[kept++] = disk.pending[i];
    disk.n_pending = kept;
}

static void step_disk(const char *root, const struct fault_op *op) {
    int node = lookup(root, op->path);
    switch (op->kind) {
    case FAULT_CREATE:
        if (node < 0) change(root, op, new_node((struct node){0}));
        break;
    case FAULT_WRITE: {
        struct node *x = &disk.node[node];
        REQUIRE((size_t)op->at == x->now.n, "%s: only appended to", op->path);
        str_put(&x->now, op->data, op->n);
        break;
    }
    case FAULT_FSYNC: sync_node(node); break;
    case FAULT_RENAME: change(root, op, node); break;
    case FAULT_MKDIR: change(root, op, new_node((struct node){.folder = true})); break;
    case FAULT_UNLINK:
    case FAULT_RMDIR: change(root, op, -1); break;
    case FAULT_SYMLINK: change(root, op, new_node((struct node){.link = op->to})); break;
    }
}

static void reset_disk(void) {
    for (int i = 0; i < disk.n_nodes; i++) {
        str_free(&disk.node[i].now);
        str_free(&disk.node[i].safe);
    }
    memset(&disk, 0, sizeof disk);
    new_node((struct node){.folder = true});
}

/* Contents of a file after the crash: synced, all, torn, or as long as it was but zeros. */
static void put_file(const char *path, const struct node *x, struct rng *r) {
    const struct str *from = &x->safe;
    size_t n = x->safe.n;
    bool zeros = false;
    if (x->now.n != x->safe.n) switch (rng_below(r, 4)) {
        case 0: break;
        case 1:
            from = &x->now;
            n = x->now.n;
            break;
        case 2:
            from = &x->now;
            n = (size_t)rng_below(r, (int64_t)x->now.n);
            if (rng_chance(r, 0.5)) n = n / 512 * 512;
            break;
        default: n = x->now.n; zeros = true;
        }
    FILE *f = fopen(path, "wb");
    CHECK(f);
    for (size_t i = 0; i < n; i++) fputc(zeros ? 0 : from->at[i], f);
    CHECK(fclose(f) == 0);
}

static void put_folder(const char *path, struct names *l, int folder, struct rng *r) {
    CHECK_OK(dir_make(path));
    for (int i = 0; i < l->n; i++) {
        if (l->at[i].node < 0 || l->at[i].folder != folder) continue;
        const struct node *x = &disk.node[l->at[i].node];
        char *full = path_join(path, l->at[i].name);
        if (x->folder)
            put_folder(full, l, l->at[i].node, r);
        else if (x->link)
            CHECK(symlink(x->link, full) == 0);
        else
            put_file(full, x, r);
        free(full);
    }
}

/* One disk as it may look now. */
static void crash(const char *path, struct rng *r) {
    static struct names after;
    after = disk.safe;
    int64_t mode = rng_below(r, 4), first = rng_below(r, disk.n_pending + 1);
    for (int i = 0; i < disk.n_pending; i++)
        if (mode == 1 || (mode == 2 && i < first) || (mode == 3 && rng_chance(r, 0.5)))
            apply(&after, disk.pending[i]);
    put_folder(path, &after, 0, r);
}

/* The step that loads, 0 when there is none, -1 when the loader gives up or loads something else.
 */
static int64_t load_step(const char *run) {
    struct toy t, expected;
    toy_init(&t, 999);
    struct checkpoint c = toy_at(&t, 0);
    struct checkpoint_found found;
    int64_t step = -1;
    if (checkpoint_load_last(run, &c, &found)) {
        error_clear();
    } else if (!found.path) {
        step = 0;
    } else {
        toy_init(&expected, (uint64_t)found.step);
        if (toy_equal(&t, &expected)) step = found.step;
        toy_free(&expected);
    }
    checkpoint_found_free(&found);
    toy_free(&t);
    return step;
}

struct recording {
    char *root;
    const struct fault_op *op;
    size_t n, end[SAVES + 1]; /* how many operations had been done when save i returned */
};

static struct recording record(void) {
    struct recording r = {.root = test_path("disk")};
    CHECK_OK(dir_make(r.root));
    char *run = path_join(r.root, "run");
    fault_set(NULL, r.root);
    fault_record(true);
    for (int i = 1; i <= SAVES; i++) {
        save_step(run, i, i == 2 || i == 5);
        fault_recorded(&r.end[i]);
    }
    fault_record(false);
    r.op = fault_recorded(&r.n);
    fault_set(NULL, NULL);
    free(run);
    return r;
}

/* How many of `per_point` crashes behind each operation break the promise, the syncs of paths that
 * end in `lost` left out. */
static size_t count_violations(const struct recording *rec, const char *lost, int per_point,
                               size_t *states) {
    struct rng r = rng_stream(7, "crashes", 0);
    size_t bad = 0;
    *states = 0;
    reset_disk();
    for (size_t k = 0; k <= rec->n; k++) {
        int done = 0;
        while (done < SAVES && rec->end[done + 1] <= k) done++;
        for (int i = 0; i < per_point; i++, ++*states) {
            char *out = test_path("crashed"), *run = path_join(out, "run");
            CHECK_OK(dir_remove(out));
            crash(out, &r);
            int64_t step = load_step(run);
            bool returned = done > 0 && k == rec->end[done];
            bad += step != done && (returned || step != done + 1);
            free(run);
            free(out);
        }
        if (k == rec->n) break;
        const struct fault_op *op = &rec->op[k];
        size_t n = strlen(op->path), m = lost ? strlen(lost) : 0;
        bool drop = lost && op->kind == FAULT_FSYNC && n >= m && !strcmp(op->path + n - m, lost);
        if (!drop) step_disk(rec->root, op);
    }
    reset_disk();
    return bad;
}

TEST(after_a_power_loss_the_last_checkpoint_or_the_one_before_loads) {
    fault_skip_fsync(true);
    log_set_level(LOG_ERROR);
    struct recording rec = record();
    size_t states, bad = count_violations(&rec, NULL, 60, &states);
    printf("%zu operations, %zu disks, %zu bad\n", rec.n, states, bad);
    CHECK_INT(bad, 0);
    CHECK(states >= 10000);
    free(rec.root);
    fault_skip_fsync(false);
}

TEST(every_sync_that_is_left_out_is_noticed) {
    fault_skip_fsync(true);
    log_set_level(LOG_ERROR);
    struct recording rec = record();
    char *root = mem_format("%s", rec.root);
    /* Files are synced under their temporary names. */
    char *const tmp = mem_format(".tmp%ld", (long)getpid());
    char *model = mem_format("model.safetensors%s", tmp), *state = mem_format("state.json%s", tmp);
    char *manifest = mem_format("manifest.json%s", tmp);
    const char *lost[] = {model, state, manifest, ".tmp", "/run", root};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        size_t states, bad = count_violations(&rec, lost[i], 6, &states);
        printf("without the sync of %s: %zu of %zu disks bad\n", lost[i], bad, states);
        CHECK(bad > 0);
    }
    free(manifest);
    free(state);
    free(model);
    free(tmp);
    free(root);
    free(rec.root);
    fault_skip_fsync(false);
}
