"""The random numbers of base/rng.h, made anew, for scripts whose draws must be the program's."""

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


class Rng:
    def __init__(self, seed, purpose, index):
        h = 0xCBF29CE484222325
        for c in purpose.encode():
            h = (h ^ c) * 0x100000001B3 & MASK
        a = self.mix((seed + GOLDEN) & MASK) ^ h
        self.key = self.mix((self.mix(a) + index * GOLDEN) & MASK)
        self.at = 0

    @staticmethod
    def mix(z):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        return z ^ (z >> 31)

    def next(self):
        self.at += 1
        return self.mix((self.key + self.at * GOLDEN) & MASK)

    def uniform(self):
        return (self.next() >> 11) * 2.0**-53

    def range(self, lo, hi):
        return lo + (hi - lo) * self.uniform()

    def below(self, n):
        limit = MASK - MASK % n
        x = self.next()
        while x >= limit:
            x = self.next()
        return x % n

    def coin(self):
        return self.uniform() < 0.5
