/* What weights by themselves tell of the model that they belong to, as settings of a config of
 * stage import. */
#pragma once

#include "base/settings_doc.h"

/* Opens the file (its data is not read) and puts what its names and shapes tell under what doc says
 * already, which wins: proposals.*, clip.*, prompt.depth. Not told by any file: the dilations of
 * res5, the heads of the decoder, pre-norm. Errors as import_open(). */
int import_settings(struct settings_doc *doc, const char *path);
