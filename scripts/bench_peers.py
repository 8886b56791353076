"""Our networks in other people's libraries, timed: what `cargo xtask bench` compares with.

    pip install onnxruntime onnx numpy safetensors   # torch too, if its columns are wanted
    python scripts/bench_peers.py export WEIGHTS.safetensors FOLDER
    python scripts/bench_peers.py time FOLDER --rounds 20 --device cpu
    python scripts/bench_peers.py classify FOLDER PICTURE

`export` writes `googlenet.onnx`, `vit.onnx` with noise for weights, and, for JavaScript, `plan.json`
beside `weights.bin`. WEIGHTS has Caffe's names. Normalisation is spelled out (squares, a banded 1x1 convolution, square roots):
every library here is faster with that than with its own operator.
"""

import argparse
import json
import math
import struct
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

# Szegedy et al. 2014 (arXiv:1409.4842), table 1, in Caffe's names.
PLAN = [
    ("conv", "conv1/7x7_s2", 2, 3),
    ("pool", 3, 2),
    ("norm", 64),
    ("conv", "conv2/3x3_reduce", 1, 0),
    ("conv", "conv2/3x3", 1, 1),
    ("norm", 192),
    ("pool", 3, 2),
    ("module", "inception_3a"),
    ("module", "inception_3b"),
    ("pool", 3, 2),
    ("module", "inception_4a"),
    ("module", "inception_4b"),
    ("module", "inception_4c"),
    ("module", "inception_4d"),
    ("module", "inception_4e"),
    ("pool", 3, 2),
    ("module", "inception_5a"),
    ("module", "inception_5b"),
    ("classify", "loss3/classifier"),
]
BRANCHES = [
    [("conv", "1x1", 1, 0)],
    [("conv", "3x3_reduce", 1, 0), ("conv", "3x3", 1, 1)],
    [("conv", "5x5_reduce", 1, 0), ("conv", "5x5", 1, 2)],
    [("pool", 3, 1), ("conv", "pool_proj", 1, 0)],
]
# Where the gradient step starts: after this many entries of PLAN.
UP_TO_MIXED4A = 11
CHANNEL = 11
MEAN_BGR = (104.0, 117.0, 123.0)


def read_safetensors(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    kinds = {"F16": np.float16, "F32": np.float32}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            values = np.frombuffer(data[begin:end], kinds[entry["dtype"]])
            tensors[name] = values.astype(np.float32).reshape(entry["shape"])
    return tensors


def band(channels):
    """A 1x1 convolution that sums five neighbouring channels, times 1e-4 / 5."""
    distance = np.abs(np.arange(channels)[:, None] - np.arange(channels)[None])
    return (2e-5 * (distance <= 2)).astype(np.float32).reshape(channels, channels, 1, 1)


def export(weights, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tensors = read_safetensors(weights)
    export_onnx(tensors, folder / "googlenet.onnx")
    export_vit(folder / "vit.onnx")
    offset, entries, chunks = 0, {}, []
    for name, values in tensors.items():
        if values.ndim == 4:  # JavaScript's libraries want [height, width, in, out]
            values = values.transpose(2, 3, 1, 0)
        elif values.ndim == 2:
            values = values.T
        chunks.append(np.ascontiguousarray(values).tobytes())
        entries[name] = {"offset": offset, "shape": values.shape}
        offset += len(chunks[-1])
    (folder / "weights.bin").write_bytes(b"".join(chunks))
    np.savez(folder / "weights.npz", **tensors)
    plan = {"plan": PLAN, "branches": BRANCHES, "upToMixed4a": UP_TO_MIXED4A, "channel": CHANNEL}
    (folder / "plan.json").write_text(json.dumps({**plan, "tensors": entries}))


def export_onnx(tensors, path):
    from onnx import TensorProto, helper, numpy_helper, save

    nodes, constants = [], {}

    def constant(name, values):
        constants[name] = numpy_helper.from_array(np.asarray(values, np.float32), name)
        return name

    def node(kind, inputs, **attributes):
        output = f"v{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def run(value, entry, prefix=""):
        kind, *rest = entry
        if kind == "conv":
            name, stride, pad = prefix + rest[0], rest[1], rest[2]
            weight = constant(f"{name}.weight", tensors[f"{name}.weight"])
            bias = constant(f"{name}.bias", tensors[f"{name}.bias"])
            value = node("Conv", [value, weight, bias], strides=[stride] * 2, pads=[pad] * 4)
            return node("Relu", [value])
        if kind == "pool":
            kernel, stride = rest
            pads = [1] * 4 if stride == 1 else [0] * 4
            shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
            return node("MaxPool", [value], pads=pads, ceil_mode=1, **shape)
        if kind == "norm":
            squares = node("Mul", [value, value])
            sums = node("Conv", [squares, constant(f"band{rest[0]}", band(rest[0]))])
            root = node("Sqrt", [node("Add", [sums, constant("one", 1.0)])])
            return node("Div", [value, node("Mul", [root, node("Sqrt", [root])])])
        if kind == "module":
            ends = []
            for branch in BRANCHES:
                end = value
                for step in branch:
                    end = run(end, step, rest[0] + "/")
                ends.append(end)
            return node("Concat", ends, axis=1)
        mean = node("Flatten", [node("GlobalAveragePool", [value])])
        weight = constant("classifier.weight", tensors[f"{rest[0]}.weight"])
        bias = constant("classifier.bias", tensors[f"{rest[0]}.bias"])
        return node("Gemm", [mean, weight, bias], transB=1)

    value = "input"
    for entry in PLAN:
        value = run(value, entry)
    sides = ["batch", 3, "height", "width"]
    graph = helper.make_graph(
        nodes,
        "googlenet",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["batch", 1000])],
        list(constants.values()),
    )
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


# ViT-Ti/16: Touvron et al. 2020 (arXiv:2012.12877), table 1, as timm trained it.
WIDTH, DEPTH, HEADS, PATCH, SIDE = 192, 12, 3, 16, 14
VIT_BLOCK = 8


def vit_tensors():
    """Noise of the right size, under names of our own."""
    random = np.random.default_rng(0)

    def noise(*shape):
        inputs = math.prod(shape[1:]) or 1
        return (random.standard_normal(shape) / math.sqrt(inputs)).astype(np.float32)

    tensors = {
        "patch.weight": noise(WIDTH, 3, PATCH, PATCH),
        "patch.bias": noise(WIDTH),
        "class": noise(1, 1, WIDTH),
        "positions": noise(1, 1 + SIDE * SIDE, WIDTH),
        "head.weight": noise(1000, WIDTH),
        "head.bias": noise(1000),
    }
    norms = ["norm"] + [f"{block}.{norm}" for block in range(DEPTH) for norm in ("norm1", "norm2")]
    for name in norms:
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = 1 + noise(WIDTH) / 9, noise(WIDTH)
    linear = {"qkv": (3, 1), "proj": (1, 1), "fc1": (4, 1), "fc2": (1, 4)}
    for block in range(DEPTH):
        for name, (outputs, inputs) in linear.items():
            tensors[f"{block}.{name}.weight"] = noise(outputs * WIDTH, inputs * WIDTH)
            tensors[f"{block}.{name}.bias"] = noise(outputs * WIDTH)
    return tensors


def export_vit(path):
    """As PyTorch's exporters write it; libraries fuse what they know of that."""
    from onnx import TensorProto, helper, numpy_helper, save

    tensors, nodes, constants = vit_tensors(), [], {}
    tokens, size = 1 + SIDE * SIDE, WIDTH // HEADS

    def constant(name, values):
        constants[name] = numpy_helper.from_array(np.asarray(values), name)
        return name

    def node(kind, inputs, outputs=1, **attributes):
        names = [f"v{len(nodes)}_{place}" for place in range(outputs)]
        nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def weights(name):
        return [constant(f"{name}.{end}", tensors[f"{name}.{end}"]) for end in ("weight", "bias")]

    def reshape(value, shape):
        name = "shape_" + "_".join(map(str, shape))
        return node("Reshape", [value, constant(name, np.array(shape, np.int64))])

    def norm(value, name):
        return node("LayerNormalization", [value, *weights(name)], axis=-1, epsilon=1e-6)

    def linear(value, name):
        weight = constant(f"{name}.weight", np.ascontiguousarray(tensors[f"{name}.weight"].T))
        bias = constant(f"{name}.bias", tensors[f"{name}.bias"])
        return node("Add", [node("MatMul", [value, weight]), bias])

    patches = node("Conv", ["input", *weights("patch")], strides=[PATCH] * 2)
    patches = node("Transpose", [reshape(patches, [1, WIDTH, -1])], perm=[0, 2, 1])
    value = node("Concat", [constant("class", tensors["class"]), patches], axis=1)
    value = node("Add", [value, constant("positions", tensors["positions"])])
    scale = constant("scale", np.float32(size**-0.5))
    for block in range(DEPTH):
        split = linear(norm(value, f"{block}.norm1"), f"{block}.qkv")
        split = reshape(split, [1, tokens, 3, HEADS, size])
        split = node("Transpose", [split], perm=[2, 0, 3, 1, 4])
        parts = node("Split", [split], 3, axis=0, num_outputs=3)
        queries, keys, values = (reshape(part, [1, HEADS, tokens, size]) for part in parts)
        keys = node("Transpose", [keys], perm=[0, 1, 3, 2])
        scores = node("Softmax", [node("MatMul", [node("Mul", [queries, scale]), keys])], axis=-1)
        heads = node("Transpose", [node("MatMul", [scores, values])], perm=[0, 2, 1, 3])
        attended = linear(reshape(heads, [1, tokens, WIDTH]), f"{block}.proj")
        value = node("Add", [value, attended])
        wide = node("Gelu", [linear(norm(value, f"{block}.norm2"), f"{block}.fc1")])
        value = node("Add", [value, linear(wide, f"{block}.fc2")])
    first = constant("first", np.array(0, np.int64))
    value = node("Gather", [norm(value, "norm"), first], axis=1)
    logits = linear(value, "head")
    graph = helper.make_graph(
        nodes,
        "vit",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info(logits, TensorProto.FLOAT, [1, 1000])],
        list(constants.values()),
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)


def ramp(side):
    values = np.arange(3 * side * side) % 251 - 120.0
    return values.astype(np.float32).reshape(1, 3, side, side)


def timed(rounds, call, warm_up=3, settle=lambda: None):
    """Milliseconds of each call; `settle` waits for a device that works behind its calls."""
    samples = []
    for round in range(warm_up + rounds):
        began = time.perf_counter()
        call()
        settle()
        if warm_up <= round:
            samples.append((time.perf_counter() - began) * 1e3)
    return samples


def time_onnxruntime(folder, rounds):
    session, vit = open_session(folder), open_session(folder, "vit")
    picture = ramp(224)
    return {
        "forward_224": timed(rounds, lambda: session.run(None, {"input": picture})),
        "vit_forward_224": timed(rounds, lambda: vit.run(None, {"input": picture / 128})),
    }


def open_session(folder, network="googlenet"):
    import onnxruntime

    return onnxruntime.InferenceSession(folder / f"{network}.onnx")


class Torch:
    """The network, an input gradient, and a whole step of Lucid's kind, in PyTorch."""

    def __init__(self, folder, device="cpu"):
        import torch

        self.torch = torch
        arrays = np.load(folder / "weights.npz")
        self.tensors = {name: torch.tensor(arrays[name], device=device) for name in arrays.files}
        self.bands = {
            channels: torch.tensor(band(channels), device=device) for channels in (64, 192)
        }

    def run(self, value, entry, prefix=""):
        functional = self.torch.nn.functional
        kind, *rest = entry
        if kind == "conv":
            name = prefix + rest[0]
            weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
            value = functional.conv2d(value, weight, bias, rest[1], rest[2])
            return functional.relu(value, inplace=True)
        if kind == "pool":
            kernel, stride = rest
            padding = 1 if stride == 1 else 0
            return functional.max_pool2d(value, kernel, stride, padding, ceil_mode=True)
        if kind == "norm":
            root = (1 + functional.conv2d(value * value, self.bands[rest[0]])).sqrt()
            return value / (root * root.sqrt())
        if kind == "module":
            ends = []
            for branch in BRANCHES:
                end = value
                for step in branch:
                    end = self.run(end, step, rest[0] + "/")
                ends.append(end)
            return self.torch.cat(ends, 1)
        mean = value.mean((2, 3))
        weight, bias = self.tensors[f"{rest[0]}.weight"], self.tensors[f"{rest[0]}.bias"]
        return functional.linear(mean, weight, bias)

    def forward(self, value, entries=PLAN):
        for entry in entries:
            value = self.run(value, entry)
        return value

    def score(self, value):
        return self.forward(value, PLAN[:UP_TO_MIXED4A])[:, CHANNEL].mean()

    def input_gradient(self, picture):
        picture = picture.clone().requires_grad_()
        return self.torch.autograd.grad(self.score(picture), picture)[0]

    def dream(self, side):
        """A step of gradient ascent with Lucid's standard settings, as a function to call."""
        torch, functional = self.torch, self.torch.nn.functional
        frequencies = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
        scale = torch.tensor(side / np.maximum(frequencies, 1 / side)).float()[..., None]
        spectrum = (0.01 * torch.randn(1, 3, side, side // 2 + 1, 2)).requires_grad_()
        # Lucid's colour correlation, normalised (lucid/optvis/param/color.py, a fact of ImageNet).
        mix = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]]) / 0.4619
        mean = torch.tensor(MEAN_BGR)[None, :, None, None]
        adam = torch.optim.Adam([spectrum], lr=0.05)

        def step():
            adam.zero_grad()
            complex_spectrum = torch.view_as_complex(scale * spectrum)
            planes = torch.fft.irfft2(complex_spectrum, s=(side, side)) / 4
            picture = torch.einsum("bchw,rc->brhw", planes, mix).sigmoid()
            seen = functional.pad(picture, [12] * 4, value=0.5)
            seen = self.jitter(seen, 8)
            factor = 0.9 + 0.02 * float(np.random.randint(11))
            seen = functional.interpolate(seen, scale_factor=factor, mode="bilinear")
            angle = math.radians(np.random.randint(-10, 11))
            turn = [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]]
            grid = functional.affine_grid(torch.tensor([turn]), seen.shape, align_corners=False)
            seen = self.jitter(functional.grid_sample(seen, grid, align_corners=False), 4)
            loss = -self.score(255 * seen.flip(1) - mean)
            loss.backward()
            adam.step()
            return loss.item()

        return step

    def jitter(self, picture, reach):
        top, left = np.random.randint(reach + 1, size=2)
        height, width = (side - reach for side in picture.shape[2:])
        return picture[:, :, top : top + height, left : left + width]


class TorchLite0:
    """EfficientNet-Lite0 with weights from a closed formula, normalisation folded in."""

    def __init__(self, device):
        import efficientnet_lite_reference as reference
        import torch

        self.torch, self.reference = torch, reference
        self.scale = reference.SCALES["lite0"]
        shapes = reference.shapes(self.scale).items()
        tensors = {name: reference.formula(name, shape).float() for name, shape in shapes}
        folded = reference.fold(self.scale, tensors).items()
        self.tensors = {name: tensor.to(device) for name, tensor in folded}

    def conv(self, value, name, norm, stride=1, groups=1):
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{norm}.bias"]
        value = self.reference.same(value, weight.shape[-1], stride)
        return self.torch.nn.functional.conv2d(value, weight, bias, stride, groups=groups)

    def forward(self, value, blocks=None):
        """The output of so many blocks, or the logits."""
        relu6 = self.torch.nn.functional.relu6
        value = relu6(self.conv(value, "_conv_stem", "_bn0", 2))
        for index, block in enumerate(self.reference.blocks(self.scale)[:blocks]):
            prefix, inner = f"_blocks.{index}.", value
            if block.expansion != 1:
                inner = relu6(self.conv(inner, f"{prefix}_expand_conv", f"{prefix}_bn0"))
            name, groups = f"{prefix}_depthwise_conv", inner.shape[1]
            inner = relu6(self.conv(inner, name, f"{prefix}_bn1", block.stride, groups))
            inner = self.conv(inner, f"{prefix}_project_conv", f"{prefix}_bn2")
            value = inner + value if block.skips else inner
        if blocks is not None:
            return value
        value = relu6(self.conv(value, "_conv_head", "_bn1")).mean((2, 3))
        weight, bias = self.tensors["_fc.weight"], self.tensors["_fc.bias"]
        return self.torch.nn.functional.linear(value, weight, bias)

    def input_gradient(self, picture):
        picture = picture.clone().requires_grad_()
        score = self.forward(picture, 9)[:, CHANNEL].mean()
        return self.torch.autograd.grad(score, picture)[0]


class TorchVit:
    """ViT-Ti/16 with noise for weights."""

    def __init__(self, device):
        import torch

        self.torch = torch
        arrays = vit_tensors().items()
        self.tensors = {name: torch.tensor(array, device=device) for name, array in arrays}

    def weights(self, name):
        return self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]

    def norm(self, value, name):
        functional = self.torch.nn.functional
        return functional.layer_norm(value, (WIDTH,), *self.weights(name), eps=1e-6)

    def forward(self, value, blocks=None):
        """The tokens behind so many blocks, or the logits."""
        functional = self.torch.nn.functional
        value = functional.conv2d(value, *self.weights("patch"), stride=PATCH)
        down, across = value.shape[2:]
        value = value.flatten(2).transpose(1, 2)
        places = self.tensors["positions"][:, 1:].reshape(1, SIDE, SIDE, WIDTH)
        if (down, across) != (SIDE, SIDE):
            places = functional.interpolate(
                places.permute(0, 3, 1, 2), (down, across), mode="bicubic", antialias=True
            ).permute(0, 2, 3, 1)
        of_class = self.tensors["class"] + self.tensors["positions"][:, :1]
        value = self.torch.cat([of_class, value + places.reshape(1, -1, WIDTH)], 1)
        tokens = value.shape[1]
        for block in range(DEPTH if blocks is None else blocks):
            split = functional.linear(
                self.norm(value, f"{block}.norm1"), *self.weights(f"{block}.qkv")
            )
            parts = split.reshape(1, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
            heads = functional.scaled_dot_product_attention(*parts).transpose(1, 2)
            heads = heads.reshape(1, tokens, WIDTH)
            value = value + functional.linear(heads, *self.weights(f"{block}.proj"))
            wide = functional.linear(
                self.norm(value, f"{block}.norm2"), *self.weights(f"{block}.fc1")
            )
            wide = functional.gelu(wide)
            value = value + functional.linear(wide, *self.weights(f"{block}.fc2"))
        if blocks is not None:
            return value
        return functional.linear(self.norm(value, "norm")[:, 0], *self.weights("head"))

    def input_gradient(self, picture):
        picture = picture.clone().requires_grad_()
        score = self.forward(picture, VIT_BLOCK + 1)[:, 1:, CHANNEL].mean()
        return self.torch.autograd.grad(score, picture)[0]


def time_torch(folder, rounds, device):
    network, lite, vit = Torch(folder, device), TorchLite0(device), TorchVit(device)
    torch = network.torch
    # In full single precision.
    torch.backends.cudnn.allow_tf32 = False
    # What a dream makes as it goes along is made there too.
    torch.set_default_device(device)
    settle = torch.cuda.synchronize if device == "cuda" else lambda: None
    pictures = {side: torch.tensor(ramp(side)) for side in (128, 224)}
    scaled = {side: picture / 128 for side, picture in pictures.items()}

    def forward(network, picture):
        with torch.no_grad():
            network.forward(picture)

    calls = {
        "forward_224": lambda: forward(network, pictures[224]),
        "gradient_128": lambda: network.input_gradient(pictures[128]),
        "dream_224": network.dream(224),
        "lite0_forward_224": lambda: forward(lite, scaled[224]),
        "lite0_gradient_128": lambda: lite.input_gradient(scaled[128]),
        "vit_forward_224": lambda: forward(vit, scaled[224]),
        "vit_gradient_128": lambda: vit.input_gradient(scaled[128]),
    }
    return {name: timed(rounds, call, settle=settle) for name, call in calls.items()}


def classify(folder, picture):
    """Top five of one picture: centre crop of 224 after resizing the shorter side to 256."""
    from PIL import Image

    image = Image.open(picture).convert("RGB")
    shrink = 256 / min(image.size)
    image = image.resize([round(side * shrink) for side in image.size], Image.BILINEAR)
    left, top = ((side - 224) // 2 for side in image.size)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
    planes = (pixels[..., ::-1] - MEAN_BGR).transpose(2, 0, 1)[None].astype(np.float32)
    (logits,) = open_session(folder).run(None, {"input": planes})
    print(json.dumps(logits[0].argsort()[::-1][:5].tolist()))


def check(folder):
    """Both libraries must compute the same network, or their times mean nothing."""
    for name, network, scale in (
        ("googlenet", Torch(folder), 1), ("vit", TorchVit("cpu"), 1 / 128)
    ):
        picture = (ramp(224) * scale).astype(np.float32)
        (found,) = open_session(folder, name).run(None, {"input": picture})
        with network.torch.no_grad():
            expected = network.forward(network.torch.from_numpy(picture)).numpy()
        distance = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        assert distance < 1e-4, f"{name}: onnxruntime and torch differ by {distance}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=["export", "time", "classify"])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments = parser.parse_args()
    if arguments.verb == "export":
        export(*arguments.paths)
    elif arguments.verb == "classify":
        classify(*arguments.paths)
    else:
        (folder,) = arguments.paths
        peers = {}
        if arguments.device == "cpu":
            peers["onnxruntime"] = time_onnxruntime(folder, arguments.rounds)
        if find_spec("torch") is None:
            print("torch is left out: it is not installed", file=sys.stderr)
        else:
            import torch

            if arguments.device == "cpu" or torch.cuda.is_available():
                check(folder)
                peers["torch"] = time_torch(folder, arguments.rounds, arguments.device)
            else:
                print("torch is left out: it finds no CUDA here", file=sys.stderr)
        print(json.dumps(peers))


if __name__ == "__main__":
    main()
