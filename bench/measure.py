"""What bench/run and bench/segment share: ratios of alternating runs, and what they ran on."""
import random
import statistics


def ratio(theirs, ours):
    """Median of the paired ratios and a 95 % bootstrap interval of it."""
    r = [b / a for a, b in zip(ours, theirs)]
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(r, k=len(r))) for _ in range(2000))
    return statistics.median(r), medians[50], medians[1949]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        text = f.read()
    name = next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name"))
    vector = "AVX-512" if " avx512f" in text else "AVX2" if " avx2" in text else "no AVX2"
    return f"{name} ({vector})"
