"""A small part-of-speech tagger trained with NLTK (pip install nltk), its weights in the forms that
NLTK has published, and its tags of other sentences, for tests/unit/test_perceptron.c.

The sentences are drawn from the little grammar below, which is our own. Usage: python3 make.py, in
this folder. Written with nltk 3.9; nothing depends on the order of dicts or sets.
"""
import json
import os
import pickle
import random

from nltk.tag.perceptron import PerceptronTagger

WORDS = {
    "DT": "a the some another this each The A".split(),
    "JJ": "red small old half-eaten wooden well-lit Blue open light 3rd caf\u00e9-like na\u00efve".split(),
    "NN": "dog man table light street kite caf\u00e9 t-shirt park walk surfboard man's bat open".split(),
    "NNS": "dogs men tables lights kites buses knives walks 1980s".split(),
    "NNP": "London Anna Z\u00fcrich Boeing Wii".split(),
    "NNPS": "Olympics Alps".split(),
    "VBZ": "sits holds lights walks has flies bats opens".split(),
    "VBP": "sit hold light walk have fly bat open".split(),
    "VBD": "sat held walked parked lit".split(),
    "VBG": "sitting holding walking parking lighting flying".split(),
    "VBN": "parked held covered lit filled".split(),
    "IN": "on in near with of by under".split(),
    "CD": "two 3 12 1984 2024 \u00b2 \u0663\u0664\u0665\u0666 747 1,000 one".split(),
    "CC": "and or but".split(),
    "RB": "down away very well together".split(),
    "PRP": "it he they".split(),
    "PRP$": "its his their her".split(),
    ",": [","],
    ".": [".", "!"],
    "-": ["-", "--", "-x"],
}
NOUN_PHRASES = ["DT NN", "DT JJ NN", "DT NN NN", "CD NNS", "JJ NNS", "NNP", "NNP NNP", "DT NNPS", "PRP$ NN",
                "CD JJ NN NNS", "NN", "NNS", "PRP"]
CLAUSES = ["@ VBZ @ .", "@ VBG @", "@ IN @ .", "@ VBP RB IN @ .", "@ VBD IN @ CC @ .", "@ VBN IN @ IN @",
           "@ , @ CC @ VBP @ .", "@ VBZ VBG @ IN @ .", "@ - @ RB", "RB , @ VBD @ .", "@"]


def sentence(r):
    tags = " ".join(r.choice(NOUN_PHRASES) if t == "@" else t for t in r.choice(CLAUSES).split()).split()
    return [(r.choice(WORDS[t]), t) for t in tags]


def main():
    r = random.Random(1)
    train = [sentence(r) for _ in range(800)]
    test = [[w for w, _ in sentence(r)] for _ in range(300)]
    strange = ["zxq", "D\u00c9J\u00c0", "\u00d6l-", "-", "-5", "a-", "5th", "\u2167", "\u2460x", "1999", "199", "\u06601",
               "\U0001f600", "\u4e2d\u6587", "\u0130x", "x" * 40]
    test += [[r.choice(strange + WORDS[r.choice(list(WORDS))]) for _ in range(r.randint(1, 9))] for _ in range(100)]
    random.seed(1)  # train shuffles with it
    tagger = PerceptronTagger(load=False)
    tagger.train(train, nr_iter=2)
    weights = {f: dict(sorted(tagger.model.weights[f].items())) for f in sorted(tagger.model.weights)}
    words, classes = dict(sorted(tagger.tagdict.items())), sorted(tagger.classes)
    with open("averaged_perceptron_tagger.pickle", "wb") as f:
        pickle.dump((weights, words, set(classes)), f, 2)
    with open("protocol4.pickle", "wb") as f:
        pickle.dump((dict(list(weights.items())[:40]), words, set(classes)), f, 4)
    os.makedirs("eng", exist_ok=True)
    for part, value in (("weights", weights), ("tagdict", words), ("classes", classes)):
        with open(f"eng/averaged_perceptron_tagger_eng.{part}.json", "w") as f:
            json.dump(value, f)
    with open("tags.tsv", "w") as f:
        f.write("# token/tag of NLTK, a sentence a line, with tabs between\n")
        for tokens in test:
            f.write("\t".join(f"{w}/{t}" for w, t in tagger.tag(tokens)) + "\n")


main()
