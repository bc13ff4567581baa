"""PyTorch's side of bench/mine: for each noun the proposal with the greatest cosine (reference-spec
7.1, 8.1, 8.2), written down as the rule reads.

Usage: torch_mine.py pth WEIGHTS.safetensors OUT.pth
       torch_mine.py mine WEIGHTS.pth INPUTS.safetensors PAIRS.json THRESHOLD MIN_AREA THREADS

`pth` puts tensors into a file of the reference's form. `mine` computes every picture by itself and
says as JSON how the pairs compare.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F

import reference
from tensors import load

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1) * 255
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1) * 255
CLIP, SIDE, CLEAR = "clip_adapter.clip_model.", 224, 1e-3


def write(source, out):
    weights = load(source)
    weights["criterion.empty_weight"] = torch.tensor([1.0] * 171 + [0.1])
    torch.save({"model": weights}, out)


def open_models(path):
    weights = torch.load(path, weights_only=True)["model"]
    inner = {k[len(CLIP):]: v for k, v in weights.items() if k.startswith(CLIP)}
    prompts = inner.get("visual.mask_embedding")
    proposals = reference.MaskFormer(False)
    clip = reference.Clip(0 if prompts is None else len(prompts), False,
                          image={"patch": inner["visual.conv1.weight"].shape[-1]})
    known = clip.state_dict()
    clip.load_state_dict({k: v for k, v in inner.items() if k in known})
    known = proposals.state_dict()
    proposals.load_state_dict({k: v for k, v in weights.items() if k in known})
    return proposals.eval(), clip.eval()


def texts_of(clip, ids):
    out = []
    for noun in ids:
        noun = noun[:, :int(noun.argmax(-1).max()) + 1]  # nothing looks behind the end
        features = F.normalize(clip.encode_text(noun), dim=-1)
        out.append(F.normalize(features.mean(0), dim=-1))
    return torch.stack(out)


def masks_of(model, pixels):
    h, w = pixels.shape[-2:]
    x = F.pad((pixels - model.mean) / model.std, (0, -w % 32, 0, -h % 32))
    nothing = F.normalize(model.clip_adapter.non_object_embedding, dim=-1)
    masks = model.classify(x, nothing, all_layers=False)[1]
    masks = F.interpolate(masks[-1], size=x.shape[-2:], mode="bilinear", align_corners=False)
    return masks[0, :, :h, :w].sigmoid()


def features_of(clip, pixels, soft, threshold, min_area):
    """-> features of the valid masks [V, D], each once, their queries, their areas."""
    regions, masks, which, areas, seen = [], [], [], [], set()
    for q, mask in enumerate(soft > threshold):
        if mask.sum() < max(min_area, 1) or mask.numpy().tobytes() in seen:
            continue
        seen.add(mask.numpy().tobytes())
        rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        m = mask[box].float()
        region = ((pixels[0][:, box[0], box[1]] * m + (1 - m) * MEAN) - MEAN) / STD
        regions.append(F.interpolate(region[None], size=(SIDE, SIDE), mode="bicubic"))
        masks.append(F.interpolate(m[None, None], size=(SIDE, SIDE), mode="nearest")[0])
        which.append(q)
        areas.append(int(mask.sum()))
    features = [clip.visual(r, m) for r, m in zip(torch.cat(regions).split(32), torch.cat(masks).split(32))]
    return F.normalize(torch.cat(features), dim=-1), which, areas


@torch.inference_mode()
def mine(weights, inputs, pairs, threshold, min_area):
    x, ours = load(inputs), json.load(open(pairs, encoding="utf-8"))
    proposals, clip = open_models(weights)
    since = time.perf_counter()
    text = texts_of(clip, x["ids"])
    after_text = time.perf_counter()
    said, images = {"same": 0, "differ": [], "close": [], "similarity": 0.0, "areas": 0}, {}
    for i in range(sum(k.startswith("pixels.") for k in x)):
        pixels = x[f"pixels.{i}"].permute(2, 0, 1)[None].float()
        images[i] = features_of(clip, pixels, masks_of(proposals, pixels), threshold, min_area)
    seconds = time.perf_counter() - after_text
    for image, caption, noun, proposal, similarity, margin, area in ours["pairs"]:
        features, which, areas = images[image]
        cosine = features @ text[noun]
        order = cosine.argsort(descending=True, stable=True)
        best = which[order[0]]
        theirs = float(cosine[order[0]] - cosine[order[1]]) if len(order) > 1 else 0.0
        said["similarity"] = max(said["similarity"], abs(similarity - float(cosine[order[0]])))
        if best == proposal:
            said["areas"] = max(said["areas"], abs(areas[which.index(best)] - area))
        one = {"image": image, "caption": caption, "noun": ours["nouns"][noun], "ours": proposal, "torch": best,
               "margin": margin, "torch_margin": theirs}
        if max(margin, theirs) <= CLEAR:
            said["close"].append(one)
        elif best == proposal:
            said["same"] += 1
        else:
            said["differ"].append(one)
    said.update(pairs=len(ours["pairs"]), nouns=len(ours["nouns"]), regions=sum(len(w) for _, w, _ in images.values()),
                text_seconds=after_text - since, picture_seconds=seconds / max(len(images), 1))
    print(json.dumps(said))


if sys.argv[1] == "pth":
    write(*sys.argv[2:4])
else:
    torch.set_num_threads(int(sys.argv[7]))
    mine(*sys.argv[2:5], float(sys.argv[5]), int(sys.argv[6]))
