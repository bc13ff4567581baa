#include "eval/measure_options.h"

#include "base/setting_rows.h"

#define SETTINGS_OF struct measure_options
static const char *const sources[] = {"none", "wordnet", "text", "file", NULL};
static const char *const senses[] = {"first", "max", NULL};
static const char *const pixels[] = {"none", "labelled", "all", NULL};
static const char *const tables[] = {"short", "full", NULL};

/* clang-format off */
const struct setting measure_rows[] = {
    BOOL  ("oracles",     oracles,     RESULT, "false",        "also what true masks with CLIP's names, and proposals with the best names, would reach"),
    REALS ("lambdas",     lambdas,     RESULT, "[]", 0, 1,     "weights of CLIP that are tried in the same pass; empty: eval.lambda"),
    REALS ("thresholds",  thresholds,  RESULT, "[]", 0, 1,     "mask thresholds that are tried in the same pass; empty: eval.mask_threshold"),
    CHOICE("similarity",  similarity,  RESULT, "none", sources, "of names, for open mIoU: WordNet's path similarity, cosines of the first model's text features, or the table inputs.similarity"),
    CHOICE("senses",      senses,      RESULT, "first", senses, "of a word in WordNet: its commonest sense, or the pair of senses that are most alike"),
    STRING("wordnet",     wordnet,     RESULT, "/usr/share/wordnet", "folder of WordNet's files data.noun, index.noun and noun.exc"),
    MAP   ("subsets",     subsets,     RESULT, "{}",           "NAME: classes by name or index, \"a; b; c\" (or by commas); figures of them, of the others (unNAME), and their harmonic mean"),
    CHOICE("min_score",   min_score,   RESULT, "none", pixels, "find the lowest score that is worth a name, for `ovseg segment --min-score`: by the pixels that have a class, or by all, where those without one are to stay unlabelled"),
    BOOL  ("predictions", predictions, RESULT, "false",        "write sem_seg_predictions.json: of the last model, COCO's run lengths of every predicted label"),
    BOOL  ("analysis",    analysis,    OUTPUT, "true",         "write analysis.h5: confusion matrices, intersections and unions of each picture, what each proposal was called (docs/analysis.md)"),
    BOOL  ("csv",         csv,         OUTPUT, "false",        "also write that as confusion.csv, per_image.csv and per_proposal.csv, of a finished run, too"),
    INT   ("pairs",       pairs,       RESULT, "20", 0, 10000, "names most often confused, listed in the result"),
    CHOICE("table",       table,       OUTPUT, "short", tables, "what is printed at the end; full, the default of `ovseg eval`: all figures by their names"),
    INT   ("lines",       lines,       OUTPUT, "5", 0, 10000,  "best and worst classes of the full table"),
};
/* clang-format on */
