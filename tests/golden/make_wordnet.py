"""Path similarities and senses of nouns as NLTK has them, for tests/unit/test_wordnet.c.

    pip install --target DIR nltk
    PYTHONPATH=DIR python3 tests/golden/make_wordnet.py /usr/share/wordnet tests/golden

The folder is Debian's wordnet-base (WordNet 3.0). wordnet.json: `senses`: {noun: offsets in
data.noun}, by morphy; `pairs`: [a, b, similarity of the first senses, largest over all senses].
NLTK's reader wants a file "lexnames", which Debian leaves out: it gets one of no use here.
"""

import json
import pathlib
import random
import shutil
import sys
import tempfile

import nltk.data
from nltk.corpus.reader.wordnet import WordNetCorpusReader

NOUNS = """person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant
stop_sign parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe backpack
umbrella handbag tie suitcase frisbee ski snowboard kite surfboard bottle wine_glass cup fork knife
spoon bowl banana apple sandwich orange broccoli carrot hot_dog pizza doughnut cake chair sofa bed
mirror window desk toilet door television laptop mouse keyboard oven toaster sink refrigerator
blender book clock vase scissors teddy toothbrush wall building sky floor tree ceiling road grass
sidewalk earth mountain plant curtain water painting shelf house sea rug field armchair seat fence
rock lamp bathtub railing cushion box column signboard sand skyscraper fireplace grandstand path
stairs runway pillow river bridge bookcase blind coffee_table flower hill palm countertop stove
kitchen island computer swivel_chair bar arcade_machine hovel towel light chandelier awning
streetlight booth pole land bannister escalator ottoman buffet poster stage van ship fountain canopy
washer plaything swimming_pool stool barrel basket waterfall tent bag minibike cradle food step tank
women men children feet geese teeth wolves leaves knives buses boxes dishes berries glasses jeans
crane bank paris france""".split()


class Reader(WordNetCorpusReader):
    def map_wn(self, version="wordnet"):
        """Of other versions, which it would download."""


def reader(folder):
    with tempfile.TemporaryDirectory() as tmp:
        root = pathlib.Path(tmp)
        nltk.data.path.append(tmp)  # it reads nowhere else
        for f in pathlib.Path(folder).iterdir():
            shutil.copy(f, root)
        names = ["noun.Tops", *(f"noun.{i}" for i in range(1, 45))]
        (root / "lexnames").write_text("".join(f"{i:02d}\t{n}\t1\n" for i, n in enumerate(names)))
        return work(Reader(str(root), None))


def work(wn):
    senses = {w: [s.offset() for s in wn.synsets(w, "n")] for w in NOUNS}
    draw = random.Random(3)
    pairs = []
    for _ in range(400):
        a, b = draw.sample([w for w in NOUNS if senses[w]], 2)
        A, B = wn.synsets(a, "n"), wn.synsets(b, "n")
        first = A[0].path_similarity(B[0]) or 0
        most = max(x.path_similarity(y) or 0 for x in A for y in B)
        pairs.append([a, b, first, most])
    return {"version": wn.get_version(), "senses": senses, "pairs": pairs}


out = pathlib.Path(sys.argv[2]) / "wordnet.json"
out.write_text(json.dumps(reader(sys.argv[1]), separators=(",", ":")) + "\n")
print(out, out.stat().st_size, "bytes")
