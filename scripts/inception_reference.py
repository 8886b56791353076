"""Small reference outputs of two variants of Inception V1, made independently of this project's code.

    pip install torch torchvision safetensors numpy
    python scripts/inception_reference.py shared/tests/golden

`googlenet-torchvision` is torchvision's own GoogLeNet. `inception-v1` is written here from the
published facts: the layers and widths of Szegedy et al. 2014 (arXiv:1409.4842) as the graph
`InceptionV1.pb` of Lucid holds them, TensorFlow's SAME padding, and normalisation with that graph's
attributes (depth_radius 5, bias 2, alpha 1e-4, beta 0.5).

No trained weights are needed. Weights come from a formula that both sides compute exactly: the
i-th value of a tensor is amplitude * uniform(name, i), see `uniform`. Everything runs in float64
on weights rounded to float32; outputs are stored in float32.
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import save_file

HEIGHT, WIDTH = 77, 90  # odd and even, so that padding on either side shows
SCORE_CLASS = 5
# With this one, no ReLU and no maximum is decided by less than 3e-6 of its layer's standard
# deviation, so that single precision decides none differently. With 0.3 some are at 2e-7.
PHASE = 0.51
MASK = (1 << 64) - 1
GOLDEN_RATIO = 0x9E3779B97F4A7C15


def uniform(name, count):
    """`count` numbers in -1..1 that depend on the name: SplitMix64 seeded with FNV-1a of the name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN_RATIO)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def formula(name, shape, bias_amplitude):
    """Weights keep the size of activations (He et al. 2015); variances are positive."""
    u = uniform(name, math.prod(shape))
    if name.endswith("running_var"):
        values = 1.0 + 0.5 * u
    elif name.endswith("bn.weight"):
        values = 1.0 + 0.2 * u
    elif name.endswith("bias") or name.endswith("running_mean"):
        values = bias_amplitude * u
    else:
        values = math.sqrt(6.0 / math.prod(shape[1:])) * u
    return torch.from_numpy(values.astype(np.float32).astype(np.float64)).reshape(shape)


def picture():
    """RGB in 0..1, [1, 3, HEIGHT, WIDTH], with gradients."""
    c = torch.arange(3, dtype=torch.float64).view(3, 1, 1)
    y = torch.arange(HEIGHT, dtype=torch.float64).view(1, HEIGHT, 1)
    x = torch.arange(WIDTH, dtype=torch.float64).view(1, 1, WIDTH)
    rgb = 0.5 + 0.5 * torch.sin(2 * torch.sin(0.05 * x * (1 + c)) + torch.cos(0.2 * y) + PHASE * c)
    rgb = rgb.float().double()  # both sides start from the same float32 picture
    return rgb[None].requires_grad_()


# Output channels: 1x1, 3x3 bottleneck, 3x3, 5x5 bottleneck, 5x5, after pooling.
INCEPTION5H = {
    "mixed3a": (64, 96, 128, 16, 32, 32),
    "mixed3b": (128, 128, 192, 32, 96, 64),
    "mixed4a": (192, 96, 204, 16, 48, 64),
    "mixed4b": (160, 112, 224, 24, 64, 64),
    "mixed4c": (128, 128, 256, 24, 64, 64),
    "mixed4d": (112, 144, 288, 32, 64, 64),
    "mixed4e": (256, 160, 320, 32, 128, 128),
    "mixed5a": (256, 160, 320, 48, 128, 128),
    "mixed5b": (384, 192, 384, 48, 128, 128),
}


def inception_v1(rgb):
    """Activations by layer name."""
    acts = {}

    def same(x, kernel, stride, value):
        """TensorFlow's padding: ceil(size / stride) windows, the odd pixel right and below."""
        pads = []
        for size in reversed(x.shape[-2:]):
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return F.pad(x, pads, value=value)

    def keep(name, x):
        acts[name] = x
        return x

    def conv(name, x, outputs, kernel, stride=1):
        tensor = name + "_pre_relu_conv"
        weight = formula(tensor + ".weight", (outputs, x.shape[1], kernel, kernel), 0)
        bias = formula(tensor + ".bias", (outputs,), 20.0)
        x = F.conv2d(same(x, kernel, stride, 0.0), weight, bias, stride)
        return keep(name, F.relu(keep(name + "_pre_relu", x)))

    def pool(name, x, stride=2):
        return keep(name, F.max_pool2d(same(x, 3, stride, float("-inf")), 3, stride))

    def normalize(name, x, radius=5, bias=2.0, alpha=1e-4, beta=0.5):
        channels = x.shape[1]
        total = torch.stack([
            (x[:, max(c - radius, 0):c + radius + 1] ** 2).sum(1) for c in range(channels)
        ], 1)
        return keep(name, x / (bias + alpha * total) ** beta)

    x = conv("conv2d0", rgb * 255 - 117, 64, 7, 2)
    x = normalize("localresponsenorm0", pool("maxpool0", x))
    x = conv("conv2d2", conv("conv2d1", x, 64, 1), 192, 3)
    x = pool("maxpool1", normalize("localresponsenorm1", x))
    for name, (one, three_in, three, five_in, five, pooled) in INCEPTION5H.items():
        x = keep(name, torch.cat([
            conv(name + "_1x1", x, one, 1),
            conv(name + "_3x3", conv(name + "_3x3_bottleneck", x, three_in, 1), three, 3),
            conv(name + "_5x5", conv(name + "_5x5_bottleneck", x, five_in, 1), five, 5),
            conv(name + "_pool_reduce", pool(name + "_pool", x, 1), pooled, 1),
        ], 1))
        if name == "mixed3b":
            x = pool("maxpool4", x)
        if name == "mixed4e":
            x = pool("maxpool10", x)
    x = keep("avgpool0", x.mean((2, 3), keepdim=True))
    classifier = "softmax2_pre_activation_matmul"
    weight = formula(classifier + ".weight", (1008, 1024), 0)
    keep("logits", F.linear(x[:, :, 0, 0], weight, formula(classifier + ".bias", (1008,), 20.0)))
    return acts


# torchvision's module, the canonical name of what comes out of it.
TORCHVISION = {
    "conv1.bn": "conv2d0_pre_relu",
    "conv1": "conv2d0",
    "maxpool1": "maxpool0",
    "conv2": "conv2d1",
    "conv3": "conv2d2",
    "maxpool2": "maxpool1",
    "inception3a": "mixed3a",
    "inception3b": "mixed3b",
    "maxpool3": "maxpool4",
    "inception4a": "mixed4a",
    "inception4a.branch3.1.bn": "mixed4a_5x5_pre_relu",
    "inception4b": "mixed4b",
    "inception4c": "mixed4c",
    "inception4d": "mixed4d",
    "inception4e": "mixed4e",
    "maxpool4": "maxpool10",
    "inception5a": "mixed5a",
    "inception5b": "mixed5b",
    "avgpool": "avgpool0",
    "fc": "logits",
}


def googlenet_torchvision(rgb):
    """Activations by canonical layer name."""
    net = torchvision.models.googlenet(
        weights=None, init_weights=False, aux_logits=False, transform_input=True
    ).double().eval()
    state = net.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = formula(name, tuple(tensor.shape), 0.2)
    net.load_state_dict(state)
    net.requires_grad_(False)
    acts = {}
    for module, name in TORCHVISION.items():
        # A copy, because torchvision's ReLU works in place.
        net.get_submodule(module).register_forward_hook(
            lambda _module, _input, output, name=name: acts.__setitem__(name, output.clone()))
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(1, 3, 1, 1)
    acts["logits"] = net((rgb - mean) / std)
    return acts


INNER = ["conv2d0_pre_relu", "mixed4a_5x5_pre_relu"]


def is_kept(name):
    inner = name.startswith("mixed") and "_" in name or name.endswith("_pre_relu")
    return not inner or name in INNER


def reference(network):
    """What the tests compare: means over space, logits, and the gradient of one logit."""
    rgb = picture()
    acts = network(rgb)
    acts["logits"][0, SCORE_CLASS].backward()
    gradient = rgb.grad[0]
    tensors = {
        name + ".mean": value.mean((0, 2, 3))
        for name, value in acts.items() if value.dim() == 4 and is_kept(name)
    }
    tensors["logits"] = acts["logits"][0]
    tensors["gradient.every_second"] = gradient[:, ::2, ::2]
    tensors["gradient.row_sums"] = gradient.sum(2)
    tensors["gradient.column_sums"] = gradient.sum(1)
    return {name: value.detach().float().contiguous() for name, value in tensors.items()}


def main(folder):
    for name, network in (("inception-v1", inception_v1),
                          ("googlenet-torchvision", googlenet_torchvision)):
        tensors = reference(network)
        path = Path(folder) / f"{name}.safetensors"
        # One metadata key: the order of several would not be stable.
        save_file(tensors, path, {"origin": "scripts/inception_reference.py"})
        sizes = {key: round(float(value.square().mean().sqrt()), 4) for key, value in tensors.items()}
        print(path, path.stat().st_size, "bytes; root mean squares", sizes)


if __name__ == "__main__":
    main(sys.argv[1])
