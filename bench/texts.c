#include "bench/texts.h"

#include <stdlib.h>

#include "data/templates.h"
#include "data/tokenizer.h"

enum { CONTEXT = 77 };

int text_ids(const struct vocabulary *v, tensor **ids) {
    struct tokenizer t = {0};
    struct strings templates = {0}, texts = {0};
    int status = templates_named("vild", &templates);
    for (size_t i = 0; !status && i < v->n; i++)
        status = vocabulary_prompts(v, i, &templates, &texts);
    if (!status) status = tokenizer_open(&t, NULL);
    int64_t *row = mem_alloc(texts.n, CONTEXT * sizeof *row);
    for (size_t i = 0; !status && i < texts.n; i++)
        status = tokenizer_encode(&t, texts.at[i], CONTEXT, false, row + i * CONTEXT, NULL);
    if (!status)
        *ids = t_from_data(row, SHAPE((int64_t)v->n, (int64_t)templates.n, CONTEXT), T_I64);
    free(row);
    strings_free(&texts);
    strings_free(&templates);
    tokenizer_close(&t);
    return status;
}
