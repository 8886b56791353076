"""Writes the small checkpoints that the import of PyTorch files is tested with.

    pip install torch
    python scripts/tiny_checkpoints.py trainer/tests/checkpoints
"""

import io
import sys
import zipfile
from pathlib import Path

import torch
from torch import nn


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
    # What OpenAI publishes its CLIP as: a program with its weights.
    class Program(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            return self.fc(x)

    program = Program()
    program.load_state_dict({"fc.weight": weight, "fc.bias": state["fc.bias"]})
    written = io.BytesIO()
    torch.jit.save(torch.jit.script(program), written)
    with zipfile.ZipFile(written) as whole, zipfile.ZipFile(folder / "tiny_script.pth", "w") as out:
        for entry in whole.infolist():
            # They tell where this file lies.
            if not entry.filename.endswith(".debug_pkl"):
                out.writestr(entry, whole.read(entry))
    # One stored value, seen a thousand million times.
    torch.save({"fc.weight": torch.zeros(1).expand(1_000_000_000)}, folder / "tiny_expanded.pth")


if __name__ == "__main__":
    main(sys.argv[1])
