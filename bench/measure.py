"""What the timings share: processes that step in turns, ratios of alternating runs, what they ran on."""
import json
import os
import random
import statistics
import subprocess
import sys


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


class Side:
    """A process that steps when it is asked to."""

    def __init__(self, name, command, env):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=env)
        self.hello = self.read()
        self.seconds, self.faults = [], []

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read()

    def proc(self, name):
        return os.path.join("/proc", str(self.process.pid), name)

    def page_faults(self):
        with open(self.proc("stat"), encoding="ascii") as f:
            return int(f.read().rpartition(")")[2].split()[7])

    def forget_peak(self):
        with open(self.proc("clear_refs"), "w", encoding="ascii") as f:
            f.write("5")

    def peak_mib(self):
        with open(self.proc("status"), encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024

    def timed_step(self):
        before = self.page_faults()
        answer = self.ask("step")
        self.seconds.append(answer["seconds"])
        self.faults.append(self.page_faults() - before)
        return answer["loss"]

    def library(self):
        with open(self.proc("maps"), encoding="utf-8") as f:
            return next(line.split()[-1] for line in f if "libtorch_cpu" in line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
