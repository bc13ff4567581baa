"""Paired bootstrap intervals by numpy alone, for tests/unit/test_bootstrap.c.

    python3 tests/golden/make_bootstrap.py tests/golden

bootstrap.json: counts of two results, `resamples` draws by our random numbers (our_rng.py), and
the intervals of numpy.percentile. Nothing is shared with the program: pictures are stacked as
drawn, and figures computed from dense arrays. Among the classes: one that is in a few pictures, so
that some draws lack it, one only predicted, one that is nowhere.
"""

import json
import pathlib
import sys

import numpy as np

from our_rng import Rng

N, K, R, SEED = 12, 6, 200, 7
rng = np.random.default_rng(20230608)


def make_result(truth, skill):
    """[N, K] intersections and unions."""
    inter = np.minimum(truth, rng.binomial(truth, skill))
    extra = rng.integers(0, 30, (N, K)) * (rng.random((N, K)) < 0.5)
    extra[:, 5] = 0
    return inter, truth + extra


def miou(inter, union, truth, subset, which):
    ious = [100 * i / u for k, (i, u, t) in enumerate(zip(inter, union, truth)) if subset[k] and t]
    n = sum(bool(u) and s for u, s in zip(union, subset))
    if which == "truth":
        n = len(ious)
    if which == "all":
        n = sum(subset)
    return sum(ious) / n if n else np.nan


def figures(inter, union, truth, seen):
    there = truth > 0
    iou, acc = 100 * inter[there] / union[there], 100 * inter[there] / truth[there]
    every = [True] * K
    return [miou(inter, union, truth, every, ""), miou(inter, union, truth, seen, ""),
            miou(inter, union, truth, [not s for s in seen], ""),
            miou(inter, union, truth, every, "truth"), miou(inter, union, truth, every, "all"),
            np.dot(iou, truth[there]) / truth.sum(), acc.mean(), 100 * inter.sum() / truth.sum()]


def ious(inter, union, truth):
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(truth > 0, 100 * inter / union, np.nan)


def interval(a, b, d):
    d = d[~np.isnan(d)]
    better = (np.sum(d > 0) + np.sum(d == 0) / 2) / len(d) if len(d) else np.nan
    low, high = np.percentile(d, [2.5, 97.5]) if len(d) else (np.nan, np.nan)
    return [None if np.isnan(x) else float(x) for x in (a, b, low, high, better)] + [len(d)]


truth = rng.integers(0, 60, (N, K))
truth[:, 3] *= np.arange(N) < 2
truth[:, 4:] = 0
seen = [True, True, False, True, False, False]
a, b = make_result(truth, 0.5), make_result(truth, 0.6)
draws = []
for r in range(R):
    draw = Rng(SEED, "bootstrap", r)
    draws.append([draw.below(N) for _ in range(N)])

whole = [(x[0].sum(0), x[1].sum(0), truth.sum(0)) for x in (a, b)]
drawn = [[(x[0][d].sum(0), x[1][d].sum(0), truth[d].sum(0)) for d in draws] for x in (a, b)]
f = [np.array([figures(*s, seen) for s in side]) for side in drawn]
c = [np.array([ious(*s) for s in side]) for side in drawn]
wf, wc = [figures(*s, seen) for s in whole], [ious(*s) for s in whole]
lines = [[[i, k, int(x[0][i, k]), int(x[1][i, k]), int(truth[i, k])]
          for i in range(N) for k in range(K) if x[1][i, k]] for x in (a, b)]
out = {"N": N, "K": K, "resamples": R, "seed": SEED, "seen": seen, "a": lines[0], "b": lines[1],
       "figures": [interval(wf[0][i], wf[1][i], f[1][:, i] - f[0][:, i]) for i in range(8)],
       "classes": [interval(wc[0][k], wc[1][k], c[1][:, k] - c[0][:, k]) for k in range(K)]}
pathlib.Path(sys.argv[1], "bootstrap.json").write_text(json.dumps(out) + "\n")
