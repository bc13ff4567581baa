#include "configs/config.h"

#include "base/error.h"
#include "base/setting_rows.h"
#include "configs/reference.h"

const char *const stage_names[] = {
    "scenes",      "prepare",    "clip-pretrain", "proposals", "mine", "clip-finetune",
    "mask-prompt", "clip-joint", "evaluate",      "import",    NULL}; /* enum stage_kind */

const char *const config_inherited[] = {
    "seed",          "output_dir", "device",  "threads",      "precision",
    "deterministic", "log.*",      "paths.*", "checkpoint.*", "virtual_shards",
    "dist.*",        "time_limit", NULL};

/* clang-format off */
#define SETTINGS_OF struct run_options
static const char *const devices[] = {"auto", "cpu", "cuda", NULL}; /* enum run_device */
static const struct setting run_rows[] = {
    CHOICE("stage",       stage,       OUTPUT, NULL, stage_names,  "what this config does"),
    MAP   ("inputs",      inputs,      OUTPUT, "{}",               "name: a config, a run folder (RUN, RUN@best) or a file"),
    STRING("then",        then,        OUTPUT, "",                 "a config that is run after this one"),
    INT   ("seed",        seed,        RESULT, "1",    0, 1e15,    "of everything drawn at random"),
    STRING("output_dir",  output_dir,  OUTPUT, "runs",             "where run folders are made; paths.runs when this is not given"),
    MAP   ("paths",       paths,       OUTPUT, "{}",               "name: a folder; $NAME/x in a path of a config is x in it, ${env:VARIABLE} a variable. data, weights, runs and cache may be said once for a machine: docs/places.md"),
    CHOICE("device",      device,      OUTPUT, "auto", devices,    "auto: a usable GPU, else the CPU"),
    INT   ("threads",     threads,     SPEED,  "0",    0, 1024,    "0: as many as the machine has cores"),
    INT   ("threads_max", threads_max, SPEED,  "0",    0, 1024,    "at most so many for this stage; 0: no limit"),
    REAL  ("dist.timeout", timeout,    OUTPUT, "100", 1, 1e6,  "seconds that ranks wait for each other before the silent one is named and all end"),
    REAL  ("dist.timeout_first", timeout_first, OUTPUT, "300", 1, 1e6, "the same for what takes longer: the first step, a checkpoint"),
    BOOL  ("dist.shared_memory", shared_memory, OUTPUT, "true", "gradients lie where the ranks of a machine see each other's, and are summed there; false: they are sent; the same bits"),
    REAL  ("dist.lock",   lock,        OUTPUT, "60",  1, 1e6,      "seconds that the lock of a process on another host must stand still before the run is taken over"),
    STRING("time_limit",  time_limit,  OUTPUT, "",             "stop before so long with a checkpoint and exit status 75: MINUTES, HH:MM:SS or D-HH:MM:SS; empty: when a Slurm job says so"),
    INT   ("log.every",   log_every,   OUTPUT, "20",   1, 1e9,     "steps between lines of metrics.jsonl"),
    BOOL  ("checkpoint.behind", checkpoint_behind, OUTPUT, "true", "written out of a copy in memory while the next steps run"),
    INT   ("checkpoint.every", checkpoint_every, OUTPUT, "500", 1, 1e9, "steps between checkpoints"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct run_options
static const struct setting precision_rows[] = {
    CHOICE("precision", precision, RESULT, "fp32", precision_names, "of the products and convolutions of models; all else is fp32. bf16: CPUs and GPUs; tf32, fp16: GPUs"),
    BOOL  ("deterministic", deterministic, SPEED, "false", "on GPUs, the same bits each time, slower; CPUs give them anyway"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct train_options
static const char *const not_finite[] = {"stop", "skip", NULL}; /* enum not_finite_policy */
static const char *const checkpointings[] = {"none", "blocks", NULL}; /* enum train_checkpointing */
static const char *const keeps[] = {"last", "best", NULL}; /* enum validate_keep */
static const struct setting train_rows[] = {
    INT   ("batch.global",    batch_global,    RESULT, "32",  1, 1e6,  "samples of an update, over all ranks"),
    INT   ("batch.micro",     batch_micro,     SPEED,  "0",   0, 1e6,  "samples computed at once, of those a rank has; 0: all"),
    INT   ("virtual_shards",  virtual_shards,  RESULT, "0",   0, 65536, "parts of a batch, 1, 2, 4, ...: equal bits on 1, 2, 4, ... ranks; 0: as many as ranks and batch.micro make"),
    CHOICE("checkpointing",   checkpointing,   SPEED,  "none", checkpointings, "blocks: transformer blocks keep their input alone and are computed again in the backward: less memory, a third more time, the same bits"),
    INT   ("loader.threads",  loader_threads,  SPEED,  "1",   1, 256,  "that make batches"),
    INT   ("loader.ahead",    loader_ahead,    SPEED,  "3",   1, 256,  "batches made before they are asked for"),
    BOOL  ("first_try",       first_try,       OUTPUT, "true", "before the first step: the largest batch, a batch of validation and a checkpoint, of which nothing stays"),
    CHOICE("update.not_finite", not_finite,    OUTPUT, "stop", not_finite, "what a loss or gradient that is not a number does: the run ends (stop), or the step is left out (skip)"),
    INT   ("update.not_finite_most", not_finite_most, OUTPUT, "10", 1, 1e9, "steps left out in a row; one more ends the run"),
    STRING("validate.set",    validate_set,    RESULT, "",             "a set of the scenes input; empty: no validation"),
    STRING("validate.probe",  validate_probe,  OUTPUT, "",             "names and pictures that are not of the new domain: they are measured before the first step and with every validation, and tell what is forgotten. drawn: 100 drawn scenes; or the file of a set with masks; empty: none. Part of a run's identity where it is given"),
    INT   ("validate.every",  validate_every,  RESULT, "0",   0, 1e9,  "steps; 0: at the end"),
    INT   ("validate.images", validate_images, RESULT, "0",   0, 1e9,  "at most so many, of the set and of the probe; 0: all"),
    CHOICE("validate.keep",   validate_keep,   RESULT, "last", keeps,  "which checkpoint the run ends with"),
};

static const struct setting damage_rows[] = {
    CHOICE("data.damaged",    damaged,         OUTPUT, "stop", on_damage_names, "what a sample that cannot be read does: another one, of its batch if it can be, takes its place, or, in mining, the picture has no pairs (skip); or the run ends (stop)"),
    REAL  ("data.damaged_most", damaged_most,  OUTPUT, "0.05", 0, 1, "share of the samples, or pictures; when more are damaged the run ends all the same"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct init_options
static const struct setting init_rows[] = { /* of the weights their contents are the result */
    STRING ("weights",       weights,       OUTPUT, "",   "to start from: a file of the whole model, or (proposals) its backbone; a run, or the config of one; empty: none"),
    STRINGS("allow_missing", allow_missing, RESULT, "[]", "patterns of names that the file may lack"),
    STRINGS("freeze",        freeze,        RESULT, "[]", "patterns of names that do not train"),
};
#undef SETTINGS_OF
/* clang-format on */

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define GROUP(prefix, rows, field)                                                                 \
    { prefix, rows, COUNT(rows), offsetof(struct config, field) }
#define RUN GROUP("", run_rows, run), GROUP("resources", resources_rows, resources)
#define COMPUTES GROUP("", precision_rows, run)
#define DAMAGE GROUP("", damage_rows, train)
#define TRAIN GROUP("", train_rows, train), DAMAGE
#define INIT GROUP("init", init_rows, init)
#define SCENES GROUP("scenes", scenes_rows, scenes), GROUP("count", scene_counts_rows, counts)
#define PREPARE GROUP("prepare", prepare_rows, prepare)
#define DATA GROUP("data", pretrain_data_rows, data)
#define SEGMENT GROUP("segment", segment_data_rows, segment)
#define CROP GROUP("crop", crop_rows, crop)
#define TEXT GROUP("text", text_rows, text)
#define PAIRS GROUP("pairs", pairs_rows, pairs)
#define MINE GROUP("mine", mine_rows, mine)
#define NOUNS GROUP("nouns", noun_rows, nouns)
#define CLIP GROUP("clip", clip_model_rows, clip)
#define LOSS GROUP("loss", clip_train_rows, clip_train)
#define PROMPT GROUP("prompt", prompt_rows, prompt)
#define PROPOSALS GROUP("proposals", proposals_rows, proposals)
#define DECAY GROUP("optim", optim_decay_rows, optim)
#define EVAL GROUP("eval", eval_rows, eval)
#define MEASURE GROUP("measure", measure_rows, measure)

static const struct setting_group scenes_groups[] = {RUN, SCENES};
static const struct setting_group prepare_groups[] = {RUN, PREPARE};
static const struct setting_group pretrain_groups[] = {
    RUN,  COMPUTES, TRAIN, INIT, DATA,
    CLIP, LOSS,     TEXT,  CROP, GROUP("optim", optim_pretrain_rows, optim)};
static const struct setting_group proposals_groups[] = {
    RUN,     COMPUTES,
    TRAIN,   INIT,
    SEGMENT, PROPOSALS,
    TEXT,    GROUP("optim", optim_proposals_rows, optim),
    DECAY,   GROUP("pretrain", optim_backbone_rows, pretrain)};
static const struct setting_group mine_groups[] = {RUN, COMPUTES, DAMAGE, MINE, NOUNS, TEXT, CROP};
static const struct setting_group finetune_groups[] = {
    RUN, COMPUTES, TRAIN, INIT, LOSS, TEXT, CROP, PAIRS, GROUP("optim", optim_clip_rows, optim)};
static const struct setting_group prompt_groups[] = {
    RUN,  COMPUTES, TRAIN, INIT,   LOSS,
    TEXT, CROP,     PAIRS, PROMPT, GROUP("optim", optim_prompt_rows, optim)};
static const struct setting_group evaluate_groups[] = {RUN, COMPUTES, EVAL, MEASURE, TEXT, CROP};
static const struct setting_group import_groups[] = {
    RUN, GROUP("prompt", prompt_found_rows, prompt), CLIP, PROPOSALS, TEXT, CROP, EVAL};
static const struct setting_group known_groups[] = {
    RUN,
    COMPUTES,
    TRAIN,
    INIT,
    DATA,
    SEGMENT,
    SCENES,
    PREPARE,
    CROP,
    TEXT,
    MINE,
    NOUNS,
    PAIRS,
    CLIP,
    LOSS,
    PROMPT,
    PROPOSALS,
    EVAL,
    MEASURE,
    DECAY,
    GROUP("optim", optim_clip_rows, optim),
    GROUP("pretrain", optim_backbone_rows, pretrain)};

struct damage_options train_damage(const struct train_options *o) {
    return (struct damage_options){.stop = o->damaged == DAMAGED_STOP, .most = o->damaged_most};
}

bool config_trains(int kind) {
    switch ((enum stage_kind)kind) {
    case STAGE_CLIP_PRETRAIN:
    case STAGE_PROPOSALS:
    case STAGE_CLIP_FINETUNE:
    case STAGE_MASK_PROMPT:
    case STAGE_CLIP_JOINT: return true;
    default: return false;
    }
}

#define TABLE(groups) ((struct settings_table){groups, COUNT(groups)})

struct settings_table config_known(void) {
    return TABLE(known_groups);
}

struct settings_table config_used(int kind) {
    switch ((enum stage_kind)kind) {
    case STAGE_SCENES: return TABLE(scenes_groups);
    case STAGE_PREPARE: return TABLE(prepare_groups);
    case STAGE_CLIP_PRETRAIN: return TABLE(pretrain_groups);
    case STAGE_PROPOSALS: return TABLE(proposals_groups);
    case STAGE_MINE: return TABLE(mine_groups);
    case STAGE_CLIP_FINETUNE: return TABLE(finetune_groups);
    case STAGE_MASK_PROMPT:
    case STAGE_CLIP_JOINT: return TABLE(prompt_groups);
    case STAGE_EVALUATE: return TABLE(evaluate_groups);
    case STAGE_IMPORT: return TABLE(import_groups);
    case STAGE_KINDS: break;
    }
    REQUIRE(false, "stage kind %d", kind);
}

bool config_computes(int kind) {
    return kind != STAGE_SCENES && kind != STAGE_PREPARE && kind != STAGE_IMPORT;
}

int config_override(struct settings_doc *doc, const struct override *o) {
    return reference_is_key(o->key) ? reference_override(doc, o) : settings_override(doc, o);
}

void config_free(struct config *c) { settings_free(config_known(), c); }
