/* The published kinds of hashes of a whole file. */
#pragma once

enum digest { DIGEST_MD5, DIGEST_SHA256 };
enum { DIGEST_HEX = 65 }; /* of the longest, with its NUL */

/* In small hex digits. `stop`, when wanted, is asked after each block: not 0 ends with its error.
 * ERR_MISSING: it cannot be read, or this system has no such hash. */
int file_digest(const char *path, enum digest kind, int (*stop)(void), char hex[DIGEST_HEX]);
