#include "train/evaluation/panoptic_files.h"

#include "base/file.h"
#include "base/json.h"
#include "train/picture.h"

static void put_segment(struct json_out *j, const struct panoptic_segment *s) {
    const int64_t box[4] = {s->box.x0, s->box.y0, s->box.x1 - s->box.x0, s->box.y1 - s->box.y0};
    json_object(j);
    json_key_int(j, "id", s->id);
    json_key_int(j, "category_id", s->category);
    json_key_int(j, "isthing", s->thing);
    json_key_int(j, "area", s->area);
    json_key(j, "bbox");
    json_array(j);
    for (int i = 0; i < 4; i++) json_int(j, box[i]);
    json_end(j);
    json_key_int(j, "iscrowd", 0);
    json_end(j);
}

static int write_json(const char *path, const char *png, const struct panoptic *p,
                      const struct vocabulary *v, const bool *thing) {
    struct str s = {0};
    struct json_out j = {.to = &s};
    json_object(&j);
    json_key_string(&j, "file_name", path_base(png));
    json_key(&j, "segments_info");
    json_array(&j);
    for (size_t i = 0; i < p->n; i++) put_segment(&j, &p->segment[i]);
    json_end(&j);
    json_key(&j, "categories");
    json_array(&j);
    for (size_t k = 0; k < v->n; k++) {
        json_object(&j);
        json_key_int(&j, "id", (int64_t)k);
        json_key_string(&j, "name", v->at[k].name);
        json_key_int(&j, "isthing", thing[k]);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    str_put(&s, "\n", 1);
    int status = file_write(path, s.at, s.n);
    str_free(&s);
    return status;
}

int panoptic_write(const char *png, const char *json, const struct panoptic *p,
                   const struct vocabulary *v, const bool *thing) {
    int status = picture_write_labels(png, &p->id);
    return status ? status : write_json(json, png, p, v, thing);
}
