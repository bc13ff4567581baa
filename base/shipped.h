/* The files that come with the program: the configs, the tables of classes, CLIP's vocabulary. They
 * lie in PREFIX/share/ovseg, found from where the program lies, so that PREFIX may be moved; a
 * program that was built and not installed takes those of its source tree.
 *
 *     configs/...       data/labels/...       clip/bpe_simple_vocab_16e6.txt.gz
 */
#pragma once

/* "@paper/x.yaml" is configs/paper/x.yaml of these ($OVSEG_CONFIGS names another folder of them);
 * any other path is itself. Owned. */
char *shipped_path(const char *path);

/* Whether a path that begins with @ names one of them. ERR_MISSING: none, or a folder, with the
 * configs in it; ERR_USAGE: it leads out of them. Any other path: 0. */
int shipped_check(const char *path);

char *shipped_config(const char *file); /* below configs/, or $OVSEG_CONFIGS; owned */
char *shipped_labels(const char *file); /* below data/labels/, or $OVSEG_LABELS; owned */
char *shipped_words(const char *file);  /* CLIP's vocabulary; owned */
