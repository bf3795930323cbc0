#!/usr/bin/env python3
"""model.py - a worker that is dear to start and cheap to use: it guesses the language of a line.

It learns from samples when it starts, once. Then it reads an item a line and answers each with one line.
An answer must leave at once (flush=True), since whoever asked waits for it.
"""
import collections
import math
import sys

SAMPLES = {
    "english": "the quick brown fox jumps over the lazy dog and then there is that which was not with them",
    "deutsch": "der schnelle braune fuchs springt ueber den faulen hund und dann geht das nicht mit ihnen auch",
    "francais": "le rapide renard brun saute par dessus le chien paresseux et puis il y a ce qui est dans les",
    "espanol": "el rapido zorro marron salta sobre el perro perezoso y luego hay lo que no estaba con ellos los",
}


def grams(text):
    """Each three letters that follow each other, word by word."""
    for word in text.lower().split():
        padded = f" {word} "
        for i in range(len(padded) - 2):
            yield padded[i:i + 3]


def learn(samples):
    """How likely each gram is in each language: what takes its time in a real model."""
    models = {}
    for name, text in samples.items():
        counts = collections.Counter(grams(text))
        total = sum(counts.values()) + 5000
        models[name] = collections.defaultdict(lambda total=total: math.log(1 / total))
        models[name].update({gram: math.log((n + 1) / total) for gram, n in counts.items()})
    return models


def guess(models, text):
    return max(models, key=lambda name: sum(models[name][gram] for gram in grams(text)))


def main():
    models = learn(SAMPLES)
    print("model.py: ready", file=sys.stderr)
    for line in sys.stdin:
        line = line.rstrip("\n")
        print(f"{guess(models, line)}\t{line}", flush=True)


if __name__ == "__main__":
    main()
