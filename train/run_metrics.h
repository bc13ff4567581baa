/* The figures of a run, from its files. */
#pragma once

#include "train/run_look.h"

/* Fills r->metric and r->value: mIoU of the last model of an evaluation, else the last validation,
 * else pairs that were mined, else the last loss. */
void run_main_metric(struct run_look *r);
