/* The forms of captions that are text, for captions_file.c. */
#pragma once

#include "data/captions_file.h"

/* Adds one; `file`: a picture's, or, of texts, its name or "a.jpg" (of a.jpg.txt); `line` of the
 * last of c->source, or of c->path when there is none. */
void captions_add(struct captions *c, const char *file, const char *text, int64_t id, size_t line);

/* ERR_DATA with what mends it: a list, or, of JSON Lines, objects of several lines. */
int captions_check_json(const char *path, const char *text, bool lines);

int captions_read_lines(struct captions *c, struct hasher *hash); /* JSON Lines */
int captions_read_table(struct captions *c, struct hasher *hash);
int captions_read_texts(struct captions *c, const struct strings *only,
                        struct hasher *hash); /* a folder of .txt */
