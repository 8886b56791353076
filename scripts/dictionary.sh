#!/usr/bin/env bash
# Makes a dictionary that can go into a bundle (docs/export.md, "A dictionary's latents"):
#
#     scripts/dictionary.sh NETWORK LAYER LATENTS FOLDER PICTURES..
#
# Each kind is trained with two seeds on what LAYER answers to the pictures, and the one is taken that
# `pellucid evaluate` prefers. It comes into FOLDER/dictionaries/NETWORK/LAYER/shipped, with what was
# measured of it. A run that was stopped goes on from there. Needs `pellucid` on the path. What can be
# set:
#
#     KINDS=topk,batch-topk   what is trained
#     THOUSANDS=8000          thousands of activations that each is trained on
#     TOKENS=patches          which of them: all, of a transformer
#     BITS=f16                in which it ships: f32, f16 or q8
#     WEIGHTS=FILE            the network's, where `pellucid` would not find them
set -euo pipefail
network=$1 layer=$2 latents=$3
work=$(realpath -m "$4")/dictionaries/$network/$layer
shift 4
images=()
for folder in "$@"; do images+=(--images "$(realpath "$folder")"); done
weights=(${WEIGHTS:+--weights "$WEIGHTS"})
thousands=${THOUSANDS:-8000}
kinds=${KINDS:-topk,batch-topk}
bits=${BITS:-f16}

mkdir -p "$work"
pellucid record "$network" "$layer" "${images[@]}" "${weights[@]}" --tokens "${TOKENS:-patches}" \
    --out "$work/store"
pellucid train "$work/store" --set "kind=$kinds" --set "latents=$latents" \
    --set learning_rate=0.002 --set "thousands=$thousands" --out "$work/trained"
evaluated=$work/evaluated.txt
if [ ! -s "$evaluated" ]; then
    pellucid evaluate "$work/trained" "$work/store" "${weights[@]}" 2>&1 | tee "$work/evaluated.part"
    mv "$work/evaluated.part" "$evaluated"
fi
chosen=$(sed -n 's/^to be preferred: \(.*\) (.*/\1/p' "$evaluated" | tail -n 1)
pellucid train --to-saelens "$chosen" --bits "$bits" --out "$work/shipped"
# As it ships, beside the other seed of the same.
other=${chosen%seed-*}seed-$((1 - ${chosen##*seed-}))
pellucid evaluate "$work/shipped" "$other" "$work/store" "${weights[@]}"
