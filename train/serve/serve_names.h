/* What people type as names, and the addresses that browsers call this server by. Both come from
 * outside. */
#pragma once

#include "data/vocabulary.h"
#include "train/serve/serve.h"

/* A name a line (empty lines and those that begin with # do not count), or one line with commas:
 * as files of classes, and lists on the command line, are. `v` is empty when nothing was typed.
 * ERR_DATA: no UTF-8, a NUL, too many or too long, doubled. */
int serve_names_read(struct vocabulary *v, const char *text, size_t n);

/* A decimal number from 0 on, in at most 40 bytes. */
bool serve_number_read(const char *text, size_t n, double *x);

/* Whether the value of a Host header, with or without a port, is one of ours. A page of somebody
 * else whose name was made to point here (DNS rebinding) is called by that name. Ours are
 * "localhost", addresses (without `beyond` those of the loopback alone, with it all), and, lower
 * case, `names`. */
bool serve_host_is_ours(const char *host, bool beyond, const struct strings *names);

bool serve_address_is_loopback(const char *address); /* a numeric one: 127.x.y.z, ::1 */

/* Whether the value of an Origin header is of a page of ours, which was asked for by `host`. */
bool serve_origin_is_ours(const char *origin, const char *host);

/* What a client calls its file, as a name to show: without folders and control characters, of at
 * most 200 bytes; owned. NULL, "" and what is no UTF-8 become "picture". */
char *serve_file_name(const char *name);
