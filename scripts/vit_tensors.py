"""Names and shapes of the tensors in published vision transformers, as lists.

    pip install torch timm transformers open_clip_torch
    python scripts/vit_tensors.py shared/tests/data/vit/tensors

writes MODEL.NAMING.txt for every model and every naming that it is published in. Ran with torch
2.15.0, timm 1.0.31, transformers 5.24.0, open_clip_torch 3.3.0; no weights are needed.

A line is a name and its shape, `patch_embed.proj.weight 192x3x16x16`; without dimensions the shape
is `scalar`. `blocks.{0..11}.norm1.weight 192` stands for the blocks 0 to 11. `beside NAME SHAPE` is
a tensor of the same file that the image tower does not need. Lines that begin with # say what the
file is and where its names are from.

timm's, open_clip's and Hugging Face's names are those of the implementations themselves, built at
full size without memory. transformers 5 names some parameters otherwise than the published files
do; the lists have the files' names, which are also the ones that it saves. The originals of DINOv2
and DINOv3 are in no package: their tensors are written down here from their source,
github.com/facebookresearch/dinov2 (dinov2/models/vision_transformer.py, dinov2/layers) and
github.com/facebookresearch/dinov3 (dinov3/models/vision_transformer.py, dinov3/hub/backbones.py,
dinov3/layers). OpenAI's are open_clip's, which kept them, with three more numbers
(github.com/openai/CLIP, clip/model.py).
"""

import re
import sys
from pathlib import Path

import open_clip
import timm
import torch
import transformers
from transformers.core_model_loading import revert_weight_conversion


def block(width, hidden, gated):
    """A block of the original DINOv2 and DINOv3; `gated` is how its gated MLP is stored."""
    tensors = {
        "norm1.weight": (width,),
        "norm1.bias": (width,),
        "attn.qkv.weight": (3 * width, width),
        "attn.qkv.bias": (3 * width,),
        "attn.proj.weight": (width, width),
        "attn.proj.bias": (width,),
        "ls1.gamma": (width,),
        "norm2.weight": (width,),
        "norm2.bias": (width,),
    }
    inner, last = {
        None: ({"fc1": hidden}, "fc2"),
        "fused": ({"w12": 2 * hidden}, "w3"),
        "separate": ({"w1": hidden, "w2": hidden}, "w3"),
    }[gated]
    for name, rows in inner.items():
        tensors |= {f"mlp.{name}.weight": (rows, width), f"mlp.{name}.bias": (rows,)}
    tensors |= {f"mlp.{last}.weight": (width, hidden), f"mlp.{last}.bias": (width,)}
    return tensors | {"ls2.gamma": (width,)}


def dinov2_original(width, depth, hidden, registers=0, patch=14, grid=37, gated=None):
    """Shapes by name, as hub/backbones.py of DINOv2 loads them (blocks are not chunked)."""
    tensors = {"cls_token": (1, 1, width), "pos_embed": (1, 1 + grid * grid, width)}
    if registers:
        tensors["register_tokens"] = (1, registers, width)
    tensors |= {
        "mask_token": (1, width),
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,),
    }
    for k in range(depth):
        for name, shape in block(width, hidden, gated).items():
            tensors[f"blocks.{k}.{name}"] = shape
    return tensors | {"norm.weight": (width,), "norm.bias": (width,)}


def dinov3_original(width, depth, hidden, heads, registers=4, patch=16, gated=None):
    """Shapes by name, as hub/backbones.py of DINOv3 loads them."""
    tensors = {
        "cls_token": (1, 1, width),
        "storage_tokens": (1, registers, width),
        "mask_token": (1, width),
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,),
        "rope_embed.periods": (width // heads // 4,),
    }
    for k in range(depth):
        for name, shape in block(width, hidden, gated).items():
            tensors[f"blocks.{k}.{name}"] = shape
            if name == "attn.qkv.bias":
                tensors[f"blocks.{k}.attn.qkv.bias_mask"] = shape
    return tensors | {"norm.weight": (width,), "norm.bias": (width,)}


def shapes(state):
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def of_timm(name):
    with torch.device("meta"):
        return shapes(timm.create_model(name).state_dict())


def of_open_clip(name):
    config = open_clip.get_model_config(name)
    with torch.device("meta"):
        return shapes(open_clip.CLIP(**config).state_dict())


def of_hugging_face(model, config):
    with torch.device("meta"):
        network = model(config)
    return shapes(revert_weight_conversion(network, network.state_dict()))


def hugging_face_clip(width, depth, heads, patch, text, out):
    """The whole of CLIP; `text` is the text tower's width."""
    config = transformers.CLIPConfig(
        text_config=dict(
            hidden_size=text, intermediate_size=4 * text, num_attention_heads=text // 64,
            num_hidden_layers=12, projection_dim=out),
        vision_config=dict(
            hidden_size=width, intermediate_size=4 * width, num_attention_heads=heads,
            num_hidden_layers=depth, patch_size=patch, image_size=224, projection_dim=out),
        projection_dim=out,
    )
    tensors = of_hugging_face(transformers.CLIPModel, config)
    # Whole numbers that published files still hold and transformers computes by now.
    positions = tensors["vision_model.embeddings.position_embedding.weight"][0]
    tensors["vision_model.embeddings.position_ids"] = (1, positions)
    tensors["text_model.embeddings.position_ids"] = (1, 77)
    return tensors


def unused(name):
    """Whether the image tower computes nothing with it."""
    return name.endswith(("mask_token", "position_ids", "rope_embed.periods", "bias_mask"))


def is_beside(name, prefixes):
    return unused(name) or bool(prefixes) and not name.startswith(prefixes)


def lines(tensors, prefixes):
    """One line a tensor, one for all blocks; what lies beside comes last."""
    blocks = {}
    for name, shape in tensors.items():
        pattern = re.sub(r"\.\d+\.", ".{}.", name)
        blocks.setdefault((is_beside(name, prefixes), pattern, shape), []).append(name)
    for (beside, pattern, shape), names in sorted(blocks.items(), key=lambda entry: entry[0][0]):
        if "{}" in pattern:
            expected = [pattern.replace("{}", str(k)) for k in range(len(names))]
            assert names == expected, f"{pattern} is not in every block alike"
            pattern = pattern.replace("{}", f"{{0..{len(names) - 1}}}")
        size = "x".join(map(str, shape)) or "scalar"
        yield f"{'beside ' if beside else ''}{pattern} {size}"


def published():
    """(model, naming, what it is, tensors, prefixes of the image tower's names)."""
    for size in ["tiny", "small", "base"]:
        name = f"vit_{size}_patch16_224"
        yield (
            f"vit-{size}-patch16-224", "timm",
            f"{name}.augreg_in21k_ft_in1k as timm {timm.__version__} builds it.",
            of_timm(name), (),
        )

    for model, (width, depth, heads, patch, text, out, of_clip, at_timm) in {
        "clip-vit-b-32": (768, 12, 12, 32, 512, 512, "ViT-B-32", "vit_base_patch32_clip"),
        "clip-vit-b-16": (768, 12, 12, 16, 512, 512, "ViT-B-16", "vit_base_patch16_clip"),
        "clip-vit-l-14": (1024, 24, 16, 14, 768, 768, "ViT-L-14", "vit_large_patch14_clip"),
    }.items():
        tensors = of_open_clip(of_clip)
        yield (
            model, "open-clip",
            f"{of_clip} as open_clip {open_clip.__version__} builds it, text tower beside.",
            tensors, ("visual.",),
        )
        scalars = {name: () for name in ["input_resolution", "context_length", "vocab_size"]}
        yield (
            model, "openai",
            f"{of_clip}.pt of OpenAI, a TorchScript archive, text tower beside. Names as in "
            "clip/model.py of github.com/openai/CLIP.",
            tensors | scalars, ("visual.",),
        )
        yield (
            model, "hugging-face",
            f"CLIPModel of transformers {transformers.__version__}, as it saves it, and the "
            "position_ids of published files; text tower beside.",
            hugging_face_clip(width, depth, heads, patch, text, out),
            ("vision_model.", "visual_projection."),
        )
        name = f"{at_timm}_quickgelu_224"
        with torch.device("meta"):
            tensors = shapes(timm.create_model(name, num_classes=out).state_dict())
        yield (
            model, "timm",
            f"{at_timm}_224.openai as timm {timm.__version__} builds it ({name}). Its head.bias is "
            "zero.",
            tensors, (),
        )

    sizes = {
        "s": ("small", 384, 12, 6), "b": ("base", 768, 12, 12), "l": ("large", 1024, 24, 16),
    }
    for letter, (size, width, depth, heads) in sizes.items():
        for registers in [0, 4]:
            model = f"dinov2-vit-{letter}-14" + ("-reg" if registers else "")
            file = f"dinov2_vit{letter}14{'_reg4' if registers else ''}_pretrain.pth"
            yield (
                model, "original",
                f"{file}. Names and shapes as in the source of github.com/facebookresearch/dinov2.",
                dinov2_original(width, depth, 4 * width, registers), (),
            )
            common = dict(
                hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads,
                image_size=518, patch_size=14)
            if registers:
                network = transformers.Dinov2WithRegistersModel
                config = transformers.Dinov2WithRegistersConfig(
                    **common, num_register_tokens=registers)
            else:
                network, config = transformers.Dinov2Model, transformers.Dinov2Config(**common)
            yield (
                model, "hugging-face",
                f"{network.__name__} of transformers {transformers.__version__}, as it saves it.",
                of_hugging_face(network, config), (),
            )
            name = f"vit_{size}_patch14_{'reg4_' if registers else ''}dinov2"
            note = " The class token's position is part of cls_token." if registers else ""
            yield (
                model, "timm",
                f"{name}.lvd142m as timm {timm.__version__} builds it.{note}",
                of_timm(name), (),
            )

    for letter in ["s", "b"]:
        size, width, depth, heads = sizes[letter]
        model = f"dinov3-vit-{letter}-16"
        yield (
            model, "original",
            f"dinov3_vit{letter}16_pretrain_lvd1689m.pth. Names and shapes as in the source of "
            "github.com/facebookresearch/dinov3.",
            dinov3_original(width, depth, 4 * width, heads), (),
        )
        config = transformers.DINOv3ViTConfig(
            hidden_size=width, intermediate_size=4 * width, num_hidden_layers=depth,
            num_attention_heads=heads, num_register_tokens=4)
        yield (
            model, "hugging-face",
            f"DINOv3ViTModel of transformers {transformers.__version__}, as it saves it.",
            of_hugging_face(transformers.DINOv3ViTModel, config), (),
        )
        for naming, suffix in [("timm", ""), ("timm-biases", "_qkvb")]:
            name = f"vit_{size}_patch16_dinov3{suffix}"
            yield (
                model, naming,
                f"{name}.lvd1689m as timm {timm.__version__} builds it.",
                of_timm(name), (),
            )


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for model, naming, what, tensors, prefixes in published():
        path = folder / f"{model}.{naming}.txt"
        path.write_text("\n".join([f"# {what}", *lines(tensors, prefixes)]) + "\n")
        print(path, len(tensors), "tensors")


if __name__ == "__main__":
    main()
