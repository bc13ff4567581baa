#include "train/weights/hf_tokenizer.h"

#include <stdlib.h>

#include "base/json.h"
#include "data/tokenizer.h"

static void put_vocabulary(const struct tokenizer *t, struct str *out) {
    struct json_out j = {.to = out};
    json_object(&j);
    for (int64_t id = 0; id < TOKENIZER_SIZE; id++) {
        struct str token = {0};
        tokenizer_spell(t, id, &token);
        json_key_int(&j, token.at, id);
        str_free(&token);
    }
    json_end(&j);
}

/* In the order of their ids, which is that of their rank. */
static void put_merges(const struct tokenizer *t, struct str *out) {
    uint32_t(*pair)[2] = mem_alloc(TOKENIZER_SIZE, sizeof *pair);
    tokenizer_merges(t, pair);
    str_add(out, "#version: 0.2\n");
    for (int64_t id = TOKENIZER_MERGED; id < TOKENIZER_START; id++) {
        tokenizer_spell(t, pair[id][0], out);
        str_add(out, " ");
        tokenizer_spell(t, pair[id][1], out);
        str_add(out, "\n");
    }
    free(pair);
}

static void put_config(int64_t context, struct str *out) {
    static const char end[] = "<|endoftext|>";
    struct json_out j = {.to = out};
    json_object(&j);
    json_key_string(&j, "tokenizer_class", "CLIPTokenizer");
    json_key_string(&j, "bos_token", "<|startoftext|>");
    json_key_string(&j, "eos_token", end);
    json_key_string(&j, "unk_token", end);
    json_key_string(&j, "pad_token", end);
    json_key_bool(&j, "do_lower_case", true);
    json_key_int(&j, "model_max_length", context);
    json_end(&j);
    str_add(out, "\n");
}

int hf_tokenizer(struct export_file out[HF_TOKENIZER_FILES], int64_t context) {
    static const char *const names[HF_TOKENIZER_FILES] = {"vocab.json", "merges.txt",
                                                          "tokenizer_config.json"};
    struct tokenizer t;
    for (int i = 0; i < HF_TOKENIZER_FILES; i++) out[i] = (struct export_file){.name = names[i]};
    int status = tokenizer_open(&t, NULL);
    if (status) return status;
    put_vocabulary(&t, &out[0].text);
    put_merges(&t, &out[1].text);
    put_config(context, &out[2].text);
    tokenizer_close(&t);
    return 0;
}
