/* Weights of a tagger, whatever their form: those of data/perceptron_file.h, and NLTK's older one,
 * a pickle of (weights, tagdict, classes), which is read as data (checkpoints/pickle.h). */
#pragma once

#include "data/perceptron.h"

/* ERR_MISSING, ERR_DATA with the file and the place. perceptron_close also after errors. */
int tagger_read(struct perceptron *p, const char *path);
