/* Mines mask-noun pairs: for every noun of a picture's captions, the masked proposal that CLIP
 * finds most like it (reference-spec 7.1). One shard for a fixed block of pictures; a finished
 * shard is never computed again, and what the models say of pictures is kept for other runs
 * (train/mine/mine_chunk.h).
 *
 * Rules: a noun counts once a caption; masks of fewer than mine.min_area pixels take no part; the
 * others are settings (train/mine/mine_match.h). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/figure.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/spans.h"
#include "data/pairs_write.h"
#include "dist/comm.h"
#include "train/clip_validate.h"
#include "train/given.h"
#include "train/mine/mine_chunk.h"
#include "train/mine/mine_nouns.h"
#include "train/mine/mine_pairs.h"
#include "train/mine/mine_part.h"
#include "train/mine/mine_report.h"
#include "train/mine/noun_features.h"
#include "train/places.h"
#include "train/ranks.h"

struct miner {
    struct node *node;
    struct dataset set;
    int64_t n_images, n_mined; /* all, and those that this process mined */
    int64_t shards, missing;   /* files of pairs: all, and those of other parts */
    struct clip_run clip;
    struct proposals_run proposals;
    struct mask_source files;
    struct mine_cache cache;
    struct mine_sources sources;
    char *network_id, *encoder_id;
    struct mine_nouns nouns;
    struct mine_names names;
    struct mine_part part;
    struct damage damage;
    char *dir;
    char proposals_hash[17];
    struct pairs_source source;
};

static int encode_nouns(struct miner *m) {
    int scope = t_scope_open("nouns", T_NO_GRAD | T_EVAL), span = span_begin("text");
    tensor *x = noun_features(m->node, &m->clip.clip, m->nouns.noun.at, (int64_t)m->nouns.noun.n);
    m->names.D = t_size(x, 1);
    size_t n = m->nouns.noun.n * (size_t)m->names.D;
    m->names.feature = mem_alloc(n, sizeof *m->names.feature);
    t_copy_out(x, m->names.feature, n * sizeof *m->names.feature); /* [nouns, D] */
    span_end(span);
    t_scope_close(scope, NULL);
    return error_status();
}

static int commit(struct miner *m, struct pairs_shard *shard) {
    size_t met, first = 0, n = 0;
    int64_t *list = damage_list(&m->damage, &met);
    while (first < met && list[first] < shard->first) first++;
    while (first + n < met && list[first + n] < shard->first + shard->n_images) n++;
    pairs_shard_damaged(shard, list + first, n);
    free(list);
    int span = span_begin("writing"), status = pairs_shard_commit(shard);
    span_end(span);
    return status;
}

static int mine_shard(struct miner *m, int64_t k, int64_t first, int64_t n,
                      struct progress *progress) {
    struct pairs_shard shard;
    pairs_shard_open(&shard, m->dir, k, first, n, &m->source);
    int status = 0;
    for (int64_t i = first; !status && i < first + n; i += MINE_TOGETHER) {
        int64_t some = first + n - i < MINE_TOGETHER ? first + n - i : MINE_TOGETHER;
        struct mine_chunk c = {0};
        status = mine_stopped(&m->cache);
        if (!status) status = mine_chunk_read(&c, &m->sources, i, some);
        int span = span_begin("matching");
        for (int64_t j = 0; !status && j < some; j++)
            mine_pairs_of_captions(&shard, &m->names, &c, j);
        span_end(span);
        mine_chunk_free(&c);
        m->n_mined += some;
        progress_at(progress, i + some, NULL);
    }
    if (!status) status = commit(m, &shard);
    pairs_shard_drop(&shard);
    return status;
}

/* The same of label maps: a mask of each seen class, named by the class. */
static int label_shard(struct miner *m, int64_t k, int64_t first, int64_t n) {
    struct pairs_shard shard;
    pairs_shard_open(&shard, m->dir, k, first, n, &m->source);
    int64_t n_seen, *seen = mine_label_classes(&m->set, &n_seen);
    int status = 0, span = span_begin("masks");
    for (int64_t i = first; !status && i < first + n; i++) {
        status = mine_stopped(&m->cache);
        if (!status && mine_pairs_of_labels(&shard, &m->names, i, seen, n_seen))
            status = damage_met(&m->damage, i);
    }
    span_end(span);
    free(seen);
    if (!status) status = commit(m, &shard);
    pairs_shard_drop(&shard);
    return status;
}

/* Parts of the command line and ranks divide the files alike: file k is rank k's, of those that are
 * the part's. */
static bool is_ours(const struct miner *m, int64_t k) {
    const struct comm *c = m->node->comm;
    return mine_part_has(&m->part, k) && k / m->part.n % comm_size(c) == comm_rank(c);
}

/* The file is there; the pictures that its maker could not read count as if met now. */
static bool is_done(struct miner *m, int64_t k, int64_t first, int64_t n) {
    int64_t *damaged;
    size_t n_damaged;
    bool done = pairs_shard_done(m->dir, k, first, n, &m->source, &damaged, &n_damaged);
    for (size_t i = 0; i < n_damaged; i++) damage_add(&m->damage, damaged[i]);
    free(damaged);
    return done;
}

/* Every file of pairs that is this process's to make. */
static int mine_files(struct miner *m) {
    int64_t block = m->node->config.mine.shard_images;
    struct progress progress;
    int status = 0;
    m->shards = (m->n_images + block - 1) / block;
    progress_open(&progress, m->node->name, "pictures", 0, m->n_images, 30);
    for (int64_t k = 0; !status && k < m->shards; k++) {
        int64_t first = k * block;
        int64_t n = m->n_images - first < block ? m->n_images - first : block;
        if (is_done(m, k, first, n)) continue;
        m->missing += !mine_part_has(&m->part, k);
        if (is_ours(m, k))
            status = m->node->config.mine.ground_truth ? label_shard(m, k, first, n)
                                                       : mine_shard(m, k, first, n, &progress);
    }
    progress_close(&progress);
    return status;
}

/* What all ranks could not read; on one of them it may have been few. */
static int tell_damage(struct miner *m) {
    ranks_share_damage(m->node->comm, &m->damage);
    int64_t met = damage_count(&m->damage), n = m->n_images;
    if ((double)met > m->damage.o.most * (double)n)
        return error_set(ERR_DATA,
                         "%lld of %lld pictures are damaged, more than data.damaged_most allows; "
                         "the messages above name them",
                         (long long)met, (long long)n);
    if (met && !comm_rank(m->node->comm))
        log_warn("%s: %lld of %lld pictures could not be read, and have no pairs", m->node->name,
                 (long long)met, (long long)n);
    return 0;
}

/* With the files of all ranks, and of other parts, the manifest. */
static int finish(struct miner *m) {
    int status = tell_damage(m);
    if (status || comm_rank(m->node->comm)) return status;
    if (m->missing)
        status = error_set(ERR_AGAIN,
                           "part %s is mined; %lld of %lld files of pairs are other parts': put "
                           "them into %s, then run the same command without mine.part",
                           m->node->config.mine.part, (long long)m->missing, (long long)m->shards,
                           m->dir);
    return status ? status : pairs_manifest(m->dir, m->shards, &m->source);
}

/* Where the time went, a picture; what was computed and what was there already. */
static void tell_work(const struct miner *m) {
    static const char *const parts[] = {"load",  "read",     "masks", "proposals", "crops", "CLIP",
                                        "nouns", "matching", "text",  "writing",   "cache"};
    struct str text = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (m->n_mined && spans_seconds(parts[i]) > 0)
            str_add(&text, "%s%s %.2f", text.n ? ", " : "", parts[i],
                    1e3 * spans_seconds(parts[i]) / (double)m->n_mined);
    if (text.n) log_info("%s: milliseconds a picture: %s", m->node->name, text.at);
    log_info("%s: %lld of %lld pictures went through the proposal network, %lld crops through CLIP",
             m->node->name, (long long)m->sources.pictures_proposed, (long long)m->n_images,
             (long long)m->sources.crops_encoded);
    str_free(&text);
}

/* What came out, and how right it is. */
static int report(struct miner *m) {
    struct pairs p;
    struct mine_report r;
    int status = pairs_open(&p, m->dir);
    if (status) return status;
    int span = span_begin("judging");
    status = mine_report_of(&r, &p, &m->set, &m->damage);
    span_end(span);
    if (!status) status = mine_report_write(&r, m->node->dir);
    if (!status)
        log_info("%s: %lld pairs, %lld nouns", m->node->name, (long long)r.pairs,
                 (long long)r.nouns);
    if (!status && r.classed)
        log_info("%s: %.1f %% of the pairs that name a class lie on it (seen %s, unseen %s)",
                 m->node->name, 100 * (double)r.right / (double)r.classed,
                 figure_text(mine_percent(r.seen_right, r.seen), 1).at,
                 figure_text(mine_percent(r.unseen_right, r.unseen), 1).at);
    pairs_close(&p);
    return status;
}

static char none[] = "", label_maps[] = "labels";

static char *id_of(const struct node *n, const char *input) {
    struct node *from = node_from(n, input);
    return from ? from->id : none;
}

/* Hashes of runs and files: equal inputs give equal pairs, wherever they lie. */
static void name_sources(struct miner *m) {
    const struct node_input *in = node_input(m->node, "proposals");
    char *proposals = id_of(m->node, "proposals");
    if (in && in->path) {
        hash_hex(in->hash, m->proposals_hash);
        proposals = m->proposals_hash;
    } else if (m->node->config.mine.masks == MINE_LABELS) {
        proposals = label_maps;
    }
    m->source = (struct pairs_source){
        {proposals, id_of(m->node, "clip"), id_of(m->node, "scenes"), m->node->id}};
}

/* Masks do not depend on names, so any will do. */
static int open_network(void *ctx) {
    struct miner *m = ctx;
    static char name[] = "object";
    char *const names[] = {name};
    struct vocabulary v;
    vocabulary_of(&v, names, 1);
    int span = span_begin("load");
    int status = proposals_run_open(&m->proposals, m->node, &v, NULL);
    span_end(span);
    vocabulary_close(&v);
    return status;
}

static char *run_name(const struct node_input *in) {
    return mem_format("%s%s", in->node->id, in->best ? " best" : "");
}

/* The folder of the cache, owned; NULL: none. */
static char *cache_dir(const struct node *n) {
    const char *said = n->config.mine.cache;
    if (strcmp(said, "none") == 0) return NULL;
    return strcmp(said, "auto") != 0 ? mem_strdup(said) : places_cache_of(n, ".mined");
}

static void open_cache(struct miner *m) {
    char *dir = cache_dir(m->node);
    mine_cache_open(&m->cache, dir);
    free(dir);
}

/* What features depend on beside the pictures and their masks; owned. */
static char *name_encoder(const struct node *n, const struct region_options *o) {
    char *clip = run_name(node_input(n, "clip"));
    char *name =
        mem_format("clip %s prompts %d\ncrop %lld expand %.17g box %d antialias %d fill %d\n", clip,
                   n->config.mine.prompts, (long long)o->side, o->expand, o->whole_box,
                   o->antialias, (int)o->fill);
    free(clip);
    return name;
}

/* Where masks come from, and what looks at them. */
static int open_sources(struct miner *m) {
    const struct config *c = &m->node->config;
    const struct node_input *in = node_input(m->node, "proposals");
    int span = span_begin("load"), status = clip_run_open(&m->clip, m->node, "clip", NULL);
    if (!status && in && in->path) status = mask_source_open(&m->files, in->path);
    span_end(span);
    if (status) return status;
    struct namer namer = {.clip = &m->clip.clip, .no_prompts = !c->mine.prompts};
    struct region_options crop = crop_region(&c->crop, clip_image_size(&m->clip.clip));
    m->network_id = in && in->node ? run_name(in) : NULL;
    m->encoder_id = name_encoder(m->node, &crop);
    open_cache(m);
    m->sources = (struct mine_sources){.set = &m->set,
                                       .mine = &c->mine,
                                       .cache = &m->cache,
                                       .damage = &m->damage,
                                       .files = in && in->path ? &m->files : NULL,
                                       .network = &m->proposals,
                                       .network_id = m->network_id,
                                       .open = open_network,
                                       .ctx = m,
                                       .crop = crop,
                                       .encoder = namer_encoder(&namer),
                                       .encoder_id = m->encoder_id};
    return 0;
}

static int find_nouns(struct miner *m) {
    int span = span_begin("nouns");
    int status = mine_nouns_find(&m->nouns, &m->set, m->n_images, m->node->config.mine.captions,
                                 m->node, t_threads());
    span_end(span);
    return status ? status : encode_nouns(m);
}

static int run(struct node *n) {
    const struct mine_options *o = &n->config.mine;
    struct miner m = {.node = n, .dir = path_join(n->dir, "pairs"), .files.file.fd = -1};
    spans_open();
    name_sources(&m);
    mine_part_parse(&m.part, o->part); /* check() saw that it can be */
    int status = dir_make(m.dir);
    if (!status) status = clip_open_set(n, "clip", &m.set);
    m.names = (struct mine_names){.set = &m.set, .mine = o, .nouns = &m.nouns};
    m.n_images = o->images && o->images < m.set.n_images ? o->images : m.set.n_images;
    damage_open(&m.damage, train_damage(&n->config.train), m.n_images);
    if (!status && !o->ground_truth) {
        status = open_sources(&m);
        if (!status) status = find_nouns(&m);
    }
    if (!status) status = mine_files(&m);
    comm_timeout(n->comm, 0); /* some ranks' files take longer */
    status = ranks_meet(n->comm, status);
    if (!status) status = finish(&m);
    if (!status && !o->ground_truth) tell_work(&m);
    if (!status && !comm_rank(n->comm)) status = report(&m);
    mine_nouns_free(&m.nouns);
    free(m.names.feature);
    free(m.network_id);
    free(m.encoder_id);
    mine_cache_close(&m.cache);
    mask_source_close(&m.files);
    proposals_run_free(&m.proposals);
    clip_run_free(&m.clip);
    dataset_close(&m.set);
    damage_close(&m.damage);
    free(m.dir);
    return status;
}

static void check(const struct node *n, struct problems *p) {
    const struct mine_options *o = &n->config.mine;
    struct mine_part part;
    bool labels = o->masks == MINE_LABELS, proposals = node_input(n, "proposals");
    if (!mine_part_parse(&part, o->part))
        settings_problem(&n->doc, p, "mine.part", "\"%s\": 2/4 is the second of four parts",
                         o->part);
    if (o->ground_truth) return;
    mine_nouns_check(n, p);
    if (!node_input(n, "clip")) problems_add(p, "%s: missing inputs.clip", n->path);
    if (!labels && !proposals)
        problems_add(p,
                     "%s: missing inputs.proposals: a run, weights, or masks of others; or "
                     "mine.masks: labels",
                     n->path);
    if (labels && proposals)
        problems_add(p, "%s: inputs.proposals has no use with mine.masks: labels", n->path);
}

static int check_inputs(const struct node *n) {
    int status = given_check_inputs(n);
    return status || n->config.mine.ground_truth ? status : mine_nouns_check_inputs(n);
}

static const char *const inputs[] = {"scenes", NULL};
static const char *const maybe[] = {"clip", "proposals", NULL};
const struct stage stage_mine = {
    .name = "mine",
    .inputs = inputs,
    .maybe = maybe,
    .ranks = true,
    .files = mine_nouns_files,
    .revision = 4,
    .check = check,
    .run = run,
    .check_inputs = check_inputs,
};
