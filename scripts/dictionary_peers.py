"""Dictionaries trained and read by others: what `pellucid train` and `evaluate` are compared with.

    pip install torch==2.15.0 numpy==2.4.6 safetensors==0.8.0
    pip install sae-lens==6.54.12   # `check` and `rewrite` need it
    python scripts/dictionary_peers.py train STORE --layer blocks.10 --kind topk --k 32 \\
        --latents 1024 --batch 1024 --thousands 2000 --learning-rate 3e-3 --seed 0 --out DIR
    python scripts/dictionary_peers.py check DICTIONARY STORE --layer blocks.10
    python scripts/dictionary_peers.py rewrite DICTIONARY STORE --layer blocks.10 \\
        --matching-pursuit 32 --out DIR
    python scripts/dictionary_peers.py speed --channels 768 --latents 24576 --k 32 --batch 4096 \\
        --steps 5

Each prints one line of JSON. `train` makes a dictionary in plain PyTorch, with automatic
differentiation and torch.optim.Adam. It follows the same recipe as `pellucid train`, by the same
names and defaults, and shares no code with it: every gradient is PyTorch's own but those of the
jump and of `sparse` (below). It has no `by_norm`, `logarithmic`, `auxk_normalized`, `ghosts`,
`resample_every` or `drawn_prefixes`; `centred` and `scaled` are always on, and `unit_norm` but for
archetypal decoders, of as many points as latents. Activations are drawn without replacement, epoch after epoch, from a seed that is also that of the first numbers. They are
held in memory. DIR gets the dictionary as SAELens keeps one, which `pellucid evaluate` opens.

`check` asks SAELens what it makes of a dictionary that `pellucid train` wrote. `rewrite` has SAELens
write it anew, encoded by matching pursuit or with activations normalized first, and asks the same:
`pellucid evaluate` must find the same of what it wrote. All three print

    normalized_mse   squared errors over squared distances from the mean, each summed over the store
    l0               latents that an activation has in the mean
    dead_share       part of the latents that no activation of the store has

`speed` times steps of a TopK dictionary without AuxK on noise in memory, in three formulations of
the same gradient: `dense` multiplies a matrix of all latents by the decoder, `bag` sums the rows of
the decoder that are in use, and `sparse` does so in the encoder's gradient as well.
"""

import argparse
import dataclasses
import json
import math
import os
import time
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

KINDS = ("topk", "batch-topk", "jumprelu", "gated", "relu")
FORMULATIONS = ("dense", "bag", "sparse")
# Activations that the scale is measured on, and that latents begin as, at least.
SAMPLE = 1 << 14
# Activations that the encoder's length is fitted on.
FITTED = 512
# How much a batch's smallest kept value counts in the running mean that becomes the threshold.
THRESHOLD_MOMENTUM = 0.1
# Values of latents that are held at a time where nothing is trained.
AT_ONCE = 1 << 24


# The store, as docs/shards.md has it.


def activations(store, layer):
    """All activations of a layer, `[activations, channels]`, and what the store is.

    They stay in half precision where they are stored so.
    """
    about = json.loads((store / "store.json").read_text())
    places = {
        name: (array, place)
        for array, kept in enumerate(about["arrays"])
        for place, name in enumerate(kept["layers"])
    }
    if layer not in places:
        raise SystemExit(f"{store} has no layer {layer!r}, only {', '.join(places)}")
    array, place = places[layer]
    kept = about["arrays"][array]
    dtype = {"f32": "<f4", "f16": "<f2", "bf16": "<u2"}[about["dtype"]]
    parts = []
    records = [path for path in (store / "shards").glob("*.json") if path.stem.isdigit()]
    for path in sorted(records, key=lambda path: int(path.stem)):
        record = json.loads(path.read_text())
        shape = (record["examples"], len(kept["layers"]), kept["tokens"], kept["channels"])
        data = path.with_name(record["arrays"][array]["path"])
        numbers = np.memmap(data, dtype=dtype, mode="r", shape=shape)
        readable = np.ones(record["examples"], bool)
        readable[[number - record["first"] for number in record["unreadable"]]] = False
        parts.append(numbers[readable, place].reshape(-1, kept["channels"]))
    if not parts:
        raise SystemExit(f"{store} has no shards yet")
    numbers = np.concatenate(parts)
    if about["dtype"] == "bf16":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    return torch.from_numpy(numbers), about


def in_batches(examples, size):
    """In single precision, in order."""
    for batch in examples.split(size):
        yield batch.float()


def drawn(examples, size, random):
    """Batches for ever: every activation once an epoch; an epoch may end within a batch."""
    left = torch.empty(0, dtype=torch.int64)
    while True:
        while len(left) < size:
            left = torch.cat([left, torch.randperm(len(examples), generator=random)])
        now, left = left[:size], left[size:]
        yield examples[now].float()


# What a dictionary computes.


class Jump(torch.autograd.Function):
    """Values above a threshold, and whether they are.

    A jump has no slope. It is taken for a ramp of the bandwidth's width around the threshold
    (Rajamanoharan et al. 2024, arXiv:2407.14435, section 4).
    """

    @staticmethod
    def forward(ctx, pre, threshold, bandwidth):
        fires = (threshold < pre).to(pre)
        ctx.save_for_backward(pre, threshold, fires)
        ctx.bandwidth = bandwidth
        return pre * fires, fires

    @staticmethod
    def backward(ctx, of_values, of_fires):
        pre, threshold, fires = ctx.saved_tensors
        ramp = ((pre - threshold).abs() < ctx.bandwidth / 2).to(pre) / ctx.bandwidth
        of_threshold = -(ramp * (threshold * of_values + of_fires)).sum(0)
        return of_values * fires, of_threshold, None


class SparseTopK(torch.autograd.Function):
    """The largest latents of each example, and which they are.

    The product is computed in full, but its gradient only where a latent is in use: a matrix
    `[latents, examples]` of few numbers times the examples.
    """

    @staticmethod
    def forward(ctx, examples, encoder, bias, k):
        values, places = F.linear(examples, encoder, bias).topk(k, sorted=False)
        ctx.save_for_backward(examples, places)
        ctx.latents = len(encoder)
        ctx.mark_non_differentiable(places)
        return values, places

    @staticmethod
    def backward(ctx, of_values, _):
        examples, places = ctx.saved_tensors
        count, k = places.shape
        latent, order = places.flatten().sort(stable=True)
        slopes = of_values.flatten()[order]
        ends = torch.bincount(latent, minlength=ctx.latents).cumsum(0)
        rows = torch.cat([ends.new_zeros(1), ends])
        shape = (ctx.latents, count)
        by_latent = torch.sparse_csr_tensor(rows, order // k, slopes, shape, check_invariants=False)
        of_bias = slopes.new_zeros(ctx.latents).index_add_(0, latent, slopes)
        return None, by_latent @ examples, of_bias, None


class Dictionary(torch.nn.Module):
    """`encoder` and `decoder` are `[latents, channels]`."""

    def __init__(self, kind, channels, latents, k=0, bandwidth=0.5, formulation="sparse",
                 archetypal=False):
        super().__init__()
        self.kind, self.k, self.bandwidth, self.formulation = kind, k, bandwidth, formulation
        # BatchTopK has a batch in training, and a threshold afterwards.
        self.trains = True

        def numbers(*shape):
            return torch.nn.Parameter(torch.zeros(shape))

        self.encoder, self.encoder_bias = numbers(latents, channels), numbers(latents)
        self.decoder_bias = numbers(channels)
        self.archetypal = archetypal
        if archetypal:
            # The decoder is made of these before each step.
            self.weights, self.relaxation = numbers(latents, latents), numbers(latents, channels)
            self.scale = numbers(1)
            self.register_buffer("points", torch.zeros(latents, channels))
            self.decoder = self.made_of_points()
        else:
            self.decoder = numbers(latents, channels)
        if kind == "jumprelu":
            self.threshold = numbers(latents)
        if kind == "batch-topk":
            self.register_buffer("threshold", torch.zeros(latents))
        if kind == "gated":
            self.magnitude_scale, self.magnitude_bias = numbers(latents), numbers(latents)

    def made_of_points(self):
        """The decoder of Fel et al. 2025 (arXiv:2502.12892)."""
        return self.scale.exp() * (self.weights @ self.points + self.relaxation)

    def centred(self, examples):
        """Examples less the decoder's bias, and what has to be added to the encoder's bias: zeros.

        The decoder's bias has its gradient by way of those, which is a product with one vector,
        where by way of the examples it would be one with as many as there are examples.
        """
        bias = self.decoder_bias.detach()
        return examples - bias, -(self.encoder.detach() @ (self.decoder_bias - bias))

    def forward(self, examples):
        """The latents, the reconstruction, and what `loss` needs besides."""
        examples, shift = self.centred(examples)
        bias = self.encoder_bias + shift
        found = {}
        if self.kind == "topk" and self.formulation == "sparse":
            values, places = SparseTopK.apply(examples, self.encoder, bias, self.k)
            return self.few(values.relu(), places)
        if self.kind == "gated":
            product = F.linear(examples, self.encoder, shift)
            gate = product + self.encoder_bias
            magnitude = product * self.magnitude_scale.exp() + self.magnitude_bias
            latents = magnitude.relu() * (0 < gate).to(gate)
            found = {"gates": gate.relu()}
        else:
            pre = F.linear(examples, self.encoder, bias)
            if self.kind == "topk":
                return self.few(*self.largest(pre))
            if self.kind == "relu":
                latents = pre.relu()
            elif self.kind == "jumprelu":
                latents, fires = Jump.apply(pre, self.threshold.relu(), self.bandwidth)
                found = {"fires": fires}
            elif self.trains:
                latents, found = self.largest_of_batch(pre)
            else:
                latents = pre * (self.threshold < pre).to(pre)
        reconstruction = latents @ self.decoder + self.decoder_bias
        return {"latents": latents, "reconstruction": reconstruction, **found}

    def largest(self, pre):
        values, places = pre.topk(self.k, sorted=False)
        return values.relu(), places

    def largest_of_batch(self, pre):
        latents = pre.relu()
        flat = latents.flatten()
        count = self.k * len(pre)
        places = flat.detach().topk(count, sorted=False).indices
        values = flat[places]
        kept = torch.zeros_like(flat).scatter(0, places, values).view_as(latents)
        positive = values.detach()[0 < values.detach()]
        return kept, {"least": positive.min().item() if len(positive) else None}

    def few(self, values, places):
        """Decodes so many latents of each example."""
        if self.formulation == "dense":
            latents = self.all_latents({"values": values, "places": places})
            reconstruction = latents @ self.decoder
        else:
            reconstruction = F.embedding_bag(
                places, self.decoder, per_sample_weights=values, mode="sum"
            )
        reconstruction = reconstruction + self.decoder_bias
        return {"values": values, "places": places, "reconstruction": reconstruction}

    def all_latents(self, found):
        if "places" not in found:
            return found["latents"]
        values = found["values"]
        latents = values.new_zeros(len(values), len(self.decoder))
        return latents.scatter(1, found["places"], values)

    def fired(self, found):
        """In how many examples each latent fires."""
        if "places" in found:
            fires = 0 < found["values"]
            return torch.bincount(found["places"][fires], minlength=len(self.decoder))
        return (0 < found["latents"]).sum(0)

    def revived(self, examples, dead, k):
        """What the largest of the dead latents make of examples, without the decoder's bias."""
        examples, shift = self.centred(examples)
        bias = (self.encoder_bias + shift)[dead]
        pre = F.linear(examples, self.encoder[dead], bias)
        values, places = pre.topk(min(k, len(dead)), sorted=False)
        latents = torch.zeros_like(pre).scatter(1, places, values.relu())
        return latents @ self.decoder[dead]

    def loss(self, examples, options, dead, part):
        """What training makes small, and what the latents were.

        `dead` are those that AuxK brings back, `part` is how much of its cost sparsity has yet.
        """

        def squares(error):
            return error.square().sum() / len(examples)

        found = self(examples)
        loss = squares(found["reconstruction"] - examples)
        if options.prefixes:
            latents = self.all_latents(found)
            made, begin = self.decoder_bias, 0
            for end in options.prefixes:
                made = made + latents[:, begin:end] @ self.decoder[begin:end]
                loss, begin = loss + squares(made - examples), end
        if self.kind == "relu":
            loss = loss + part * options.l1 * found["latents"].sum() / len(examples)
        if self.kind == "jumprelu":
            loss = loss + part * options.l0 * found["fires"].sum() / len(examples)
        if self.kind == "gated":
            gates = found["gates"]
            alone = gates @ self.decoder.detach() + self.decoder_bias.detach()
            penalty = part * options.l1 * gates.sum() / len(examples)
            loss = loss + squares(alone - examples) + penalty
        if 0 < options.auxk and 0 < len(dead):
            left = (examples - found["reconstruction"]).detach()
            missed = squares(self.revived(examples, dead, options.auxk) - left)
            loss = loss + options.auxk_coefficient * missed
        return loss, found


# Training.


@torch.no_grad()
def begin(dictionary, sample, options, random):
    """Latents begin as activations with some noise; the encoder is as long as explains best."""
    latents, channels = dictionary.decoder.shape
    mean = sample.mean(0, dtype=torch.float64).float()
    order = torch.randperm(len(sample), generator=random)
    again = torch.randint(len(sample), (max(0, latents - len(sample)),), generator=random)
    points = sample[torch.cat([order[:latents], again])] - mean
    noise = torch.randn(latents, channels, generator=random)
    share = options.from_data
    rows = share * F.normalize(points, dim=1) + (1 - share) * F.normalize(noise, dim=1)
    dictionary.decoder_bias.copy_(mean)
    if dictionary.archetypal:
        dictionary.points.copy_(centroids(sample - mean, latents))
        dictionary.weights.copy_(torch.eye(latents))
        dictionary.scale.fill_(-dictionary.points.norm(dim=1).mean().log())
        dictionary.decoder = dictionary.made_of_points()
    else:
        dictionary.decoder.copy_(F.normalize(rows, dim=1))
    dictionary.encoder.copy_(dictionary.decoder)
    if dictionary.kind == "jumprelu":
        dictionary.threshold.fill_(options.first_threshold)
    some = sample[:FITTED]
    made, wanted = dictionary(some)["reconstruction"] - mean, some - mean
    along, length = (made * wanted).sum(), made.square().sum()
    if 0 < along and 0 < length:
        dictionary.encoder.mul_(along / length)


def centroids(points, count):
    """Lloyd's k-means; a centroid that loses all of its points stays."""
    made = points[:count].clone()
    for _ in range(10):
        nearest = torch.cdist(points, made).argmin(1)
        sums = torch.zeros_like(made).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=count)[:, None]
        made = torch.where(0 < counts, sums / counts.clamp_min(1), made)
    return made


def move(dictionary, adam, options):
    """A step of Adam that leaves decoder rows at length 1, or near convex combinations of points.

    Gradients are there already.
    """
    if dictionary.archetypal:
        norm = torch.nn.utils.clip_grad_norm_(dictionary.parameters(), options.clip)
        adam.step()
        with torch.no_grad():
            weights, relaxation = dictionary.weights, dictionary.relaxation
            weights.clamp_(min=0).div_(weights.sum(1, keepdim=True).clamp_min(1e-12))
            lengths = relaxation.norm(dim=1, keepdim=True).clamp_min(1e-12)
            relaxation.mul_((options.relaxation / lengths).clamp(max=1))
        dictionary.decoder = dictionary.made_of_points()
        return norm
    decoder = dictionary.decoder
    with torch.no_grad():
        slope = decoder.grad
        slope.addcmul_((slope * decoder).sum(1, keepdim=True), decoder, value=-1)
    norm = torch.nn.utils.clip_grad_norm_(dictionary.parameters(), options.clip)
    adam.step()
    with torch.no_grad():
        decoder.div_(decoder.norm(dim=1, keepdim=True).clamp_min(1e-12))
    return norm


def rate(step, steps, options):
    """The learning rate of a step, counted from 0."""
    rise = (step + 1) / max(1, options.warm_up)
    left = (steps - step) / max(1, options.decay * steps)
    return options.learning_rate * min(1, rise) * min(1, left)


def train(options):
    examples, about = activations(options.store, options.layer)
    channels = examples.shape[1]
    latents = options.latents or options.expansion * channels
    if options.l1 is None:
        options.l1 = 20.0 if options.kind == "gated" else 5.0
    if options.auxk is None:
        options.auxk = 0 if options.kind == "gated" else max(1, min(channels // 2, latents))
    random = torch.Generator().manual_seed(options.seed)
    batches = drawn(examples, options.batch, random)
    sample = next(drawn(examples, min(max(latents, SAMPLE), len(examples)), random))
    scale = math.sqrt(channels) / sample.norm(dim=1).mean(dtype=torch.float64).item()
    dictionary = Dictionary(
        options.kind, channels, latents, options.k, options.bandwidth, options.formulation,
        options.archetypal,
    )
    begin(dictionary, sample * scale, options, random)
    adam = torch.optim.Adam(dictionary.parameters(), betas=(0.9, 0.999), eps=1e-8, fused=True)
    steps = -(-1000 * options.thousands // options.batch)
    if options.warm_up is None:
        options.warm_up = min(500, steps // 20)
    if options.sparsity_warm_up is None:
        options.sparsity_warm_up = min(1000, steps // 10)
    if options.dead_after is None:
        options.dead_after = min(1_000_000, 50 * options.thousands)
    silent = torch.zeros(latents, dtype=torch.int64)

    if dictionary.archetypal:
        dictionary.decoder = dictionary.made_of_points()
    began = time.perf_counter()
    for step in range(steps):
        batch = next(batches) * scale
        dead = (options.dead_after <= silent).nonzero().flatten()
        part = min(1, (step + 1) / max(1, options.sparsity_warm_up))
        adam.param_groups[0]["lr"] = rate(step, steps, options)
        adam.zero_grad()
        loss, found = dictionary.loss(batch, options, dead, part)
        loss.backward()
        norm = move(dictionary, adam, options)
        if not (loss.isfinite() and norm.isfinite()):
            raise SystemExit(f"step {step}: the loss is {loss.item()}, its gradient {norm.item()}")
        with torch.no_grad():
            silent = torch.where(dictionary.fired(found) == 0, silent + len(batch), 0)
            if found.get("least") is not None:
                momentum = THRESHOLD_MOMENTUM if step else 1.0
                dictionary.threshold += momentum * (found["least"] - dictionary.threshold)
    seconds = time.perf_counter() - began

    unscaled(dictionary, scale)
    write(dictionary, about, options)
    print_json(
        kind=options.kind,
        prefixes=options.prefixes,
        archetypal=options.archetypal,
        seed=options.seed,
        steps=steps,
        **measured(examples, latents, lambda some: coded(dictionary, some)),
        seconds=round(seconds, 2),
        activations_per_second=round(steps * options.batch / seconds),
        threads=torch.get_num_threads(),
    )


@torch.no_grad()
def unscaled(dictionary, scale):
    """Makes a dictionary of scaled activations one of activations as they are."""
    dictionary.trains = False
    if dictionary.kind == "jumprelu":
        dictionary.threshold.clamp_(min=0)
    for name in ("encoder_bias", "decoder_bias", "threshold", "magnitude_bias"):
        if hasattr(dictionary, name):
            getattr(dictionary, name).div_(scale)


def write(dictionary, about, options):
    """As SAELens keeps one."""
    from safetensors.torch import save_file

    gated = dictionary.kind == "gated"
    tensors = {
        "W_enc": dictionary.encoder.T,
        "W_dec": dictionary.decoder,
        "b_dec": dictionary.decoder_bias,
        "b_gate" if gated else "b_enc": dictionary.encoder_bias,
    }
    if gated:
        tensors |= {"r_mag": dictionary.magnitude_scale, "b_mag": dictionary.magnitude_bias}
    if dictionary.kind in ("batch-topk", "jumprelu"):
        tensors["threshold"] = dictionary.threshold
    latents, channels = dictionary.decoder.shape
    others = {"relu": "standard", "batch-topk": "jumprelu"}
    config = {
        "architecture": others.get(dictionary.kind, dictionary.kind),
        "d_in": channels,
        "d_sae": latents,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"model_name": about["model"], "hook_name": options.layer},
    }
    if dictionary.kind == "topk":
        config |= {"k": dictionary.k, "rescale_acts_by_decoder_norm": False}
    options.out.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: tensor.detach().contiguous() for name, tensor in tensors.items()},
        options.out / "sae_weights.safetensors",
    )
    (options.out / "cfg.json").write_text(json.dumps(config, indent=2) + "\n")


# What a dictionary is worth.


def coded(dictionary, examples):
    """The reconstruction, and in how many examples each latent fires."""
    found = dictionary(examples)
    return found["reconstruction"], dictionary.fired(found)


@torch.no_grad()
def measured(examples, latents, code):
    """Over all activations of a store. `code` gives reconstructions, and how often latents fire."""
    size = max(1, AT_ONCE // latents)
    count, channels = examples.shape
    mean = torch.zeros(channels, dtype=torch.float64)
    for batch in in_batches(examples, size):
        mean += batch.double().sum(0) / count
    errors, distances = 0.0, 0.0
    fired = torch.zeros(latents, dtype=torch.int64)
    for batch in in_batches(examples, size):
        reconstruction, counts = code(batch)
        errors += (batch.double() - reconstruction.double()).square().sum().item()
        distances += (batch.double() - mean).square().sum().item()
        fired += counts
    return {
        "normalized_mse": errors / distances,
        "l0": fired.sum().item() / count,
        "dead_share": (fired == 0).float().mean().item(),
    }


def check(options):
    from sae_lens import SAE

    examples, _ = activations(options.store, options.layer)
    sae = SAE.load_from_disk(options.dictionary, device="cpu")

    def code(batch):
        latents = sae.encode(batch)
        return sae.decode(latents), (0 < latents).sum(0)

    figures = measured(examples, sae.cfg.d_sae, code)
    print_json(**figures, architecture=sae.cfg.architecture())


# Kinds that `pellucid train` does not make.


def rewrite(options):
    """One of ours as SAELens writes it, with another encoder or with examples normalized first."""
    from sae_lens import SAE
    from sae_lens.saes.matching_pursuit_sae import MatchingPursuitSAE, MatchingPursuitSAEConfig

    ours = SAE.load_from_disk(options.dictionary, device="cpu")
    if options.matching_pursuit is None:
        config = dataclasses.replace(ours.cfg, normalize_activations=options.normalize)
        theirs = type(ours)(config)
        theirs.load_state_dict(ours.state_dict())
    else:
        config = MatchingPursuitSAEConfig(
            d_in=ours.cfg.d_in,
            d_sae=ours.cfg.d_sae,
            apply_b_dec_to_input=ours.cfg.apply_b_dec_to_input,
            normalize_activations=options.normalize,
            metadata=ours.cfg.metadata,
            max_iterations=options.matching_pursuit,
            residual_threshold=options.residual,
            stop_on_duplicate_support=options.until_repeated,
        )
        theirs = MatchingPursuitSAE(config)
        theirs.W_dec.data, theirs.b_dec.data = ours.W_dec.data, ours.b_dec.data
    theirs.save_model(options.out)
    options.dictionary = options.out
    check(options)


def golden(options):
    """A TopK dictionary as OpenAI's sparse_autoencoder keeps one, and what it gives."""

    def numbers(first, *shape):
        places = torch.arange(math.prod(shape), dtype=torch.float64) + first
        return torch.sin(0.7 * places).float().reshape(shape)

    channels, latents, k = 4, 6, 2
    encoder, decoder = numbers(0, latents, channels), numbers(100, channels, latents)
    pre_bias, latent_bias = 0.1 * numbers(200, channels), 0.1 * numbers(300, latents)
    examples = (5 * numbers(400, 3, channels) + 2).requires_grad_()
    mean, deviation = examples.mean(1, keepdim=True), examples.std(1, keepdim=True)
    pre = F.linear((examples - mean) / (deviation + 1e-5) - pre_bias, encoder, latent_bias)
    values, places = pre.topk(k)
    found = torch.zeros_like(pre).scatter(1, places, values.relu())
    reconstruction = (found @ decoder.T + pre_bias) * deviation + mean
    found[0, 1].backward(retain_graph=True)
    state = {
        "pre_bias": pre_bias,
        "latent_bias": latent_bias,
        "stats_last_nonzero": torch.zeros(latents, dtype=torch.int64),
        "encoder.weight": encoder,
        "decoder.weight": decoder,
        "activation": "TopK",
        "activation_state_dict": OrderedDict(k=k, postact_fn="ReLU"),
    }
    torch.save(OrderedDict(state), options.file)
    print_json(
        latents=found.tolist(),
        reconstruction=reconstruction.tolist(),
        slope=examples.grad[0].tolist(),
    )


def muon(options):
    """Where torch.optim.Muon goes in three steps, in single precision."""
    # What it multiplies in.
    torch.bfloat16 = torch.float32

    def numbers(first):
        return torch.sin(0.7 * (torch.arange(24, dtype=torch.float64) + first)).reshape(6, 4)

    values = torch.nn.Parameter(numbers(0).float())
    moving = torch.optim.Muon(
        [values], lr=0.1, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    for step in range(1, 4):
        values.grad = (numbers(100 * step) ** 3).float()
        moving.step()
    print_json(values=[round(value, 5) for value in values.flatten().tolist()])


# How fast.


def speed(options):
    random = torch.Generator().manual_seed(0)
    # More than one batch, so that none is still in a cache.
    shape = (options.batch, options.channels)
    batches = [torch.randn(shape, generator=random) for _ in range(3)]
    rates = {name: rate_of(name, batches, options) for name in options.formulations}
    fastest = max(rates, key=rates.get)
    print_json(
        channels=options.channels,
        latents=options.latents,
        k=options.k,
        batch=options.batch,
        steps=options.steps,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        formulations=rates,
        fastest=fastest,
        activations_per_second=rates[fastest],
    )


def rate_of(formulation, batches, options):
    """Activations in a second: the whole step, with Adam."""
    dictionary = Dictionary(
        "topk", options.channels, options.latents, options.k, formulation=formulation
    )
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        rows = torch.randn(options.latents, options.channels, generator=random)
        dictionary.decoder.copy_(F.normalize(rows, dim=1))
        dictionary.encoder.copy_(dictionary.decoder)
    adam = torch.optim.Adam(dictionary.parameters(), lr=4e-4, fused=True)
    for step in range(options.warm_up + options.steps):
        if step == options.warm_up:
            began = time.perf_counter()
        batch = batches[step % len(batches)]
        adam.zero_grad()
        found = dictionary(batch)
        ((found["reconstruction"] - batch).square().sum() / len(batch)).backward()
        move(dictionary, adam, options)
        dictionary.fired(found)
    return round(options.steps * options.batch / (time.perf_counter() - began))


def print_json(**figures):
    print(json.dumps(figures), flush=True)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--threads", type=int, default=os.cpu_count())

    verb = verbs.add_parser("train", parents=[shared], help="train one in PyTorch")
    verb.add_argument("store", type=Path)
    verb.add_argument("--layer", required=True)
    verb.add_argument("--kind", choices=KINDS, default="topk")
    verb.add_argument("--out", type=Path, required=True)
    verb.add_argument("--formulation", choices=FORMULATIONS, default="sparse", help="of topk")
    for name, kind, default in (
        ("k", int, 32),
        ("l1", float, None),
        ("l0", float, 0.5),
        ("bandwidth", float, 0.5),
        ("first-threshold", float, 0.01),
        ("latents", int, None),
        ("expansion", int, 16),
        ("auxk", int, None),
        ("auxk-coefficient", float, 1 / 32),
        ("dead-after", int, None),
        ("learning-rate", float, 1e-3),
        ("warm-up", int, None),
        ("decay", float, 0.2),
        ("sparsity-warm-up", int, None),
        ("clip", float, 1.0),
        ("from-data", float, 0.8),
        ("batch", int, 4096),
        ("thousands", int, 10_000),
        ("relaxation", float, 1.0),
        ("seed", int, 0),
    ):
        verb.add_argument(f"--{name}", type=kind, default=default)
    verb.add_argument("--prefixes", type=int, nargs="*", default=[], help="but for all latents")
    verb.add_argument("--archetypal", action="store_true")
    verb.set_defaults(run=train)

    verb = verbs.add_parser("check", parents=[shared], help="ask SAELens about one of ours")
    verb.add_argument("dictionary", type=Path)
    verb.add_argument("store", type=Path)
    verb.add_argument("--layer", required=True)
    verb.set_defaults(run=check)

    verb = verbs.add_parser("rewrite", parents=[shared], help="make SAELens write one of ours")
    verb.add_argument("dictionary", type=Path)
    verb.add_argument("store", type=Path)
    verb.add_argument("--layer", required=True)
    verb.add_argument("--out", type=Path, required=True)
    verb.add_argument("--matching-pursuit", type=int, metavar="ROUNDS")
    verb.add_argument("--residual", type=float, default=1e-2, help="of matching pursuit")
    verb.add_argument("--until-repeated", action="store_true", help="of matching pursuit")
    normalizations = ("none", "layer_norm", "constant_norm_rescale")
    verb.add_argument("--normalize", choices=normalizations, default="none")
    verb.set_defaults(run=rewrite)

    verb = verbs.add_parser("golden", parents=[shared], help="write a small file of OpenAI's kind")
    verb.add_argument("file", type=Path)
    verb.set_defaults(run=golden)

    verb = verbs.add_parser("muon", parents=[shared], help="three steps of torch.optim.Muon")
    verb.set_defaults(run=muon)

    verb = verbs.add_parser("speed", parents=[shared], help="time PyTorch's steps")
    for name, default in (
        ("channels", 768), ("latents", 24576), ("k", 32), ("batch", 4096), ("steps", 5)
    ):
        verb.add_argument(f"--{name}", type=int, default=default)
    verb.add_argument("--warm-up", type=int, default=2)
    verb.add_argument("--clip", type=float, default=1.0)
    verb.add_argument("--formulations", nargs="+", choices=FORMULATIONS, default=FORMULATIONS)
    verb.set_defaults(run=speed)
    return parser.parse_args()


def main():
    options = parsed()
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
    torch.set_num_threads(options.threads)
    options.run(options)


if __name__ == "__main__":
    main()
