#!/usr/bin/env python3
"""How often another network names what was dreamed, and how like photographs the dreams are.

    scripts/transfer.py FOLDER --dreamer efficientnet-lite0 --judge googlenet [--classes 100]
        [--photographs DIR] [-- OPTIONS OF pellucid visualize]

Dreams classes drawn by seed into FOLDER, which keeps them: a run that was stopped goes on from
there. Then the judge, which took no part in the dreams, is asked what it sees. With photographs two
more figures are printed, both 0 for pictures that are like them: the distance of their colours (of
RGB in 0..1: Frechet distance of the normal distributions with the same mean and covariance) and of
their spectra (root mean square difference of log10 of the power of luminance over octaves of
frequency, from 1/64 to 1/2 cycles a pixel, after the same contrast has been given to all). Needs
`pellucid` on the path, NumPy, SciPy and Pillow.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.linalg import sqrtm


def drawn(count, seed):
    """Classes without repetition, in order."""
    return sorted(random.Random(seed).sample(range(1000), count))


def run(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def dream(network, classes, options, folder):
    objectives = [f"logits:{index}" for index in classes]
    run(["pellucid", "visualize", network, *objectives, "--out", f"{folder}/", *options])
    return [folder / f"logits_{index}.png" for index in classes]


def judged(network, files, classes):
    """Shares of the pictures whose class the network has first, and among its first five."""
    lines = run(["pellucid", "classify", network, *map(str, files), "--json"]).splitlines()
    tops = [[guess["class"] for guess in json.loads(line)["top"]] for line in lines]
    first = np.mean([top[0] == index for top, index in zip(tops, classes, strict=True)])
    five = np.mean([index in top[:5] for top, index in zip(tops, classes, strict=True)])
    return first, five


def pixels(file, side):
    """The middle square at one size, `[side, side, 3]` in 0..1."""
    picture = Image.open(file).convert("RGB")
    short = min(picture.size)
    left, top = ((length - short) // 2 for length in picture.size)
    square = picture.crop((left, top, left + short, top + short))
    if short != side:
        square = square.resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(square, dtype=np.float64) / 255


def colours(pictures):
    """Mean and covariance of all their pixels."""
    all_pixels = np.concatenate([picture.reshape(-1, 3) for picture in pictures])
    return all_pixels.mean(0), np.cov(all_pixels.T)


def colour_distance(one, other):
    (mean, covariance), (other_mean, other_covariance) = one, other
    cross = sqrtm(covariance @ other_covariance).real
    square = np.sum((mean - other_mean) ** 2)
    square += np.trace(covariance + other_covariance - 2 * cross)
    return np.sqrt(max(square, 0))


def spectrum(pictures):
    """log10 of the mean power of luminance in each octave."""
    side = pictures[0].shape[0]
    window = np.outer(np.hanning(side), np.hanning(side))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    octaves = [(2.0**-n / 2, 2.0**-n) for n in range(5, 0, -1)]
    power = np.zeros((side, side))
    for picture in pictures:
        luminance = picture @ [0.299, 0.587, 0.114]
        luminance = (luminance - luminance.mean()) / (luminance.std() + 1e-6)
        power += np.abs(np.fft.fft2(luminance * window)) ** 2 / len(pictures)
    return np.log10([power[(low < frequency) & (frequency <= high)].mean() for low, high in octaves])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dreamer", required=True)
    parser.add_argument("--judge", action="append", default=[])
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photographs", type=Path)
    ours, options = sys.argv[1:], []
    if "--" in ours:
        place = ours.index("--")
        ours, options = ours[:place], ours[place + 1 :]
    arguments = parser.parse_args(ours)

    classes = drawn(arguments.classes, arguments.seed)
    files = dream(arguments.dreamer, classes, options, arguments.folder)
    for judge in arguments.judge:
        first, five = judged(judge, files, classes)
        print(f"{judge}: first {first:.0%}, among its first five {five:.0%}")
    if arguments.photographs:
        side = Image.open(files[0]).width
        there = sorted(arguments.photographs.rglob("*.jp*g"))
        photographs = [pixels(file, side) for file in there]
        pictures = [pixels(file, side) for file in files]
        colour = colour_distance(colours(pictures), colours(photographs))
        spectra = spectrum(pictures) - spectrum(photographs)
        print(f"colours: {colour:.3f} from those of {len(there)} photographs")
        print(f"spectrum: {np.sqrt(np.mean(spectra**2)):.3f}; by octave {np.round(spectra, 2)}")


if __name__ == "__main__":
    main()
