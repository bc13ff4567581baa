/* Archives as they are published: is it the whole file, and unchanged? */
#pragma once

#include <stdbool.h>

/* Compares an archive whose MD5 is published with it, by its name: a difference is a warning, or
 * ERR_DATA when `strict`. Others are not read. MD5 finds damage; it is no defence against a forger.
 */
int known_archive_check(const char *path, bool strict);
