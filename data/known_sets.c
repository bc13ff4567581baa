#include "data/known_sets.h"

#include <string.h>

#include "base/error.h"
#include "base/shipped.h"

/* Splits that several sets share. */
#define COCO_TRAIN                                                                                 \
    .name = "train", .images = {"coco/train2017"}, .maps = {"coco/stuffthingmaps/train2017"},      \
    .prepared_images = "coco/train2017",                                                           \
    .prepared_maps = "coco/stuffthingmaps_detectron2/train2017",                                   \
    .archives = {"train2017.zip", "stuffthingmaps_trainval2017.zip"}, .pictures = 118287
#define COCO_VAL                                                                                   \
    .name = "val", .images = {"coco/val2017"}, .maps = {"coco/stuffthingmaps/val2017"},            \
    .prepared_images = "coco/val2017", .prepared_maps = "coco/stuffthingmaps_detectron2/val2017",  \
    .archives = {"val2017.zip", "stuffthingmaps_trainval2017.zip"}, .pictures = 5000
/* Pascal Context's validation pictures are VOC2010's; 5,104 where one is dropped (mmsegmentation).
 */
#define CONTEXT_VAL                                                                                \
    .name = "val", .images = {"VOCdevkit/VOC2010/JPEGImages"},                                     \
    .maps = {"VOCdevkit/VOC2010/trainval"},                                                        \
    .list = {"VOCdevkit/VOC2010/pascalcontext_val.txt",                                            \
             "VOCdevkit/VOC2010/ImageSets/Main/val.txt"},                                          \
    .prepared_images = "VOCdevkit/VOC2010/JPEGImages",                                             \
    .archives = {"VOCtrainval_03-May-2010.tar", "trainval.tar.gz"}, .pictures = 5105
#define VOC_SPLIT(split)                                                                           \
    .name = (split), .images = {"VOCdevkit/VOC2012/JPEGImages"},                                   \
    .maps = {"VOCdevkit/VOC2012/SegmentationClassAug"},                                            \
    .list = {"VOCdevkit/VOC2012/ImageSets/Segmentation/" split ".txt"},                            \
    .prepared_images = "VOCdevkit/VOC2012/JPEGImages",                                             \
    .prepared_maps = "VOCdevkit/VOC2012/annotations_detectron2/" split,                            \
    .archives = {"VOCtrainval_11-May-2012.tar", "SegmentationClassAug.zip"}

static const struct known_set sets[] = {
    {.name = "coco-stuff",
     .alias = "coco-stuff-171",
     .about = "COCO-Stuff, 171 classes",
     .labels = "coco_stuff_171.yaml",
     .kind = MAPS_PNG,
     .prepared_kind = MAPS_PNG,
     .image_suffix = ".jpg",
     .map_suffix = ".png",
     .split = {{COCO_TRAIN}, {COCO_VAL}}},
    /* The split of SPNet (Xian et al., CVPR 2019), which ZSSeg and ZegFormer use. */
    {.name = "coco-stuff-156-15",
     .about = "COCO-Stuff, of whose classes 15 have no masks in training",
     .labels = "coco_stuff_171.yaml",
     .kind = MAPS_PNG,
     .prepared_kind = MAPS_PNG,
     .image_suffix = ".jpg",
     .map_suffix = ".png",
     .unseen = "frisbee,skateboard,cardboard,carrot,scissors,suitcase,giraffe,cow,road,"
               "wall-concrete,tree,grass,river,clouds,playingfield",
     .split = {{COCO_TRAIN}, {COCO_VAL}}},
    {.name = "coco-captions",
     .about = "COCO's pictures with their captions, without label maps",
     .image_suffix = ".jpg",
     .split = {{.name = "train",
                .images = {"coco/train2017"},
                .captions = "coco/annotations/captions_train2017.json",
                .archives = {"train2017.zip", "annotations_trainval2017.zip"},
                .pictures = 118287},
               {.name = "val",
                .images = {"coco/val2017"},
                .captions = "coco/annotations/captions_val2017.json",
                .archives = {"val2017.zip", "annotations_trainval2017.zip"},
                .pictures = 5000}}},
    {.name = "ade20k-150",
     .alias = "ade-150",
     .about = "ADE20K, 150 classes",
     .labels = "ade20k_150.yaml",
     .kind = MAPS_PNG,
     .prepared_kind = MAPS_PNG,
     .zero_is_none = true,
     .image_suffix = ".jpg",
     .map_suffix = ".png",
     .split = {{.name = "val",
                .images = {"ADEChallengeData2016/images/validation"},
                .maps = {"ADEChallengeData2016/annotations/validation"},
                .prepared_images = "ADEChallengeData2016/images/validation",
                .prepared_maps = "ADEChallengeData2016/annotations_detectron2/validation",
                .archives = {"ADEChallengeData2016.zip"},
                .pictures = 2000},
               {.name = "train",
                .images = {"ADEChallengeData2016/images/training"},
                .maps = {"ADEChallengeData2016/annotations/training"},
                .prepared_images = "ADEChallengeData2016/images/training",
                .prepared_maps = "ADEChallengeData2016/annotations_detectron2/training",
                .archives = {"ADEChallengeData2016.zip"},
                .pictures = 20210}}},
    {.name = "ade20k-847",
     .alias = "ade-847",
     .about = "the full ADE20K (2021-01-17), 847 classes",
     .labels = "ade20k_847.yaml",
     .kind = MAPS_ADE_FULL,
     .prepared_kind = MAPS_TIFF,
     .deep = true,
     .shrunk = true,
     .image_suffix = ".jpg",
     .map_suffix = "_seg.png",
     .split = {{.name = "val",
                .images = {"ADE20K_2021_17_01/images"},
                .maps = {"ADE20K_2021_17_01/images"},
                .prepared_images = "ADE20K_2021_17_01/images_detectron2/validation",
                .prepared_maps = "ADE20K_2021_17_01/annotations_detectron2/validation",
                .archives = {"ADE20K_2021_17_01.zip"},
                .middle = "val",
                .pictures = 2000},
               {.name = "train",
                .images = {"ADE20K_2021_17_01/images"},
                .maps = {"ADE20K_2021_17_01/images"},
                .prepared_images = "ADE20K_2021_17_01/images_detectron2/training",
                .prepared_maps = "ADE20K_2021_17_01/annotations_detectron2/training",
                .archives = {"ADE20K_2021_17_01.zip"},
                /* The reference makes none. Beside "train" there is "frame", which lies in
                 * images/ADE/training, too: what is no "val" is taken to be for training. */
                .middle = "!val",
                .pictures = 25574}}},
    {.name = "pascal-context-59",
     .alias = "pc-59",
     .about = "Pascal Context, its 59 frequent classes",
     .labels = "pascal_context_59.yaml",
     .kind = MAPS_MAT,
     .prepared_kind = MAPS_PNG,
     .image_suffix = ".jpg",
     .map_suffix = ".mat",
     .split = {{CONTEXT_VAL,
                .prepared_maps = "VOCdevkit/VOC2010/annotations_detectron2/pc59_val"}}},
    {.name = "pascal-context-459",
     .alias = "pc-459",
     .about = "Pascal Context, all of its 459 classes",
     .labels = "pascal_context_459.yaml",
     .kind = MAPS_MAT,
     .prepared_kind = MAPS_TIFF,
     .zero_is_none = true,
     .image_suffix = ".jpg",
     .map_suffix = ".mat",
     .split = {{CONTEXT_VAL,
                .prepared_maps = "VOCdevkit/VOC2010/annotations_detectron2/pc459_val"}}},
    {.name = "voc-20",
     .alias = "pas-20",
     .about = "Pascal VOC 2012, 20 classes, its background counting for nothing",
     .labels = "pascal_voc_20.yaml",
     .kind = MAPS_PNG,
     .prepared_kind = MAPS_PNG,
     .image_suffix = ".jpg",
     .map_suffix = ".png",
     .split = {{VOC_SPLIT("val"), .pictures = 1449}, {VOC_SPLIT("train"), .pictures = 1464}}},
    {.name = "folder",
     .about = "your own: images/, and masks/ with names.txt or names.yaml, or captions.jsonl or "
              "captions.json",
     .labels = NULL,
     .kind = MAPS_PNG,
     .prepared_kind = MAPS_PNG,
     .map_suffix = ".png",
     .split = {{.name = "all", .images = {"images"}, .maps = {"masks"}}}},
};

const struct known_set *known_set_at(size_t i) {
    return i < sizeof sets / sizeof *sets ? &sets[i] : NULL;
}

const struct known_set *known_set_find(const char *name) {
    const struct known_set *set;
    struct str names = {0};
    for (size_t i = 0; (set = known_set_at(i)); i++) {
        if (strcmp(set->name, name) == 0 || (set->alias && !strcmp(set->alias, name))) {
            str_free(&names);
            return set;
        }
        str_add(&names, "%s%s", i ? ", " : "", set->name);
    }
    error_set(ERR_USAGE, "%s: is none of the data sets that are known: %s", name, names.at);
    str_free(&names);
    return NULL;
}

const struct known_split *known_split_find(const struct known_set *set, const char *name) {
    if (!name) return &set->split[0];
    struct str names = {0};
    for (size_t i = 0; i < sizeof set->split / sizeof *set->split && set->split[i].name; i++) {
        if (strcmp(set->split[i].name, name) == 0) {
            str_free(&names);
            return &set->split[i];
        }
        str_add(&names, "%s%s", i ? ", " : "", set->split[i].name);
    }
    error_set(ERR_USAGE, "%s: has no split \"%s\"; it has: %s", set->name, name, names.at);
    str_free(&names);
    return NULL;
}

char *known_labels_path(const char *file) { return shipped_labels(file); }
