/* CLIP's tokenizer: byte-level BPE over cleaned, lower-cased text. reference-spec 1.12
 *
 * Opened once, then read-only: any number of threads may encode with one tokenizer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum {
    TOKENIZER_SIZE = 49408,      /* ids: 256 bytes, 256 bytes that end a word, 48894 merges, 2 */
    TOKENIZER_MERGED = 512,      /* first id that a merge makes */
    TOKENIZER_START = 49406,     /* first id of a row; "<|startoftext|>" in a text */
    TOKENIZER_END = 49407,       /* last one, and the largest: CLIP pools where it stands */
    TOKENIZER_MAX_TEXT = 1 << 14 /* bytes: merging is quadratic in the length of a word */
};

struct tokenizer {
    char *text;     /* the bytes of all tokens, one after the other */
    uint32_t *at;   /* [TOKENIZER_SIZE + 1]: token i is text[at[i] .. at[i + 1]) */
    bool *ends;     /* [TOKENIZER_SIZE]: it ends a word */
    uint32_t *word; /* open addressing: tokens by bytes and end of word, id + 1; 0 is empty */
    struct tokenizer_merge {
        uint32_t left, right, id; /* id 0 is empty: no merge makes "!" */
    } * merge;                    /* open addressing: what two neighbours become */
    uint8_t byte_id[256]; /* byte -> id of its token; the one that ends a word is 256 further */
};

/* Reads bpe_simple_vocab_16e6.txt.gz (or the same unpacked); NULL: tokenizer_default_path().
 * ERR_MISSING, or ERR_DATA when it is not CLIP's file, byte for byte. */
int tokenizer_open(struct tokenizer *t, const char *path);
void tokenizer_close(struct tokenizer *t);

/* Where the vocabulary is: $OVSEG_BPE (the file), $OVSEG_DEPS/clip, or .deps/clip of the source
 * tree this was built from. *path is owned; ERR_MISSING says how to get it. */
int tokenizer_default_path(char **path);

/* row [context] = start, the ids of `text`, end, zeros; *length (or NULL) counts all of them up to
 * the end token, more than `context` where some have no place. A text that does not fit is
 * ERR_DATA, or, with `truncate`, cut with the end token in the last place: inference does the
 * former, training the latter (reference-spec Q24). context >= 2. */
int tokenizer_encode(const struct tokenizer *t, const char *text, int64_t context, bool truncate,
                     int64_t *row, int64_t *length);

/* The bytes of a token, and whether it ends a word. Valid while t is open. */
const char *tokenizer_token(const struct tokenizer *t, int64_t id, size_t *n, bool *ends_word);

/* For other programs' files: appends a token as CLIP's file spells it, in its printable alphabet
 * and with "</w>" where it ends a word. */
void tokenizer_spell(const struct tokenizer *t, int64_t id, struct str *out);
/* The two tokens that each merge joins, by id [TOKENIZER_SIZE]; of what no merge
 * makes (below TOKENIZER_MERGED, from TOKENIZER_START) 0, 0. */
void tokenizer_merges(const struct tokenizer *t, uint32_t (*pair)[2]);
