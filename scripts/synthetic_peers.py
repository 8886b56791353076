"""SAELens beside Pellucid where the right answer is known: on stores of `pellucid synthetic`.

    pip install torch==2.15.0 numpy==2.4.6 safetensors==0.8.0 sae-lens==6.54.12
    python scripts/synthetic_peers.py check DICTIONARY STORE
    python scripts/synthetic_peers.py train STORE --kind topk --k 7 --seed 0 --out DIR
    python scripts/synthetic_peers.py compare STORE HELD_OUT --pellucid pellucid --out DIR

Each prints JSON. `check` asks SAELens's own metric functions what a dictionary finds of the features
beside a store, whoever trained it. Where `pellucid evaluate` was run on the same store before, its
evaluation.json must agree to 1e-5.

`train` trains a dictionary with SAELens's own trainer on the activations of a store, drawn without
replacement, epoch after epoch. DIR gets the dictionary as SAELens keeps one.

`compare` trains every kind with both, with the same activations, batches, latents, learning rate,
warm-up and decay, on so many seeds, and asks `check` about all of them on another store of the same
features. Where sparsity costs something, each trainer's weight of it is first set so that seed 0 has
as many latents an activation as there are features, to a twentieth (`--l1`, `--gated-l1` and `--l0`
are where that begins). What SAELens has no default in common for stays as it has it: its AuxK, its
initialisation. A line a kind and trainer: that weight, mean and standard deviation over seeds.
"""

import argparse
import json
import math
import statistics
import subprocess
from pathlib import Path

import torch
from dictionary_peers import activations, drawn, in_batches, print_json
from safetensors.torch import load_file

LAYER = "synthetic"
KINDS = ("relu", "topk", "batch-topk", "jumprelu", "gated", "matryoshka")
# Decoder's and encoder's products at a time.
BATCH = 4096
# What both say, to this.
TOLERANCE = 1e-5
FIGURES = ("f1", "mcc", "normalized_mse", "l0", "dead_share")
# What a latent costs, of the kinds where it costs something.
WEIGHTS = {"relu": "l1", "jumprelu": "l0", "gated": "gated_l1"}
# How near as many latents as features are, and how often that is tried.
NEAR, TRIES = 0.05, 7


# What SAELens says of a dictionary.


def true_values(store, features):
    """The features' values, shard by shard, `[activations, features]`."""
    for path in sorted((store / "truth").glob("*.safetensors")):
        kept = load_file(path)
        ends = kept["ends"].long()
        counts = torch.diff(ends, prepend=torch.zeros(1, dtype=torch.int64))
        rows = torch.repeat_interleave(torch.arange(len(ends)), counts)
        values = torch.zeros(len(ends), features)
        values[rows, kept["features"].long()] = kept["values"]
        yield values


@torch.no_grad()
def checked(dictionary, store):
    from sae_lens import SAE
    from sae_lens.synthetic.evals import (
        ClassificationMetricsCalculator,
        DeadLatentsCalculator,
        L0Calculator,
        ShrinkageCalculator,
        feature_uniqueness,
        mean_correlation_coefficient,
    )

    sae = SAE.load_from_disk(dictionary, device="cpu")
    directions = load_file(store / "truth.safetensors")["directions"]
    examples, _ = activations(store, LAYER)
    latents = sae.cfg.d_sae
    classes = ClassificationMetricsCalculator(sae.W_dec, directions)
    dead, l0, true_l0, shrinkage = (
        DeadLatentsCalculator(latents), L0Calculator(), L0Calculator(), ShrinkageCalculator()
    )
    mean = examples.double().mean(0)
    errors, distances, begin = 0.0, 0.0, 0
    for values in true_values(store, len(directions)):
        rows = examples[begin : begin + len(values)]
        begin += len(values)
        pairs = zip(in_batches(rows, BATCH), values.split(BATCH), strict=True)
        for batch, true in pairs:
            codes = sae.encode(batch)
            made = sae.decode(codes)
            classes.add_batch(codes, true)
            dead.add_batch(codes)
            l0.add_batch(codes)
            true_l0.add_batch(true)
            shrinkage.add_batch(made, batch)
            errors += (batch.double() - made.double()).square().sum().item()
            distances += (batch.double() - mean).square().sum().item()
    found = classes.compute()
    return {
        "f1": found.f1_score,
        "precision": found.precision,
        "recall": found.recall,
        "mcc": mean_correlation_coefficient(sae.W_dec, directions),
        "uniqueness": feature_uniqueness(sae.W_dec, directions),
        "shrinkage": shrinkage.compute(),
        "true_l0": true_l0.compute(),
        "l0": l0.compute(),
        "dead_share": dead.compute() / latents,
        "normalized_mse": errors / distances,
    }


def check(options):
    theirs = checked(options.dictionary, options.store)
    print_json(**theirs)
    path = options.dictionary / "evaluation.json"
    if not path.is_file():
        return
    ours = json.loads(path.read_text())
    ours |= ours["truth"]
    worst = max(theirs, key=lambda name: abs(theirs[name] - ours[name]) / max(1, theirs[name]))
    difference = abs(theirs[worst] - ours[worst]) / max(1, theirs[worst])
    print_json(most_different=worst, difference=difference)
    if TOLERANCE < difference:
        raise SystemExit(f"{worst} is {ours[worst]} in {path}, {theirs[worst]} for SAELens")


# Trained by SAELens.


def settings(kind, channels, options):
    """SAELens's configuration of a kind."""
    from sae_lens import (
        BatchTopKTrainingSAEConfig,
        GatedTrainingSAEConfig,
        JumpReLUTrainingSAEConfig,
        MatryoshkaBatchTopKTrainingSAEConfig,
        StandardTrainingSAEConfig,
        TopKTrainingSAEConfig,
    )

    rise = options.sparsity_warm_up
    of_kind = {
        "relu": (
            StandardTrainingSAEConfig, {"l1_coefficient": options.l1, "l1_warm_up_steps": rise}
        ),
        "topk": (TopKTrainingSAEConfig, {"k": options.k}),
        "batch-topk": (BatchTopKTrainingSAEConfig, {"k": options.k}),
        "jumprelu": (
            JumpReLUTrainingSAEConfig,
            {
                "l0_coefficient": options.l0,
                "l0_warm_up_steps": rise,
                "jumprelu_bandwidth": options.bandwidth,
            },
        ),
        "gated": (
            GatedTrainingSAEConfig,
            {"l1_coefficient": options.gated_l1, "l1_warm_up_steps": rise},
        ),
        "matryoshka": (
            MatryoshkaBatchTopKTrainingSAEConfig,
            {"k": options.k, "matryoshka_widths": [*options.prefixes, options.latents]},
        ),
    }
    config, own = of_kind[kind]
    return config(
        d_in=channels,
        d_sae=options.latents,
        normalize_activations="expected_average_only_in",
        **own,
    )


def trained(kind, seed, out, options):
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.saes.sae import TrainingSAE
    from sae_lens.training.sae_trainer import SAETrainer

    torch.manual_seed(seed)
    examples, _ = activations(options.store, LAYER)
    sae = TrainingSAE.from_dict(settings(kind, examples.shape[1], options).to_dict())
    steps = options.thousands * 1000 // options.batch
    config = SAETrainerConfig(
        total_training_samples=steps * options.batch,
        train_batch_size_samples=options.batch,
        lr=options.learning_rate,
        lr_end=0.0,
        lr_warm_up_steps=options.warm_up,
        lr_decay_steps=round(options.decay * steps),
        n_batches_for_norm_estimate=16,
        logger=LoggingConfig(log_to_wandb=False),
    )
    random = torch.Generator().manual_seed(seed)
    batches = drawn(examples, options.batch, random)
    SAETrainer(cfg=config, sae=sae, data_provider=batches).fit()
    sae.save_inference_model(out)


def train(options):
    trained(options.kind, options.seed, options.out, options)


# Both, side by side.


def ours(kind, seed, out, options):
    """Trained by `pellucid train`."""
    own = {
        "relu": {"l1": options.l1},
        "topk": {"k": options.k},
        "batch-topk": {"k": options.k},
        "jumprelu": {"l0": options.l0, "bandwidth": options.bandwidth},
        "gated": {"l1": options.gated_l1},
        "matryoshka": {"k": options.k, "prefixes": options.prefixes},
    }[kind]
    own |= {
        "kind": "batch-topk" if kind == "matryoshka" else kind,
        "latents": options.latents,
        "batch": options.batch,
        "thousands": options.thousands,
        "learning_rate": options.learning_rate,
        "warm_up": options.warm_up,
        "decay": options.decay,
        "sparsity_warm_up": options.sparsity_warm_up,
        "seed": seed,
    }
    chosen = [word for pair in own.items() for word in ("--set", "=".join(map(str, pair)))]
    call = [options.pellucid, "train", options.store, *chosen, "--seeds", "1", "--out", out]
    subprocess.run([str(word) for word in call], check=True, capture_output=True)
    return next(path.parent for path in sorted(out.rglob("cfg.json")))


def theirs(kind, seed, out, options):
    """Trained by SAELens."""
    trained(kind, seed, out, options)
    return out


def weighed(kind, weight, options):
    changed = {} if weight is None else {WEIGHTS[kind]: weight}
    return argparse.Namespace(**{**vars(options), **changed})


def matched(kind, train, out, options):
    """The weight at which there are as many latents as features. What costs more is used less, about
    as a power of what it costs."""
    if kind not in WEIGHTS:
        return None
    weight, power, before = getattr(options, WEIGHTS[kind]), -1.0, None
    for turn in range(TRIES):
        folder = train(kind, 0, out / f"{kind}-try-{turn}", weighed(kind, weight, options))
        found = checked(folder, options.held_out)
        off = math.log(max(found["l0"], 1e-3) / found["true_l0"])
        if abs(off) < NEAR:
            break
        if before and before[1] != off:
            power = (off - before[1]) / math.log(weight / before[0])
        before = weight, off
        step = -off / power if power < 0 else math.copysign(0.5, off)
        weight *= math.exp(max(-1.5, min(1.5, step)))
    return weight


def compare(options):
    for kind in options.kinds:
        for trainer, train in (("SAELens", theirs), ("Pellucid", ours)):
            out = options.out / trainer.lower()
            weight = matched(kind, train, out, options)
            found = []
            for seed in range(options.seeds):
                made = train(kind, seed, out / f"{kind}-{seed}", weighed(kind, weight, options))
                found.append(checked(made, options.held_out))
            spread = statistics.stdev if 1 < options.seeds else lambda _: 0.0
            of = {name: [one[name] for one in found] for name in FIGURES}
            row = {name: [round(statistics.mean(values), 4), round(spread(values), 4)]
                   for name, values in of.items()}
            print_json(kind=kind, trainer=trainer, seeds=options.seeds, weight=weight, **row)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    for name, kind, default in (
        ("k", int, 7),
        ("l1", float, 5.0),
        ("gated-l1", float, 5.0),
        ("l0", float, 0.5),
        ("bandwidth", float, 0.5),
        ("latents", int, 1024),
        ("batch", int, 1024),
        ("thousands", int, 1000),
        ("learning-rate", float, 1e-3),
        ("warm-up", int, 50),
        ("decay", float, 0.2),
        ("sparsity-warm-up", int, 100),
        ("threads", int, 1),
    ):
        shared.add_argument(f"--{name}", type=kind, default=default)
    shared.add_argument("--prefixes", type=int, nargs="+", default=[64, 256])

    verb = verbs.add_parser("check", help="ask SAELens what a dictionary finds")
    verb.add_argument("dictionary", type=Path)
    verb.add_argument("store", type=Path)
    verb.add_argument("--threads", type=int, default=1)
    verb.set_defaults(run=check)

    verb = verbs.add_parser("train", parents=[shared], help="train one with SAELens")
    verb.add_argument("store", type=Path)
    verb.add_argument("--kind", choices=KINDS, required=True)
    verb.add_argument("--seed", type=int, default=0)
    verb.add_argument("--out", type=Path, required=True)
    verb.set_defaults(run=train)

    verb = verbs.add_parser("compare", parents=[shared], help="train all with both")
    verb.add_argument("store", type=Path)
    verb.add_argument("held_out", type=Path)
    verb.add_argument("--kinds", choices=KINDS, nargs="+", default=KINDS)
    verb.add_argument("--seeds", type=int, default=5)
    verb.add_argument("--pellucid", default="pellucid", help="the command")
    verb.add_argument("--out", type=Path, required=True)
    verb.set_defaults(run=compare)
    return parser.parse_args()


def main():
    options = parsed()
    torch.set_num_threads(options.threads)
    options.run(options)


if __name__ == "__main__":
    main()
