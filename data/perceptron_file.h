/* A tagger's weights as files.
 *
 *   folder   NLTK's newer form: *.weights.json {feature: {tag: weight}}, *.tagdict.json {word:
 * tag},
 *            *.classes.json [tag]; the names before the first dot are free, one of each
 *   JSON     the same three in one file: [weights, tagdict, classes]
 *   text     lines of fields with a tab between: "class TAG", "word WORD TAG",
 *            "weight FEATURE TAG VALUE", those of one feature together; # begins a comment line
 *
 * NLTK's older form, a pickle, is train/mine/tagger.h's: its reader belongs to the weights of
 * networks.
 */
#pragma once

#include "data/perceptron.h"

/* Reads any of them and finishes the tagger. ERR_MISSING when a file is not there, ERR_DATA with
 * the file and the line or byte of what is wrong. perceptron_close also after errors. */
int perceptron_read(struct perceptron *p, const char *path);
