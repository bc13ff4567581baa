"""Loads what `ovseg convert --as ...` writes into open_clip, transformers and PyTorch as they are,
and compares logits with those of the model that went in.

    python3 bench/exports.py build/release/bin/ovseg [MODEL ...]

MODEL is a name of open_clip's; its weights are drawn, nothing is downloaded. Needs open_clip_torch,
transformers and torch, in an environment of your own. Exit status 1: a difference that is too large.
"""
import os
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import open_clip
import torch
from transformers import CLIPModel

TEXTS = ["a photo of a cat", "a dog in the grass", "stuff"]
LARGEST = 1e-5  # of the logits' root mean square; the same weights in other code


def draw(name):
    """A model whose norms and statistics are not those of a fresh one."""
    torch.manual_seed(0)
    model = open_clip.create_model(name).eval()
    with torch.no_grad():
        for x in model.parameters():
            x.add_(torch.randn_like(x) * 0.01 * x.abs().mean())
        for key, x in model.named_buffers():
            if "running" in key:
                x.add_(torch.rand_like(x) * 0.1)
    return model


def logits(image, text, scale=1.0):
    image, text = (x / x.norm(dim=-1, keepdim=True) for x in (image, text))
    return scale * image @ text.T


def of_open_clip(model, pixels, tokens):
    with torch.no_grad():
        return logits(model.encode_image(pixels), model.encode_text(tokens))


def of_transformers(folder, pixels, tokens):
    model = CLIPModel.from_pretrained(folder).eval()
    with torch.no_grad():
        out = model(pixel_values=pixels, input_ids=tokens)
    return logits(out.image_embeds, out.text_embeds)


def check(ovseg, name, folder):
    """Yields what was compared and how far apart it is, relative to the logits."""
    model, path = draw(name), os.path.join(folder, "in.pt")
    torch.save(model.state_dict(), path)
    activation = "quickgelu" if "quickgelu" in name else "gelu"

    def convert(out, *arguments):
        to = os.path.join(folder, out)
        subprocess.run([ovseg, "convert", path, to, *arguments], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return to

    size = model.visual.image_size
    height, width = size if isinstance(size, tuple) else (size, size)
    pixels, tokens = torch.randn(3, 3, height, width), open_clip.tokenize(TEXTS)
    expected = of_open_clip(model, pixels, tokens)

    def apart(found):
        return ((found - expected).abs().max() / expected.pow(2).mean().sqrt()).item()

    tensors = torch.load(convert("clip.pth", "--as", "clip"), weights_only=True)
    theirs = model.state_dict()
    lost = [key for key in theirs if key not in tensors and "num_batches" not in key]
    same = not lost and all(torch.equal(x, theirs[key]) for key, x in tensors.items())
    yield "torch.load: clip", 0.0 if same else float("inf")
    loaded = open_clip.create_model(name, pretrained=os.path.join(folder, "clip.pth")).eval()
    yield "open_clip: clip", apart(of_open_clip(loaded, pixels, tokens))
    out = convert("open-clip", "--as", "open-clip", "--activation", activation)
    loaded = open_clip.create_model(f"local-dir:{out}").eval()
    yield "open_clip: open-clip", apart(of_open_clip(loaded, pixels, tokens))
    if "RN" not in name:  # CLIPModel has no ResNets
        out = convert("hf", "--as", "hf", "--activation", activation)
        yield "transformers: hf", apart(of_transformers(out, pixels, tokens))


def main(ovseg, *names):
    failed = False
    for name in names or ("ViT-B-32-quickgelu", "ViT-B-16", "RN50-quickgelu"):
        with tempfile.TemporaryDirectory() as folder:
            for what, difference in check(ovseg, name, folder):
                failed |= not difference <= LARGEST
                print(f"{name:20} {what:22} {difference:.1e}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
