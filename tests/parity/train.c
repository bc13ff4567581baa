#include "tests/parity/train.h"

#include "base/error.h"
#include "tests/parity/golden_config.h"

int train_replay(const char *golden, struct verdicts *r) {
    cJSON *json;
    *r = (struct verdicts){0};
    int status = golden_open(golden, &json);
    if (!status && cJSON_IsArray(golden_item(json, "phases")))
        status = train_clip_replay(golden, json, r);
    else if (!status && cJSON_IsArray(golden_item(json, "overrides")))
        status = train_seg_replay(golden, json, r);
    else if (!status)
        status = error_set(
            ERR_DATA, "%s: no training golden: neither phases nor overrides and steps", golden);
    cJSON_Delete(json);
    return status;
}
