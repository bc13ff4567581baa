/* CLIP's tokenizer as Hugging Face's CLIPTokenizer reads it. */
#pragma once

#include "checkpoints/export.h"

enum { HF_TOKENIZER_FILES = 3 };

/* vocab.json, merges.txt, tokenizer_config.json for texts of `context` tokens; str_free() their
 * texts. ERR_MISSING, ERR_DATA: as tokenizer_open(). */
int hf_tokenizer(struct export_file out[HF_TOKENIZER_FILES], int64_t context);
