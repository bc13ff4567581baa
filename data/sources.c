#include "data/sources.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/known_sets.h"

#define COCO_PAGE "https://cocodataset.org/#download"
#define COCO_LICENCE                                                                               \
    "annotations: CC BY 4.0; pictures: Flickr's terms of use, each with a licence of its own "     \
    "(https://cocodataset.org/#termsofuse)"
#define OVSEG_PAGE "https://jeff-liangf.github.io/projects/ovseg/"
#define OVSEG_LICENCE "CC BY-NC 4.0, that of its repository"
#define CLIP_PAGE "https://github.com/openai/CLIP"
#define CLIP_URL "https://openaipublic.azureedge.net/clip/models/"
#define CLIP_LICENCE "MIT, that of its repository"
#define CLIP_ACCEPTED                                                                              \
    "OpenAI's archive as it is, a state dict, open_clip's and Hugging Face's forms "               \
    "(docs/file-formats.md)"
#define VIT_B16 "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f"
#define VIT_L14 "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836"
#define IMAGES "http://images.cocodataset.org/"
#define VOC "http://host.robots.ox.ac.uk/pascal/VOC/"

/* Sizes and hashes: of CLIP, the address and reference-spec 3.4; of OVSeg, reference-spec 3.2; MD5
 * of archives, as torchvision, PaddleDetection and PyTorch-Encoding have them; of COCO-Stuff, its
 * README. */
static const struct source sources[] = {
    {.name = "clip-vit-b16",
     .about = "OpenAI's CLIP ViT-B/16",
     .page = CLIP_PAGE,
     .licence = CLIP_LICENCE,
     .accepted = CLIP_ACCEPTED,
     .file = {{.name = "ViT-B-16.pt", .url = CLIP_URL VIT_B16 "/ViT-B-16.pt", .sha256 = VIT_B16}},
     .path = {"ViT-B-16.pt"}},
    {.name = "clip-vit-l14",
     .about = "OpenAI's CLIP ViT-L/14",
     .page = CLIP_PAGE,
     .licence = CLIP_LICENCE,
     .accepted = CLIP_ACCEPTED,
     .file = {{.name = "ViT-L-14.pt", .url = CLIP_URL VIT_L14 "/ViT-L-14.pt", .sha256 = VIT_L14}},
     .path = {"ViT-L-14.pt"}},
    {.name = "clip-vocabulary",
     .about = "the words of CLIP's tokenizer; scripts/setup fetches it",
     .page = CLIP_PAGE,
     .licence = CLIP_LICENCE,
     .note = "scripts/setup takes it out of the wheel open_clip_torch, and `cmake --install` "
             "installs it; OVSEG_BPE names another place",
     .file = {{.name = "bpe_simple_vocab_16e6.txt.gz",
               .sha256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"}},
     .path = {"bpe_simple_vocab_16e6.txt.gz"}},
    {.name = "resnet-101c",
     .about = "ResNet-101c of detectron2's DeepLab, trained on ImageNet-1k",
     .page = "https://github.com/facebookresearch/detectron2/tree/main/projects/DeepLab",
     .licence = "CC BY-NC 4.0 by MaskFormer's model zoo, which lists it, too; its own page names "
                "none",
     .non_commercial = true,
     .file = {{.name = "R-103.pkl",
               .url = "https://dl.fbaipublicfiles.com/detectron2/DeepLab/R-103.pkl"}},
     .path = {"R-103.pkl"}},
    {.name = "swin-b-22k",
     .about = "Swin-B of its authors, window 12, trained on ImageNet-22k with pictures of 384",
     .page = "https://github.com/microsoft/Swin-Transformer",
     .file = {{.name = "swin_base_patch4_window12_384_22k.pth",
               .url = "https://github.com/SwinTransformer/storage/releases/download/v1.0.0/"
                      "swin_base_patch4_window12_384_22k.pth"}},
     .path = {"swin_base_patch4_window12_384_22k.pth"}},
    {.name = "ovseg-swinb-vitl14",
     .about = "OVSeg's larger released model: Swin-B and CLIP ViT-L/14",
     .page = OVSEG_PAGE,
     .licence = OVSEG_LICENCE,
     .non_commercial = true,
     .file = {{.name = "ovseg_swinbase_vitL14_ft_mpt.pth",
               .url = "https://drive.google.com/file/d/1cn-ohxgXDrDfkzC1QdO-fi8IjbjXmgKy/view",
               .md5_begins = "526080"}},
     .path = {"ovseg_swinbase_vitL14_ft_mpt.pth"}},
    {.name = "ovseg-r101c-vitb16",
     .about = "OVSeg's smaller released model: ResNet-101c and CLIP ViT-B/16",
     .page = OVSEG_PAGE,
     .licence = OVSEG_LICENCE,
     .non_commercial = true,
     .file = {{.name = "ovseg_R101c_vitB16_ft_mpt.pth",
               .url = "https://drive.google.com/file/d/1ZmeFMEkhuLqaWkhz4t4IlQ8YflrYja8q/view",
               .md5_begins = "c746f4"}},
     .path = {"ovseg_R101c_vitB16_ft_mpt.pth"}},
    {.name = "nltk-tagger",
     .about = "NLTK's averaged perceptron tagger, for nouns as OVSeg's authors found them",
     .page = "https://github.com/nltk/nltk_data",
     .note = "nltk.download(\"averaged_perceptron_tagger_eng\") fetches it, too",
     .accepted = "the folder of three JSON files, or the older .pickle (docs/nouns.md)",
     .file = {{.name = "averaged_perceptron_tagger_eng.zip",
               .url = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/taggers/"
                      "averaged_perceptron_tagger_eng.zip"},
              {.name = "averaged_perceptron_tagger.zip", .about_size = "2.5 MB"}},
     .path = {"averaged_perceptron_tagger_eng", "averaged_perceptron_tagger",
              "averaged_perceptron_tagger.pickle"}},
    {.name = "coco",
     .about = "COCO 2017: pictures, captions, instances",
     .page = COCO_PAGE,
     .licence = COCO_LICENCE,
     .file = {{.name = "train2017.zip",
               .url = IMAGES "zips/train2017.zip",
               .bytes = 19336861798,
               .md5 = "cced6f7f71b7629ddf16f17bbcfab6b2"},
              {.name = "val2017.zip",
               .url = IMAGES "zips/val2017.zip",
               .bytes = 815585330,
               .md5 = "442b8da7639aecaf257c1dceb8ba8c80"},
              {.name = "annotations_trainval2017.zip",
               .url = IMAGES "annotations/annotations_trainval2017.zip",
               .bytes = 252907541,
               .md5 = "f4bbac642086de4f52a3fdda2de5fa2c"}},
     .path = {"train2017", "val2017", "annotations/captions_train2017.json",
              "annotations/captions_val2017.json", "annotations/instances_train2017.json",
              "annotations/instances_val2017.json", "coco"},
     .set = {"coco-captions"}},
    {.name = "coco-stuff",
     .about = "COCO-Stuff: label maps of things and stuff for COCO's pictures",
     .page = "https://github.com/nightrome/cocostuff",
     .licence = "CC BY 4.0",
     .note = "its pictures are COCO's: ovseg sources coco",
     .file = {{.name = "stuffthingmaps_trainval2017.zip",
               .url = "http://calvin.inf.ed.ac.uk/wp-content/uploads/data/cocostuffdataset/"
                      "stuffthingmaps_trainval2017.zip",
               .about_size = "659 MB"}},
     .path = {"stuffthingmaps/train2017", "stuffthingmaps/val2017", "stuffthingmaps"},
     .set = {"coco-stuff", "coco-stuff-156-15"}},
    {.name = "coco-mini",
     .about = "80 photographs of COCO's train2017 with their captions and instances, for trying",
     .page = COCO_PAGE,
     .licence = COCO_LICENCE,
     .note = "the choice of 80 is not published; any photographs with captions and instances in "
             "COCO's form do: docs/own-photos.md",
     .path = {"coco-mini/train2017", "coco-mini/annotations/captions_train2017.json",
              "coco-mini/annotations/instances_train2017.json", "coco-mini"}},
    {.name = "ade20k-150",
     .about = "ADE20K in the form of the scene parsing challenge, 150 classes",
     .page = "http://sceneparsing.csail.mit.edu/",
     .licence = "BSD-3-Clause by its card on Hugging Face (scene_parse_150)",
     .file = {{.name = "ADEChallengeData2016.zip",
               .url = "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip",
               .md5 = "7328b3957e407ddae1d3cbf487f149ef"}},
     .path = {"ADEChallengeData2016"},
     .set = {"ade20k-150"}},
    {.name = "ade20k-847",
     .about = "the full ADE20K of 2021-01-17, 847 classes",
     .page = "https://groups.csail.mit.edu/vision/datasets/ADE20K/",
     .note = "the page hands it out to who accepts its terms",
     .file = {{.name = "ADE20K_2021_17_01.zip"}},
     .path = {"ADE20K_2021_17_01"},
     .set = {"ade20k-847"}},
    {.name = "pascal-context",
     .about = "Pascal Context: label maps for the pictures of VOC 2010",
     .page = "https://cs.stanford.edu/~roozbeh/pascal-context/",
     .file = {{.name = "trainval.tar.gz",
               .url = "https://cs.stanford.edu/~roozbeh/pascal-context/trainval.tar.gz"},
              {.name = "VOCtrainval_03-May-2010.tar",
               .url = VOC "voc2010/VOCtrainval_03-May-2010.tar",
               .md5 = "da459979d0c395079b5c75ee67908abb"}},
     .path = {"VOCdevkit/VOC2010"},
     .set = {"pascal-context-59", "pascal-context-459"}},
    {.name = "voc-2012",
     .about = "Pascal VOC 2012, with the label maps that were added to it",
     .page = VOC "voc2012/",
     .file = {{.name = "VOCtrainval_11-May-2012.tar",
               .url = VOC "voc2012/VOCtrainval_11-May-2012.tar",
               .md5 = "6cd6e144f989b92b3379bac3b3de84fd"},
              {.name = "SegmentationClassAug.zip",
               .url = "https://www.dropbox.com/s/oeu149j8qtbs1x0/SegmentationClassAug.zip"}},
     .path = {"VOCdevkit/VOC2012"},
     .set = {"voc-20"}},
};

const struct source *source_at(size_t i) {
    return i < sizeof sources / sizeof *sources ? &sources[i] : NULL;
}

const struct source *source_find(const char *name) {
    struct str names = {0};
    const struct source *s;
    for (size_t i = 0; (s = source_at(i)); i++) {
        bool is = strcmp(s->name, name) == 0;
        for (int k = 0; !is && k < SOURCE_SETS && s->set[k]; k++) is = !strcmp(s->set[k], name);
        if (is) break;
        str_add(&names, "%s%s", i ? ", " : "", s->name);
    }
    if (!s) s = source_of_path(name);
    if (!s) error_set(ERR_USAGE, "%s: is none of the sources that are known: %s", name, names.at);
    str_free(&names);
    return s;
}

/* How much of the end of a path is this one, in whole names; 0: it is not. */
static size_t ends_with(const char *path, size_t n, const char *end) {
    size_t k = strlen(end);
    if (k > n || strncmp(path + n - k, end, k) != 0) return 0;
    return k == n || path[n - k - 1] == '/' ? k : 0;
}

const struct source *source_of_path(const char *path) {
    const struct source *s, *found = NULL;
    size_t n = strlen(path), best = 0;
    while (n && path[n - 1] == '/') n--;
    for (size_t i = 0; (s = source_at(i)); i++)
        for (int k = 0; k < SOURCE_PATHS && s->path[k]; k++) {
            size_t length = ends_with(path, n, s->path[k]);
            if (length > best) {
                best = length;
                found = s;
            }
        }
    return found;
}

const struct source_file *source_file_find(const char *name, const struct source **of) {
    const struct source *s;
    for (size_t i = 0; (s = source_at(i)); i++)
        for (int k = 0; k < SOURCE_FILES && s->file[k].name; k++) {
            if (strcmp(s->file[k].name, name) != 0) continue;
            if (of) *of = s;
            return &s->file[k];
        }
    return NULL;
}

static void describe_file(const struct source_file *f, struct str *out) {
    str_add(out, "  file     %s\n", f->name);
    str_add(out, "    from   %s\n", f->url ? f->url : "the page");
    if (f->bytes)
        str_add(out, "    size   %lld bytes\n", (long long)f->bytes);
    else
        str_add(out, "    size   %s%s\n", f->about_size ? "about " : "",
                f->about_size ? f->about_size : "unknown");
    if (f->sha256) str_add(out, "    sha256 %s\n", f->sha256);
    if (f->md5) str_add(out, "    md5    %s\n", f->md5);
    if (f->md5_begins)
        str_add(out, "    md5    %s... (no more of it is published)\n", f->md5_begins);
    if (!f->sha256 && !f->md5 && !f->md5_begins) str_add(out, "    hash   unknown\n");
}

/* Where a split of a known set is looked for. */
static void describe_split(const struct known_set *set, const struct known_split *split,
                           struct str *out) {
    str_add(out, "  unpacked %s, %s: %s", set->name, split->name, split->images[0]);
    if (split->maps[0] && set->labels) str_add(out, ", %s", split->maps[0]);
    if (split->captions) str_add(out, ", %s", split->captions);
    for (int i = 0; i < KNOWN_PLACES && split->list[i]; i++)
        str_add(out, "%s%s", i ? " or " : ", ", split->list[i]);
    if (split->pictures) str_add(out, " (%lld pictures)", (long long)split->pictures);
    str_add(out, "\n");
}

static void describe_layout(const struct source *s, struct str *out) {
    for (int i = 0; i < SOURCE_SETS && s->set[i]; i++) {
        const struct known_set *set = known_set_find(s->set[i]);
        REQUIRE(set, "%s: no set %s", s->name, s->set[i]);
        for (size_t k = 0; k < sizeof set->split / sizeof *set->split && set->split[k].name; k++)
            describe_split(set, &set->split[k], out);
    }
    if (s->set[0])
        str_add(out,
                "  accepted unpacked, or the archives as they are: ovseg data prepare %s "
                "--root DIR (docs/data.md)\n",
                s->set[0]);
    else
        str_add(out, "  accepted %s\n", s->accepted ? s->accepted : "the file as it is published");
}

void source_describe(const struct source *s, struct str *out) {
    str_add(out, "%s: %s\n", s->name, s->about);
    str_add(out, "  page     %s\n", s->page);
    for (int i = 0; i < SOURCE_FILES && s->file[i].name; i++) describe_file(&s->file[i], out);
    if (!s->file[0].name) str_add(out, "  file     unknown\n");
    str_add(out, "  licence  %s%s\n", s->licence ? s->licence : "unknown",
            s->non_commercial ? ": not for commercial use" : "");
    describe_layout(s, out);
    if (s->note) str_add(out, "  note     %s\n", s->note);
}

size_t sources_of_message(const char *message, struct str *out) {
    const struct source *told[sizeof sources / sizeof *sources];
    size_t n = 0;
    for (const char *at = message; *at; at += strspn(at, " \n\t:;,\"()")) {
        size_t length = strcspn(at, " \n\t:;,\"()");
        char *word = mem_format("%.*s", (int)length, at);
        const struct source *s = source_of_path(word);
        bool again = !s;
        for (size_t i = 0; i < n && s; i++) again |= told[i] == s;
        if (!again) {
            told[n++] = s;
            source_describe(s, out);
        }
        free(word);
        at += length;
    }
    return n;
}
