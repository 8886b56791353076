"""Writes the small checkpoints that the import of PyTorch files is tested with.

    pip install torch
    python scripts/tiny_checkpoints.py trainer/tests/checkpoints
"""

import sys
from pathlib import Path

import torch


def main(folder):
    folder = Path(folder)
    # Stored column by column, so that strides matter; row by row it is 0, 0.25, .. 1.25.
    weight = (torch.arange(6, dtype=torch.float16) / 4).reshape(2, 3).t().contiguous().t()
    state = {
        "fc.weight": weight,
        "fc.bias": torch.tensor([-1.5, 2.0], dtype=torch.float64),
        "bn.num_batches_tracked": torch.tensor(7),
    }
    torch.save(state, folder / "tiny_zip.pth")
    # What PyTorch wrote before 1.6, and torchvision still publishes.
    torch.save(state, folder / "tiny_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": state, "epoch": 90}, folder / "tiny_nested.pth")
    # One stored value, seen a thousand million times.
    torch.save({"fc.weight": torch.zeros(1).expand(1_000_000_000)}, folder / "tiny_expanded.pth")


if __name__ == "__main__":
    main(sys.argv[1])
