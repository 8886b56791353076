#!/usr/bin/env python3
"""Makes the pictures that hang in the halls of the page, and the recordings of how they grew.

    scripts/halls.py FOLDER [--weights googlenet=bvlc_googlenet.caffemodel] [--only NETWORK]

`index.html` is the list: which units hang in which network's hall, and the steps whose pictures are
kept. They are made as `pellucid` makes them by default, which is how the page dreams them live.
FOLDER keeps the steps in between; a run that was stopped goes on from there. Needs `pellucid` on the
path and Pillow (13.0.0 made those that ship). On two cores a network takes ten minutes.
"""

import argparse
import re
import subprocess
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
DREAMS = ROOT / "public" / "dreams"

# Pictures hang twice as large as they are on a laptop. Those on the way are seen for half a second
# each.
HANGS = 192
SIDE_ON_THE_WAY = 112


def halls():
    """The halls of `index.html`: network, units, steps."""
    page = (ROOT / "index.html").read_text()
    for wall in page.split('<div class="wall"')[1:]:
        wall = wall.split("</div>")[0]
        network = re.search(r'data-network="([^"]+)"', wall)[1]
        steps = [int(step) for step in re.search(r'data-steps="([^"]+)"', wall)[1].split()]
        yield network, re.findall(r'data-unit="([^"]+)"', wall), steps


def dream(network, units, steps, weights, folder):
    """Lets `pellucid` make the pictures that are not there yet."""
    *on_the_way, last = steps
    command = ["pellucid", "visualize", network, *units, "--out", f"{folder}/"]
    command += ["--steps", str(last), "--snapshots", ",".join(map(str, on_the_way))]
    if weights:
        command += ["--weights", weights]
    subprocess.run(command, check=True)


def hang(unit, steps, folder):
    """Puts a unit's picture and the strip of those on the way where the page finds them."""
    stem = unit.replace(":", "_")
    *on_the_way, _ = steps
    finished = Image.open(folder / f"{stem}.png").convert("RGB")
    finished = finished.resize((HANGS, HANGS), Image.Resampling.LANCZOS)
    finished.save(DREAMS / f"{stem}.jpg", quality=80, optimize=True)
    strip = Image.new("RGB", (SIDE_ON_THE_WAY * len(on_the_way), SIDE_ON_THE_WAY))
    for place, step in enumerate(on_the_way):
        picture = Image.open(folder / f"{stem}_step{step}.png").convert("RGB")
        small = picture.resize((SIDE_ON_THE_WAY, SIDE_ON_THE_WAY), Image.Resampling.LANCZOS)
        strip.paste(small, (place * SIDE_ON_THE_WAY, 0))
    (DREAMS / "growth").mkdir(exist_ok=True)
    strip.save(DREAMS / "growth" / f"{stem}.webp", quality=40, method=6)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", action="append", default=[], metavar="NETWORK=FILE")
    parser.add_argument("--only", metavar="NETWORK")
    arguments = parser.parse_args()
    weights = dict(pair.split("=", 1) for pair in arguments.weights)
    for network, units, steps in halls():
        if arguments.only in (None, network):
            folder = arguments.folder / network
            dream(network, units, steps, weights.get(network), folder)
            for unit in units:
                hang(unit, steps, folder)


if __name__ == "__main__":
    main()
