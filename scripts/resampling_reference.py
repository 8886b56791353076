"""What Pillow makes of a small picture in other sizes, for each kind of resampling.

    pip install numpy pillow safetensors
    python scripts/resampling_reference.py shared/tests/golden/resampling.safetensors

torchvision, timm and CLIP's scripts scale photographs as Pillow does: with a kernel that widens
where a picture shrinks. Pillow works on single-precision numbers here, so nothing is rounded to
bytes on the way. The picture is a formula that both sides compute exactly, see `picture`.
"""

import sys

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

WIDTH, HEIGHT = 23, 17
# Smaller, larger, and without keeping the aspect.
SIZES = [(9, 7), (41, 30), (8, 8)]
KINDS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


def picture():
    """`[3, height, width]` in 0..1, with edges hard enough to overshoot at."""
    channel, row, column = np.indices((3, HEIGHT, WIDTH))
    return ((31 * channel + 17 * row + 29 * column + 7 * row * column) % 101 / 100).astype("f4")


def resized(kind, size):
    planes = [Image.fromarray(plane).resize(size, KINDS[kind]) for plane in picture()]
    return np.stack([np.asarray(plane) for plane in planes]).clip(0, 1)


if __name__ == "__main__":
    [path] = sys.argv[1:]
    tensors = {
        f"{kind}.{width}x{height}": resized(kind, (width, height))
        for kind in KINDS
        for width, height in SIZES
    }
    save_file(tensors, path)
