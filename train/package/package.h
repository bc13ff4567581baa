/* Model packages (docs/package.md): a folder with everything that segmenting any picture with any
 * names needs, and nothing of the machine that made it.
 *
 *   settings.yaml                 how pictures are segmented: a config of stage evaluate, no inputs
 *   clip.yaml  clip.safetensors   the CLIP that names regions, with its mask prompts
 *   proposals.yaml  .safetensors  the proposal network, and how its names become texts
 *   text.yaml  text.safetensors   its own text tower, where that is not the CLIP's
 *   names.yaml                    names that it was measured or trained with, where known
 *   bpe_simple_vocab_16e6.txt.gz  CLIP's tokenizer
 *   card.json  CARD.md            what it was made from (train/package/card.h)
 *   manifest.json                 sizes and hashes of all of them (checkpoints/manifest.h)
 *
 * An opened one is part of a graph: an evaluation that is not run, with inputs "clip" and
 * "proposals", all of it finished and verified. Packages come from strangers: settings are taken
 * from the list of those that belong into one, files from the manifest alone.
 */
#pragma once

#include "train/run/graph.h"

#define PACKAGE_SETTINGS "settings.yaml"
#define PACKAGE_NAMES "names.yaml"
#define PACKAGE_TOKENIZER "bpe_simple_vocab_16e6.txt.gz"
#define PACKAGE_CARD "card.json"

enum package_part { PACKAGE_CLIP, PACKAGE_TEXT, PACKAGE_PROPOSALS, PACKAGE_PARTS };

struct package_part_files {
    const char *name, *settings, *weights; /* "clip", "clip.yaml", "clip.safetensors" */
    int kind;                              /* enum stage_kind of its node */
};
extern const struct package_part_files package_parts[PACKAGE_PARTS];

/* The settings that belong into the file of a part; PACKAGE_PARTS: into settings.yaml. */
struct settings_table package_table(int part);

/* Whether a folder is one, or was: by its manifest, or by a name that ends in .ovseg. */
bool package_is(const char *path);

/* The evaluation of the package in a folder, in the graph. NULL and ERR_DATA: damaged, incomplete,
 * or of a newer version, which is said with what to do; ERR_MISSING: cannot be read. */
struct node *package_open(struct graph *g, const char *dir);

/* What an input of another stage means by it: as "proposals" its network, else its CLIP. */
struct node *package_input(struct graph *g, const char *dir, const char *input);
