#include "data/set_prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/file_set.h"
#include "data/set.h"

enum {
    REVISION = 1, /* of what is in a block */
    DAMAGE_BYTES_MAX = 1 << 24,
};

/* ---- a picture ---- */

/* What the user knows it by. */
static char *name_of(const struct dataset *d, int64_t i) {
    const struct file_set *s = file_set_of(d);
    return s ? path_join(s->images, s->at[i].image)
             : mem_format("picture %lld%s%s", (long long)d->image_id[i], d->image_name ? ", " : "",
                          d->image_name ? d->image_name[i] : "");
}

static int read_item(struct prepared_item *it, const struct dataset *d, int64_t i,
                     const char *name) {
    struct image im = {0};
    int status = d->source->bytes(d, i, &it->picture);
    if (!status) status = image_decode_upright(it->picture.at, it->picture.n, name, &im);
    it->h = im.h;
    it->w = im.w;
    image_free(&im);
    if (status || !d->has_labels) return status;
    status = d->source->labels(d, i, &it->labels);
    if (!status && (it->labels.h != it->h || it->labels.w != it->w))
        status = error_set(ERR_DATA, "%s: the picture is %lld x %lld, its label map %lld x %lld",
                           name, (long long)it->w, (long long)it->h, (long long)it->labels.w,
                           (long long)it->labels.h);
    return status;
}

void prepared_item_read(struct prepared_item *it, const struct dataset *d, int64_t i,
                        bool training) {
    *it = (struct prepared_item){0};
    char *name = name_of(d, i);
    int status = read_item(it, d, i, name);
    free(name);
    if (status == ERR_DATA || status == ERR_MISSING) it->damage = mem_strdup(error_message());
    for (char *c = it->damage; c && *c; c++)
        if (*c == '\n') *c = '?'; /* of a file's name: messages are kept a line each */
    if (it->damage) error_clear();
    it->status = error_status();
    it->empty = it->labels.at && !it->damage;
    for (int64_t k = 0; it->labels.at && !status && k < it->labels.h * it->labels.w; k++) {
        uint16_t *class = &it->labels.at[k];
        if (training && *class < d->n_classes && !d->class_seen[*class]) *class = d->ignore;
        it->empty &= *class == d->ignore;
    }
}

void prepared_item_free(struct prepared_item *it) {
    bytes_free(&it->picture);
    labels_free(&it->labels);
    free(it->damage);
    *it = (struct prepared_item){0};
}

bool set_prepare_leaves_out(struct set_prepare *p, const struct prepared_item *it, int *status) {
    if (it->damage) {
        strings_add(&p->what, it->damage);
        p->damaged++;
        if (p->stop_on_damage) *status = error_set(ERR_DATA, "%s", it->damage);
        return true;
    }
    bool drop = it->empty && p->drop_empty;
    p->empty += drop;
    return drop;
}

void set_prepare_free(struct set_prepare *p) { strings_free(&p->what); }

/* ---- blocks ---- */

struct work {
    struct set_prepare *p;
    const struct dataset *d;
    char *dir;
};

static char *block_path(const struct work *w, int64_t block, const char *suffix) {
    return mem_format("%s/%06lld.%s", w->dir, (long long)block, suffix);
}

static int64_t block_size(const struct work *w, int64_t block) {
    int64_t left = w->d->n_images - block * w->p->block;
    return left < w->p->block ? left : w->p->block;
}

/* What a block depends on: a folder of other blocks is not gone on with. */
static uint64_t plan_of(const struct work *w) {
    const struct dataset *d = w->d;
    struct hasher h;
    int64_t facts[] = {REVISION,  w->p->block,    d->n_images,      d->n_classes,    d->n_captions,
                       d->ignore, w->p->training, w->p->drop_empty, (int64_t)d->hash};
    hasher_open(&h);
    hasher_add(&h, facts, sizeof facts);
    hasher_add_string(&h, w->p->config_hash);
    for (int64_t i = 0; i < d->n_images; i++) {
        hasher_add(&h, &d->image_id[i], sizeof *d->image_id);
        hasher_add_string(&h, d->image_name ? d->image_name[i] : "");
        file_set_hash_change(d, i, &h);
    }
    for (int64_t k = 0; k < d->n_classes; k++) {
        hasher_add_string(&h, d->class_name[k]);
        hasher_add(&h, &d->class_seen[k], sizeof *d->class_seen);
    }
    return hasher_close(&h);
}

/* The folder of blocks, emptied when it is of other work. */
static int start_work(const struct work *w) {
    char plan[17], *path = path_join(w->dir, "plan");
    struct bytes old = {0};
    hash_hex(plan_of(w), plan);
    bool same = file_exists(path) && !file_read(path, sizeof plan, &old) && old.n == 16 &&
                memcmp(old.at, plan, 16) == 0;
    error_clear();
    bytes_free(&old);
    int status = 0;
    if (!same) {
        status = dir_remove(w->dir);
        if (!status) status = dir_make(w->dir);
        if (!status) status = file_write(path, plan, 16);
    }
    free(path);
    return status;
}

static int create(struct set_writer *out, const struct work *w, const char *path) {
    const struct dataset *d = w->d;
    struct set_info info = {d->class_name, d->class_seen, d->n_classes, d->ignore,
                            w->p->config_hash};
    return set_create(out, path, &info);
}

static int add_item(struct set_writer *out, const struct dataset *d, int64_t i,
                    const struct prepared_item *it, const struct bytes *packed) {
    int64_t c = d->caption_at ? d->caption_at[i] : 0;
    struct set_item item = {.id = d->image_id[i],
                            .h = it->h,
                            .w = it->w,
                            .name = d->image_name ? d->image_name[i] : NULL,
                            .bytes = it->picture.at,
                            .n = it->picture.n,
                            .packed = packed->at ? packed : NULL,
                            .caption = d->caption + c,
                            .caption_id = d->caption_id + c,
                            .n_captions = d->caption_at ? d->caption_at[i + 1] - c : 0};
    return set_add(out, &item);
}

/* Messages of a block, one a line: written before the block, which says that they are all. */
static int save_damage(const struct work *w, int64_t block, size_t first) {
    struct str text = {0};
    for (size_t i = first; i < w->p->what.n; i++) str_add(&text, "%s\n", w->p->what.at[i]);
    char *path = block_path(w, block, "txt");
    int status = text.n ? file_write(path, text.at, text.n) : file_remove(path);
    free(path);
    str_free(&text);
    return status;
}

static int make_block(const struct work *w, int64_t block) {
    const struct dataset *d = w->d;
    int64_t first = block * w->p->block, n = block_size(w, block);
    struct prepared_item *it = mem_alloc((size_t)n, sizeof *it);
    struct bytes *packed = mem_alloc((size_t)n, sizeof *packed);
    struct set_writer out;
    size_t damaged = w->p->what.n;
    char *path = block_path(w, block, "h5");
    int status = create(&out, w, path);
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t k = 0; k < n; k++) {
        prepared_item_read(&it[k], d, first + k, w->p->training);
        if (!it[k].status && !it[k].damage && it[k].labels.at)
            it[k].status = set_pack(&out, &it[k].labels, &packed[k]);
        if (it[k].status && !it[k].damage) it[k].damage = mem_strdup(error_message());
        error_clear(); /* of this thread; told below, in order */
        labels_free(&it[k].labels);
    }
    for (int64_t k = 0; k < n && !status; k++) {
        if (it[k].status)
            status = error_set(it[k].status, "%s", it[k].damage);
        else if (!set_prepare_leaves_out(w->p, &it[k], &status))
            status = add_item(&out, d, first + k, &it[k], &packed[k]);
    }
    if (!status) status = save_damage(w, block, damaged);
    if (!status) status = set_finish(&out);
    set_drop(&out);
    for (int64_t k = 0; k < n; k++) {
        prepared_item_free(&it[k]);
        bytes_free(&packed[k]);
    }
    free(it);
    free(packed);
    free(path);
    return status;
}

/* What a block says of its pictures, when an earlier call has made it whole. */
static bool take_block(const struct work *w, int64_t block) {
    char *path = block_path(w, block, "h5"), *damage = block_path(w, block, "txt");
    struct dataset b;
    struct bytes text = {0};
    bool whole = file_exists(path) && !set_verify(path) && !set_open(&b, path);
    if (whole) {
        int64_t damaged = 0;
        if (file_exists(damage) && !file_read(damage, DAMAGE_BYTES_MAX, &text))
            for (const char *at = (const char *)text.at; *at; damaged++) {
                size_t k = strcspn(at, "\n");
                char *line = mem_format("%.*s", (int)k, at);
                strings_add(&w->p->what, line);
                free(line);
                at += k + (at[k] == '\n');
            }
        w->p->damaged += damaged;
        w->p->empty += block_size(w, block) - b.n_images - damaged;
        dataset_close(&b);
    }
    error_clear(); /* a damaged block is made anew */
    bytes_free(&text);
    free(path);
    free(damage);
    return whole;
}

static int join_blocks(const struct work *w, int64_t blocks) {
    struct set_writer out;
    int status = create(&out, w, w->p->path);
    for (int64_t k = 0; k < blocks && !status; k++) {
        char *path = block_path(w, k, "h5");
        struct dataset b;
        status = set_open(&b, path);
        if (!status) {
            for (int64_t i = 0; i < b.n_images && !status; i++) status = set_copy(&out, &b, i);
            dataset_close(&b);
        }
        if (!status && w->p->stop) status = w->p->stop();
        free(path);
    }
    w->p->n = out.n;
    if (!status) status = set_finish(&out);
    set_drop(&out);
    return status;
}

/* Of the pictures, where they are files whose bytes are taken as they are; otherwise 0. */
static int64_t picture_bytes(const struct dataset *d) {
    const struct file_set *s = file_set_of(d);
    int64_t sum = 0;
    for (size_t i = 0; s && !s->shrunk && i < s->n; i++) {
        char *path = path_join(s->images, s->at[i].image);
        int64_t size = file_size(path);
        if (size > 0 && size <= FILE_SET_BYTES_MAX) sum += size; /* larger ones are damage */
        free(path);
    }
    return sum;
}

/* What would end in the tenth hour for want of room does not begin. */
static int check_room(const struct work *w, int64_t done) {
    int64_t need = SET_PREPARE_COPIES * picture_bytes(w->d), room = disk_free(w->dir);
    for (int64_t k = 0; k < done; k++) {
        char *path = block_path(w, k, "h5");
        need -= file_size(path);
        free(path);
    }
    if (need <= room) return 0;
    return error_set(ERR_IO,
                     "%s: making it takes %.3g GB more, three times its pictures, and %.3g GB are "
                     "free: make room; or an index, which copies nothing",
                     w->p->path, (double)need / 1e9, (double)room / 1e9);
}

int set_prepare_run(struct set_prepare *p, const struct dataset *d) {
    REQUIRE(d->source->bytes, "a data set of pixels only");
    char *part = mem_format("%s.part", p->path);
    struct work w = {p, d, path_join(part, "blocks")};
    if (!p->block) p->block = SET_PREPARE_BLOCK;
    int64_t blocks = (d->n_images + p->block - 1) / p->block, done = 0;
    struct progress bar;
    int status = start_work(&w);
    while (!status && done < blocks && take_block(&w, done)) done++;
    if (!status && p->stop_on_damage && p->damaged) /* left out by an earlier call */
        status = error_set(ERR_DATA, "%s", p->what.at[0]);
    if (!status) status = check_room(&w, done);
    if (done && !status)
        log_info("%s: going on behind %lld pictures", w.dir,
                 (long long)(done == blocks ? d->n_images : done * p->block));
    progress_open(&bar, path_base(p->path), "pictures", done * p->block, d->n_images, 30);
    for (int64_t k = done; k < blocks && !status; k++) {
        status = make_block(&w, k);
        int64_t now = (k + 1) * p->block;
        progress_at(&bar, now < d->n_images ? now : d->n_images, NULL);
        if (!status && p->stop) status = p->stop();
    }
    progress_close(&bar);
    if (!status && p->damaged + p->empty == d->n_images)
        status =
            error_set(ERR_DATA,
                      "%s: none of %lld pictures is left: %lld damaged, %lld without "
                      "a labelled pixel",
                      p->path, (long long)d->n_images, (long long)p->damaged, (long long)p->empty);
    if (!status) status = join_blocks(&w, blocks);
    if (!status) status = dir_remove(part);
    free(w.dir);
    free(part);
    return status;
}
