/* What `ovseg segment` and its kin are tried on: the runs of a smoke chain, and pictures. */
#pragma once

enum { SEGMENTED_PICTURES = 6, SEGMENTED_SIDE = 48 };

/* Trains the chain and draws the pictures; the runs of prompts and of the evaluation, and the
 * folder of pictures, owned. */
void segmented_start(char **model, char **evaluation, char **photos);
char *segmented_picture(const char *photos, int i); /* its path, owned */
void segmented_draw(const char *path, int seed);    /* one more, with its folder */
