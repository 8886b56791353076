"""Writes the names of the 1000 ILSVRC2012 classes, in the order of every ImageNet classifier.

    pip install --no-deps timm==1.0.31
    python scripts/imagenet_labels.py > shared/src/classes/imagenet.txt

Source: timm (https://github.com/huggingface/pytorch-image-models, Apache-2.0), whose names are
WordNet's synonyms (https://wordnet.princeton.edu/license-and-commercial-use).
"""

from timm import __version__
from timm.data import ImageNetInfo

HEADER = f"""\
# The 1000 classes of ILSVRC2012: WordNet identifier, tab, synonyms separated by commas.
# Made by scripts/imagenet_labels.py from timm {__version__} (Apache-2.0); names from WordNet 3.0,
# copyright 2006 by Princeton University, free to use and share with this notice."""


def main():
    info = ImageNetInfo("imagenet-1k")
    print(HEADER)
    for index in range(info.num_classes()):
        print(info.index_to_label_name(index), info.index_to_description(index), sep="\t")


if __name__ == "__main__":
    main()
