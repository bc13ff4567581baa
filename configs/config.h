/* Everything a stage can be told. Each folder owns its options and their rows; here they are put
 * together, and it is said which of them each stage uses. */
#pragma once

#include "base/precision.h"
#include "base/settings.h"
#include "configs/resources.h"
#include "data/damage.h"
#include "data/options.h"
#include "data/scenes.h"
#include "eval/measure_options.h"
#include "nn/options.h"
#include "optim/options.h"

enum stage_kind {
    STAGE_SCENES,
    STAGE_PREPARE,
    STAGE_CLIP_PRETRAIN,
    STAGE_PROPOSALS,
    STAGE_MINE,
    STAGE_CLIP_FINETUNE,
    STAGE_MASK_PROMPT,
    STAGE_CLIP_JOINT,
    STAGE_EVALUATE,
    STAGE_IMPORT,
    STAGE_KINDS,
};
extern const char *const stage_names[]; /* ends with NULL */

enum run_device { DEVICE_AUTO, DEVICE_CPU, DEVICE_CUDA };

/* What every stage has, whatever it does. */
struct run_options {
    int stage; /* enum stage_kind */
    struct string_map inputs;
    char *then; /* "": nothing */
    int64_t seed;
    char *output_dir;
    struct string_map paths; /* what $NAME in front of a path stands for */
    int device;              /* enum run_device */
    int precision;           /* enum precision */
    bool deterministic;
    int64_t threads, threads_max;
    double timeout, timeout_first; /* of an exchange between ranks, seconds */
    bool shared_memory;            /* between ranks of a machine */
    double lock;                   /* of another host: still for so long it is dead, seconds */
    char *time_limit;              /* clock_parse_span's; "": none */
    int64_t log_every, checkpoint_every;
    bool checkpoint_behind;
};

enum validate_keep { KEEP_LAST, KEEP_BEST };
enum train_checkpointing { CHECKPOINTING_NONE, CHECKPOINTING_BLOCKS };

struct train_options {
    int64_t batch_global, batch_micro, virtual_shards;
    int checkpointing; /* enum train_checkpointing */
    int64_t loader_threads, loader_ahead;
    bool first_try;
    int not_finite; /* enum not_finite_policy of train/not_finite.h */
    int64_t not_finite_most;
    int damaged; /* enum on_damage */
    double damaged_most;
    char *validate_set;   /* "": none */
    char *validate_probe; /* "": none; "drawn", or a file */
    int64_t validate_every, validate_images;
    int validate_keep; /* enum validate_keep */
};

bool config_trains(int kind); /* enum stage_kind: its stage has train_options */

struct damage_options train_damage(const struct train_options *o);

/* What a stage starts from. */
struct init_options {
    char *weights; /* a path; "": random, or the input's */
    struct strings allow_missing, freeze;
};

struct config {
    struct run_options run;
    struct resources_options resources;
    struct init_options init;
    struct train_options train;
    struct optim_options optim, pretrain;
    struct scenes_options scenes;
    struct scene_counts counts;
    struct prepare_options prepare;
    struct pretrain_data_options data;
    struct segment_data_options segment;
    struct crop_options crop;
    struct text_options text;
    struct mine_options mine;
    struct noun_settings nouns;
    struct pairs_options pairs;
    struct clip_model_options clip;
    struct clip_train_options clip_train;
    struct proposals_options proposals;
    struct prompt_options prompt;
    struct eval_options eval;
    struct measure_options measure;
};

/* Whether a stage computes with models, so that device and precision decide its result. */
bool config_computes(int kind); /* enum stage_kind */

/* Puts an override over what doc says: a key of ours, or one of the reference's
 * (configs/reference.h). */
int config_override(struct settings_doc *doc, const struct override *o);

struct settings_table config_known(void);
struct settings_table config_used(int kind); /* enum stage_kind */
void config_free(struct config *c);

/* What the named config gives to every stage unasked. */
extern const char *const config_inherited[];
