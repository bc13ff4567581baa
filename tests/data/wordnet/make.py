"""A small dictionary in WordNet's format, for tests/unit/test_wordnet.c: data.noun, index.noun and
noun.exc of a few nouns of our own.

    python3 tests/data/wordnet/make.py tests/data/wordnet
"""

import pathlib
import sys

# synset: words, kinds it is one of (@), what it is an instance of (@i)
SYNSETS = {
    "entity": (["entity"], [], []),
    "thing": (["thing"], ["entity"], []),
    "animal": (["animal", "beast"], ["thing"], []),
    "pet": (["pet"], ["animal"], []),
    "dog": (["dog", "domestic_dog"], ["canine", "pet"], []),
    "canine": (["canine"], ["carnivore"], []),
    "carnivore": (["carnivore"], ["animal"], []),
    "cat": (["cat"], ["carnivore"], []),
    "person": (["woman", "person"], ["entity"], []),
    "artifact": (["artifact"], ["thing"], []),
    "light": (["light", "visible_light"], ["entity"], []),
    "lamp": (["light", "lamp"], ["artifact"], []),
    "traffic": (["traffic_light", "stoplight"], ["lamp"], []),
    "city": (["city"], ["artifact"], []),
    "paris": (["Paris"], [], ["city"]),
    "wall": (["wall"], ["artifact"], []),
    "box": (["box"], ["artifact"], []),
    "alone": (["alone"], [], []),
    "loop_a": (["ouroboros"], ["loop_b"], []),
    "loop_b": (["circle"], ["loop_a"], []),
}
SENSES = {"light": ["light", "lamp"]}  # the commonest first
HEAD = "  1 Made by tests/data/wordnet/make.py: nouns to test a reader with.  \n"


def line(at, offsets, key):
    words, kinds, instances = SYNSETS[key]
    pointers = [("@", k) for k in kinds] + [("@i", k) for k in instances]
    pointers += [("~", k) for k, (_, up, _) in SYNSETS.items() if key in up]
    parts = [f"{at:08d}", "03", "n", f"{len(words):02x}"]
    parts += [f"{w} 0" for w in words]
    parts += [f"{len(pointers):03d}"] + [f"{s} {offsets[k]:08d} n 0000" for s, k in pointers]
    return " ".join(parts) + " | of the tests  \n"


out = pathlib.Path(sys.argv[1])
offsets = dict.fromkeys(SYNSETS, 0)
at = len(HEAD)
for key in SYNSETS:  # lengths do not depend on the numbers
    offsets[key] = at
    at += len(line(at, offsets, key))
(out / "data.noun").write_text(HEAD + "".join(line(offsets[k], offsets, k) for k in SYNSETS))
lemmas = {}
for key, (words, _, _) in SYNSETS.items():
    for word in words:
        lemmas.setdefault(word.lower(), []).append(key)
lemmas.update(SENSES)
with open(out / "index.noun", "w") as f:
    f.write(HEAD)
    for word in sorted(lemmas):
        keys = lemmas[word]
        senses = " ".join(f"{offsets[k]:08d}" for k in keys)
        f.write(f"{word} n {len(keys)} 2 @ ~ {len(keys)} 1 {senses}  \n")
(out / "noun.exc").write_text("men man\nwomen woman\nlives life wall\n")
