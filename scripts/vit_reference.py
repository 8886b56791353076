"""Small reference outputs of vision transformers, by their publishers' own implementations.

    pip install torch timm transformers open_clip_torch safetensors numpy
    python scripts/vit_reference.py shared/tests/data/vit

Ran with torch 2.15.0, timm 1.0.31, transformers 5.24.0, open_clip_torch 3.3.0. On one machine the
files come out the same to the byte each time.

No trained weights are needed. Networks have width 24, 3 heads, 2 or 3 blocks; a file's name tells
family and naming, `CASES` below the rest. Everything runs in float64 (resized positions and rotary
coordinates in float32, as the implementations have it) on weights rounded to float32; outputs are
stored in float32.

Weights come from a formula that both sides compute exactly. With u the i-th number (row-major, in
-1..1) of `uniform(name)`, name being the tensor's in the published naming, it is, in this order:

    ...rope_embed.periods, ...bias_mask   what they really are
    a name with `token`, `pos_embed`,
    `position` or `class_embedding` in it 0.05 u
    ...bias                               0.2 u
    ...gamma, gamma_1, gamma_2, lambda1   0.5 + 0.2 u   (layer scale)
    of one dimension                      1 + 0.2 u     (weights of norms)
    all others                            u sqrt(3 / inputs)

where inputs is the product of all dimensions but the first, for OpenAI's `proj`, which is stored
transposed, the first. Class tokens and positions are small enough for the epsilon of the norms to
show: with the wrong one of 1e-5 and 1e-6, tokens are off by 4e-4 or more of their norm.

Each file holds
    input        [1, 3, h, w]: what the network gets, (picture - mean) / std of the family (`MEAN`,
                 `STD`), where the picture is RGB in 0..1 of the formula in `picture`
    blocks.K     [tokens, width]: the residual stream after each block; class token first, then
                 registers, then patches row by row
    norm         [tokens, width]: the final norm of all tokens of the last block
    pooled       [n]: logits (ViT), projected embedding (CLIP), else the normed class token
and augreg besides, for each block, `blocks.K.attn` and `blocks.K.mlp`, what is added to the stream;
augreg and dinov3.hugging-face `blocks.1:7@cls.gradient` [1, 3, h, w], the gradient of channel 7 of
the class token after block 1 with respect to input.

Learned positions for another grid than the trained one are resized, the class token's apart:
    timm                   bicubic to the new size, antialias (augreg, and DINOv2 in its naming)
    open_clip              the same, on loading
    transformers, CLIP     bicubic to the new size, no antialias (not in these files)
    transformers, DINOv2   bicubic to the new size, no antialias (not in these files)
    the same with registers  bicubic to the new size, antialias
    DINOv2's original      bicubic by the factor (new + 0.1) / old, no antialias, so that samples
                           lie at (i + 0.5) old / (new + 0.1) - 0.5
    the same with registers  bicubic to the new size, antialias
torch's bicubic has a = -0.75 without antialias, -0.5 with it. OpenAI's CLIP has one grid only.

Tensors in OpenAI's naming and in the originals' of DINOv2 and DINOv3, which are in no package, are
converted and run by timm; the original's rule for DINOv2's positions is written here.
"""

import math
import sys
import tempfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import open_clip.model
import timm.models.eva
import timm.models.vision_transformer
import torch
import torch.nn.functional as F
import transformers
from open_clip.transformer import VisionTransformer as ImageTower
from safetensors.torch import load_file, save_file
from timm.layers import SwiGLUPacked
from torch import nn

from efficientnet_lite_reference import uniform
from vit_tensors import dinov2_original, dinov3_original, shapes

WIDTH, HEADS, HIDDEN, DEPTH = 24, 3, 96, 2
OUTPUTS = 11
REGISTERS = 4
GATED_HIDDEN = 64
GRADIENT_BLOCK, GRADIENT_CHANNEL = 1, 7
PHASE = 0.51

MEAN = {
    "augreg": (0.5, 0.5, 0.5),
    "clip": (0.48145466, 0.4578275, 0.40821073),
    "dinov2": (0.485, 0.456, 0.406),
    "dinov3": (0.485, 0.456, 0.406),
}
STD = {
    "augreg": (0.5, 0.5, 0.5),
    "clip": (0.26862954, 0.26130258, 0.27577711),
    "dinov2": (0.229, 0.224, 0.225),
    "dinov3": (0.229, 0.224, 0.225),
}

# Numbers from formulas.


def formula(name, shape):
    """The tensor of this name, float32."""
    if name.endswith("bias_mask"):
        thirds = torch.tensor([1.0, 0.0, 1.0])
        return thirds.repeat_interleave(shape[0] // 3)
    if name.endswith("rope_embed.periods"):
        return 100.0 ** (torch.arange(shape[0]) / shape[0])
    if any(part in name for part in ["token", "pos_embed", "position", "class_embedding"]):
        centre, amplitude = 0.0, 0.05
    elif name.endswith("bias"):
        centre, amplitude = 0.0, 0.2
    elif name.endswith(("gamma", "gamma_1", "gamma_2", "lambda1")):
        centre, amplitude = 0.5, 0.2
    elif len(shape) == 1:
        centre, amplitude = 1.0, 0.2
    else:
        inputs = shape[0] if name.endswith("visual.proj") else math.prod(shape[1:])
        centre, amplitude = 0.0, math.sqrt(3 / inputs)
    values = centre + amplitude * uniform(name, math.prod(shape))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def weights(tensors):
    return {name: formula(name, shape) for name, shape in tensors.items()}


def picture(height, width):
    """RGB in 0..1, [1, 3, height, width], float32."""
    c = torch.arange(3, dtype=torch.float64).view(3, 1, 1)
    y = torch.arange(height, dtype=torch.float64).view(1, height, 1)
    x = torch.arange(width, dtype=torch.float64).view(1, 1, width)
    rgb = 0.5 + 0.5 * torch.sin(2 * torch.sin(0.05 * x * (1 + c)) + torch.cos(0.2 * y) + PHASE * c)
    return rgb[None].float()


def preprocessed(family, height, width):
    """What the network gets, with gradients; both sides start from the same float32 numbers."""
    mean = torch.tensor(MEAN[family]).view(1, 3, 1, 1)
    std = torch.tensor(STD[family]).view(1, 3, 1, 1)
    return ((picture(height, width) - mean) / std).double().requires_grad_()


# Networks: the model, its blocks, its final norm, and what it pools.


def timm_vit(grid, patch, depth=DEPTH, state=None, **options):
    """timm's VisionTransformer; `state` is in another naming, which timm converts."""
    vit = timm.models.vision_transformer
    size = tuple(side * patch for side in grid)
    net = vit.VisionTransformer(
        img_size=size, patch_size=patch, embed_dim=WIDTH, depth=depth, num_heads=HEADS,
        dynamic_img_size=True, **options)
    if state is None:
        state = weights(shapes(net.state_dict()))
    else:
        state = vit.checkpoint_filter_fn(state, net)
    net.load_state_dict(state)
    return net, net.blocks, net.norm, lambda output: output


def timm_eva(patch, state=None, **options):
    """timm's Eva as its DINOv3 is configured; `state` is in another naming, which it converts."""
    net = timm.models.eva.Eva(
        img_size=4 * patch, patch_size=patch, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS,
        num_classes=0, global_pool="token", dynamic_img_size=True, init_values=1e-5,
        rope_type="dinov3", rope_temperature=100, rope_rotate_half=True, use_rot_pos_emb=True,
        use_abs_pos_emb=False, num_reg_tokens=REGISTERS, use_fc_norm=False,
        norm_layer=partial(nn.LayerNorm, eps=1e-5), **options)
    if state is None:
        state = weights(shapes(net.state_dict()))
    else:
        state = timm.models.eva.checkpoint_filter_fn(state, net)
    net.load_state_dict(state)
    return net, net.blocks, net.norm, lambda output: output


def dinov2_resized(grid):
    """The original's tensors with positions for this grid, by the original's own rule."""
    state = weights(dinov2_original(WIDTH, DEPTH, HIDDEN, grid=3))
    of_class, of_patches = state["pos_embed"].split([1, 9], 1)
    of_patches = of_patches.reshape(1, 3, 3, WIDTH).permute(0, 3, 1, 2)
    factors = [(side + 0.1) / 3 for side in grid]
    of_patches = F.interpolate(of_patches, scale_factor=factors, mode="bicubic")
    state["pos_embed"] = torch.cat([of_class, of_patches.flatten(2).permute(0, 2, 1)], 1)
    return state


def image_tower(patch, height, width, activation):
    return ImageTower(
        (height, width), patch, WIDTH, DEPTH, HEADS, HIDDEN / WIDTH, output_dim=OUTPUTS,
        act_layer=activation)


def open_clip_shapes(patch):
    """The trained tensors, for 4 by 4 patches."""
    tower = image_tower(patch, 4 * patch, 4 * patch, nn.GELU)
    return {f"visual.{name}": shape for name, shape in shapes(tower.state_dict()).items()}


def open_clip_vit(patch, height, width):
    """open_clip's image tower with exact GELU, as LAION's models are."""
    tower = image_tower(patch, height, width, nn.GELU)
    state = weights(open_clip_shapes(patch))
    open_clip.model.resize_pos_embed(state, SimpleNamespace(visual=tower))
    tower.load_state_dict({name.removeprefix("visual."): value for name, value in state.items()})
    return tower, tower.transformer.resblocks, tower.ln_post, lambda output: output


def hugging_face(model, config, parts):
    """A model of transformers, which reads weights in the published naming, not in its own."""
    with tempfile.TemporaryDirectory() as folder:
        model(config).save_pretrained(folder)
        path = Path(folder) / "model.safetensors"
        state = weights(shapes(load_file(path)))
        save_file(state, path, {"format": "pt"})
        net, report = model.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True)
    assert not any(report.values()), report
    return net, *parts(net)


def hugging_face_clip():
    config = transformers.CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=HIDDEN, projection_dim=OUTPUTS,
        num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=32, patch_size=8,
        hidden_act="quick_gelu")
    return hugging_face(transformers.CLIPVisionModelWithProjection, config, lambda net: (
        net.vision_model.encoder.layers, net.vision_model.post_layernorm,
        lambda output: output.image_embeds))


def hugging_face_dinov2(registers=0, **options):
    config = dict(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=42,
        patch_size=14, **options)
    if registers:
        model = transformers.Dinov2WithRegistersModel
        config = transformers.Dinov2WithRegistersConfig(**config, num_register_tokens=registers)
    else:
        model, config = transformers.Dinov2Model, transformers.Dinov2Config(**config)
    return hugging_face(model, config, lambda net: (
        net.encoder.layer, net.layernorm, lambda output: output.pooler_output))


def hugging_face_dinov3(**options):
    config = transformers.DINOv3ViTConfig(**dict(
        hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=DEPTH,
        num_attention_heads=HEADS, num_register_tokens=REGISTERS, patch_size=8) | options)
    return hugging_face(transformers.DINOv3ViTModel, config, lambda net: (
        net.model.layer, net.norm, lambda output: output.pooler_output))


CASES = {
    # The trained grid is 4 by 4 patches of 8 pixels; exact GELU, norms with epsilon 1e-6.
    "augreg.timm": (32, 32, lambda: timm_vit((4, 4), 8, depth=3, num_classes=OUTPUTS)),
    "augreg-resized.timm": (40, 24, lambda: timm_vit((4, 4), 8, depth=3, num_classes=OUTPUTS)),
    # 4 by 4 of 8; quick GELU, epsilon 1e-5.
    "clip.hugging-face": (32, 32, hugging_face_clip),
    "clip.openai": (32, 32, lambda: timm_vit(
        (4, 4), 8, state=weights(open_clip_shapes(8)), num_classes=OUTPUTS, pre_norm=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-5), act_layer="quick_gelu")),
    # The same with exact GELU.
    "clip.open-clip": (32, 32, lambda: open_clip_vit(8, 32, 32)),
    "clip-resized.open-clip": (40, 24, lambda: open_clip_vit(8, 40, 24)),
    # 3 by 3 of 14; exact GELU, epsilon 1e-6.
    "dinov2.hugging-face": (42, 42, hugging_face_dinov2),
    "dinov2-resized.original": (28, 56, lambda: timm_vit(
        (2, 4), 14, num_classes=0, init_values=1e-5, state=dinov2_resized((2, 4)))),
    "dinov2-gated.hugging-face": (42, 42, lambda: hugging_face_dinov2(use_swiglu_ffn=True)),
    "dinov2-reg.hugging-face": (28, 56, lambda: hugging_face_dinov2(REGISTERS)),
    "dinov2-reg.timm": (28, 56, lambda: timm_vit(
        (3, 3), 14, num_classes=0, init_values=1e-5, reg_tokens=REGISTERS, no_embed_class=True)),
    "dinov2-reg-gated.original": (28, 56, lambda: timm_vit(
        (3, 3), 14, num_classes=0, init_values=1e-5, reg_tokens=REGISTERS, no_embed_class=True,
        mlp_ratio=2 * GATED_HIDDEN / WIDTH, mlp_layer=SwiGLUPacked, act_layer=nn.SiLU,
        state=weights(dinov2_original(
            WIDTH, DEPTH, GATED_HIDDEN, REGISTERS, grid=3, gated="fused")))),
    # Patches of 8; exact GELU, epsilon 1e-5.
    "dinov3.hugging-face": (24, 40, hugging_face_dinov3),
    "dinov3-gated.hugging-face": (24, 40, lambda: hugging_face_dinov3(
        intermediate_size=GATED_HIDDEN, use_gated_mlp=True, hidden_act="silu")),
    "dinov3.timm": (24, 40, lambda: timm_eva(8, qkv_bias=False)),
    "dinov3.timm-biases": (24, 40, lambda: timm_eva(8, qkv_bias=True)),
    "dinov3.original": (24, 40, lambda: timm_eva(
        8, qkv_bias=True, state=weights(dinov3_original(WIDTH, DEPTH, HIDDEN, HEADS, patch=8)))),
    "dinov3-gated.original": (24, 40, lambda: timm_eva(
        8, qkv_bias=True, swiglu_mlp=True, swiglu_align_to=8, mlp_ratio=GATED_HIDDEN / WIDTH,
        state=weights(dinov3_original(
            WIDTH, DEPTH, GATED_HIDDEN, HEADS, patch=8, gated="separate")))),
}
WITH_GRADIENT = ["augreg.timm", "dinov3.hugging-face"]
WITH_HALVES = ["augreg.timm"]


def reference(name, height, width, network):
    net, blocks, norm, pooled = network()
    net.double().eval().requires_grad_(False)
    acts = {}

    def keep(act, module):
        module.register_forward_hook(
            lambda _module, _input, output: acts.__setitem__(
                act, output[0] if isinstance(output, tuple) else output))

    for k, block in enumerate(blocks):
        keep(f"blocks.{k}", block)
        if name in WITH_HALVES:
            keep(f"blocks.{k}.attn", block.attn)
            keep(f"blocks.{k}.mlp", block.mlp)
    pixels = preprocessed(name.split(".")[0].split("-")[0], height, width)
    acts["pooled"] = pooled(net(pixels))
    acts["norm"] = norm(acts[f"blocks.{len(blocks) - 1}"])
    kept = {act: value[0] for act, value in acts.items()}
    if name in WITH_GRADIENT:
        score = kept[f"blocks.{GRADIENT_BLOCK}"][0, GRADIENT_CHANNEL]
        (gradient,) = torch.autograd.grad(score, pixels)
        kept[f"blocks.{GRADIENT_BLOCK}:{GRADIENT_CHANNEL}@cls.gradient"] = gradient
    kept["input"] = pixels
    return {act: value.detach().float().contiguous().clone() for act, value in kept.items()}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    total = 0
    for name, (height, width, network) in CASES.items():
        tensors = reference(name, height, width, network)
        path = folder / f"{name}.safetensors"
        # One metadata key: the order of several would not be stable.
        origin = "python scripts/vit_reference.py shared/tests/data/vit"
        save_file(tensors, path, {"origin": origin})
        total += path.stat().st_size
        print(path, path.stat().st_size, "bytes")
        for act, value in sorted(tensors.items()):
            rms = value.square().mean().sqrt()
            print(f"  {act} {list(value.shape)}, root mean square {rms:.4g}")
    print(total, "bytes in all")


if __name__ == "__main__":
    main()
