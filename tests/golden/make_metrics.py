"""Segmentation figures of random label maps by numpy alone, for tests/parity/test_confusion.c.

    pip install --target DIR numpy
    PYTHONPATH=DIR python3 tests/golden/make_metrics.py tests/golden

metrics.json: cases of pictures {predicted, truth} with `ignore`, and what must come of them, NaN as
null. Nothing is shared with the program: pixels are compared class by class, without a confusion
matrix; open figures come pixel by pixel. Among the cases: classes that are nowhere, only predicted,
only in the truth; predictions that are no class; pictures without a labelled pixel; 8 bits with
255 and 16 bits with 65535.
"""

import json
import pathlib
import sys

import numpy as np

rng = np.random.default_rng(20230607)


def clean(x):
    if isinstance(x, dict):
        return {k: clean(v) for k, v in x.items()}
    return None if np.isnan(x) else float(x)


def figures(pred, truth, valid, K, likeness, subset):
    """pred, truth: flat int64 arrays of all pictures; valid: labelled and predicted as a class."""
    p, t = pred[valid], truth[valid]
    ious, accs, weights, rights, there = [], [], [], [], 0
    for k in subset:
        mine, called = t == k, p == k
        there += bool(mine.any() or called.any())
        right = likeness[k, p[mine]].sum() if mine.any() else 0.0
        wrong = (1 - likeness[t[called], k]).sum() if called.any() else 0.0
        n = mine.sum()
        if n:
            ious.append(right / (n + wrong))
            accs.append(right / n)
            weights.append(n)
            rights.append(right)
    with np.errstate(invalid="ignore"):
        total = float(np.sum(weights))
        return clean({
            "miou": 100 * np.sum(ious) / there if there else np.nan,
            "miou_truth": 100 * np.mean(ious) if ious else np.nan,
            "miou_all": 100 * np.sum(ious) / len(subset) if len(subset) else np.nan,
            "fwiou": 100 * np.dot(ious, weights) / total if total else np.nan,
            "macc": 100 * np.mean(accs) if accs else np.nan,
            "pacc": 100 * np.sum(rights) / total if total else np.nan,
        })


def harmonic(a, b):
    if a is None or b is None:
        return None
    return 2 * a * b / (a + b) if a + b else 0.0


def grow(h, w, values):
    """Blocks of equal labels, as maps have them, with single pixels among them."""
    a = rng.choice(values, size=((h + 3) // 4, (w + 3) // 4)).repeat(4, 0).repeat(4, 1)[:h, :w]
    salt = rng.random((h, w)) < 0.15
    return np.where(salt, rng.choice(values, size=(h, w)), a).astype(np.int64)


def case(name, K, ignore, pictures):
    pred = np.concatenate([p.ravel() for p, _ in pictures])
    truth = np.concatenate([t.ravel() for _, t in pictures])
    valid = (pred < K) & (truth < K) & (truth != ignore)
    subset = sorted(rng.choice(K, size=max(1, K // 3), replace=False).tolist())
    rest = [k for k in range(K) if k not in subset]
    likeness = np.round(rng.random((K, K)) ** 2, 3)
    np.fill_diagonal(likeness, 1)
    group = rng.integers(0, max(1, K // 2), size=K)
    p = np.where(pred < K, group[np.minimum(pred, K - 1)], K)
    t = np.where(truth < K, group[np.minimum(truth, K - 1)], K)
    one = np.eye(K)
    G = int(group.max()) + 1
    n_in = figures(pred, truth, valid, K, one, subset)
    n_out = figures(pred, truth, valid, K, one, rest)
    confused = {}
    for i, j in zip(truth[valid].tolist(), pred[valid].tolist()):
        if i != j:
            confused[i, j] = confused.get((i, j), 0) + 1
    pairs = sorted(((i, j, n) for (i, j), n in confused.items()), key=lambda x: (-x[2], x[0], x[1]))
    return {
        "name": name, "K": K, "ignore": ignore,
        "pictures": [{"h": a.shape[0], "w": a.shape[1], "predicted": a.ravel().tolist(),
                      "truth": b.ravel().tolist()} for a, b in pictures],
        "likeness": likeness.ravel().tolist() if K <= 12 else None,
        "subset": subset, "group": group.tolist(), "groups": G,
        "all": figures(pred, truth, valid, K, one, list(range(K))),
        "in": n_in, "out": n_out, "hiou": harmonic(n_in["miou"], n_out["miou"]),
        "open": figures(pred, truth, valid, K, likeness, list(range(K))) if K <= 12 else None,
        "merged": figures(p, t, valid, G, np.eye(G), list(range(G))),
        "pairs": pairs[:7],
    }


cases = []
cases.append(case("all classes", 5, 255, [(grow(12, 17, range(5)), grow(12, 17, range(5)))]))
cases.append(case("ignored truth", 5, 255, [
    (grow(9, 8, range(5)), grow(9, 8, [0, 1, 2, 3, 4, 255])) for _ in range(3)]))
cases.append(case("absent, only predicted, only in the truth", 8, 255, [
    (grow(10, 10, [0, 1, 2, 5]), grow(10, 10, [0, 1, 3, 255])) for _ in range(2)]))
cases.append(case("predictions that are no class", 6, 255, [
    (grow(8, 12, [0, 1, 2, 255, 6]), grow(8, 12, [0, 1, 2, 3, 255])) for _ in range(2)]))
cases.append(case("a picture without a label", 4, 255, [
    (grow(7, 7, range(4)), np.full((7, 7), 255)), (grow(6, 9, range(4)), grow(6, 9, range(4)))]))
cases.append(case("nothing labelled at all", 3, 255, [(grow(5, 5, range(3)), np.full((5, 5), 255))]))
cases.append(case("16 bits", 847, 65535, [
    (grow(16, 16, range(840, 850)), grow(16, 16, [*range(840, 847), 255, 65535, 300]))
    for _ in range(2)]))
cases.append(case("class 255 of many", 300, 65535, [
    (grow(12, 12, [254, 255, 256]), grow(12, 12, [254, 255, 256, 65535]))]))
cases.append(case("one class", 1, 255, [(grow(4, 4, [0]), grow(4, 4, [0, 255]))]))
out = pathlib.Path(sys.argv[1]) / "metrics.json"
out.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print(out, len(cases), "cases", out.stat().st_size, "bytes")
