#!/usr/bin/env bash
# Makes a dictionary that can go into a bundle (docs/export.md, "A dictionary's latents"):
#
#     scripts/dictionary.sh NETWORK LAYER LATENTS FOLDER PICTURES..
#
# Two kinds are trained with two seeds each on what LAYER answers to the pictures, and the one is
# taken that `pellucid evaluate` prefers, in half precision. It comes into
# FOLDER/dictionaries/NETWORK/LAYER/shipped, with what was measured of it. A run that was stopped goes
# on from there. THOUSANDS of activations are trained on, 8,000 unless that is set. Needs `pellucid` on
# the path.
set -euo pipefail
network=$1 layer=$2 latents=$3
work=$(realpath -m "$4")/dictionaries/$network/$layer
shift 4
images=()
for folder in "$@"; do images+=(--images "$(realpath "$folder")"); done

mkdir -p "$work"
pellucid record "$network" "$layer" "${images[@]}" --out "$work/store"
pellucid train "$work/store" --set kind=topk,batch-topk --set "latents=$latents" \
    --set learning_rate=0.002 --set "thousands=${THOUSANDS:-8000}" --out "$work/trained"
evaluated=$work/evaluated.txt
if [ ! -s "$evaluated" ]; then
    pellucid evaluate "$work/trained" "$work/store" 2>&1 | tee "$work/evaluated.part"
    mv "$work/evaluated.part" "$evaluated"
fi
chosen=$(sed -n 's/^to be preferred: \(.*\) (.*/\1/p' "$evaluated" | tail -n 1)
pellucid train --to-saelens "$chosen" --bits f16 --out "$work/shipped"
# As it ships, beside the other seed of the same.
other=${chosen%seed-*}seed-$((1 - ${chosen##*seed-}))
pellucid evaluate "$work/shipped" "$other" "$work/store"
