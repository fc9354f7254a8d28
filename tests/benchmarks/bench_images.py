"""Speed of pretext training on images, next to what bounds it and to the usual pipeline."""

import argparse
import statistics
import subprocess
import sys
from itertools import cycle

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision import transforms
from torchvision.transforms import functional as TF

from sslboost.core.compute import autocast, products, uses_bfloat16
from sslboost.images import data
from sslboost.images.batches import MEAN, STD, augment, to_input
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.processor import ADVERSARIES, initial_processor
from sslboost.images.table.profiles import PROFILES
from sslboost.images.training import initial_network, one_cycle, train
from tests.benchmarks.bench_processor import row, timed

BATCH = 256
IMAGES = 20 * BATCH
ROTATION = PRETEXTS["rotation"]

#: Batches that two workers have ready before anybody asks: two each, prefetched.
READY = 4


class Rotated(Dataset):
    """The same task as it is usually written: one image at a time, through torchvision."""

    def __init__(self, images):
        self.images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        self.augment = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4, padding_mode="reflect"),
                transforms.RandomHorizontalFlip(),
            ]
        )
        self.standardise = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.augment(Image.fromarray(self.images[i]))
        turns = int(torch.randint(4, ()))
        return self.standardise(TF.rotate(image, 90 * turns)), turns


class Fed:
    """The training step of the package on batches that come from elsewhere."""

    def __init__(self, config, steps):
        self.network = initial_network(config, ROTATION.outputs, seed=0).train()
        self.network.to(memory_format=torch.channels_last)
        self.optimizer, self.schedule = one_cycle(self.network, config, steps)

    def step(self, inputs, targets):
        with autocast("cpu"):
            outputs = self.network(inputs)
        loss = ROTATION.loss(outputs.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()


def trained(images, config, steps):
    """Seconds of ``steps`` steps of the package's own training, its set-up included."""
    how = {"seed": 0, "progress": False}
    seconds, result = timed(lambda: train(images, ROTATION, config, **how))
    made = round(result.history[-1][0] * len(images) / config.batch)
    if made != steps:
        raise RuntimeError(f"{steps} steps were to be timed, {made} were made")
    return seconds


def stepped(config, steps, batches):
    """Seconds of ``steps`` steps on the next of ``batches``, the network's set-up included."""

    def run():
        fed = Fed(config, steps)
        for _ in range(steps):
            fed.step(*next(batches))

    return timed(run)[0]


def real_images(n=IMAGES):
    """The first ``n`` training images, in memory."""
    return torch.tensor(data.load().train_images[:n])


def for_steps(config, steps, images):
    """The same training, just so long that it makes ``steps`` steps."""
    return Config(
        config.widths,
        config.blocks,
        epochs=steps * config.batch / len(images),
        batch=config.batch,
        rate=config.rate,
        decay=config.decay,
        stride=config.stride,
        architecture=config.architecture,
    )


def pretext_step(steps=8, repetitions=5):
    """Rotation training of the laptop profile against steps on one batch that is ready."""
    images = real_images()
    config = for_steps(PROFILES["laptop"].ssl, steps, images)
    generator = torch.Generator().manual_seed(0)
    inputs, targets = ROTATION.draw(augment(images[: config.batch], generator), generator)
    fixed = cycle([(to_input(inputs), targets)])
    trained(images, config, steps), stepped(config, steps, fixed)
    rounds = [
        (trained(images, config, steps), stepped(config, steps, fixed)) for _ in range(repetitions)
    ]
    ours_s, peer_s = (statistics.median(column) / steps for column in zip(*rounds, strict=True))
    return row(
        f"pretext step of the laptop profile, batch {config.batch}",
        ours_s,
        "the same network on one fixed batch in memory",
        peer_s,
        "no loading and no augmentation",
        peer_s,
        "at least 0.9 times the throughput",
        peer_s >= 0.9 * ours_s,
        f"{peer_s / ours_s:.3f} times the throughput, {config.batch / ours_s:.0f} images a second "
        f"on {torch.get_num_threads()} threads",
    )


def pretext_pipeline(steps=16, repetitions=3):
    """Rotation training at width 16 against torchvision's transforms in a DataLoader."""
    images = real_images()
    config = for_steps(Config((16, 32, 64)), steps, images)
    loader = DataLoader(
        torch.utils.data.Subset(Rotated(images.numpy()), range((READY + steps) * config.batch)),
        batch_size=config.batch,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )
    network_s, loading_s = [], []

    def piped():
        batches = ((x.contiguous(memory_format=torch.channels_last), turns) for x, turns in loader)
        # What was prefetched while nothing was timed is used up first, and an epoch ends with the
        # last timed batch: the workers do nothing while the others are timed.
        ready = [next(batches) for _ in range(READY)]
        seconds = stepped(config, steps, batches)
        if next(batches, None) is not None:
            raise RuntimeError("the loader went on after the last timed batch")
        network_s.append(stepped(config, steps, cycle(ready)))
        batches = iter(loader)
        for _ in range(READY):
            next(batches)
        loading_s.append(timed(lambda: list(batches))[0])
        return seconds

    trained(images, config, steps), piped()
    network_s.clear(), loading_s.clear()
    rounds = [(trained(images, config, steps), piped()) for _ in range(repetitions)]
    ours_s, peer_s = (statistics.median(column) / steps for column in zip(*rounds, strict=True))
    limit_s, loading = (statistics.median(times) / steps for times in (network_s, loading_s))
    return row(
        f"pretext step at width 16, batch {config.batch}",
        ours_s,
        "torchvision transforms in a DataLoader of 2 workers, the same network",
        peer_s,
        "no loading and no augmentation",
        limit_s,
        "at least 3 times the throughput of the DataLoader",
        peer_s >= 3 * ours_s,
        f"{config.batch / ours_s:.0f} against {config.batch / peer_s:.0f} images a second, on "
        f"{torch.get_num_threads()} threads beside the workers; the network alone makes "
        f"{config.batch / limit_s:.0f}, the workers alone {config.batch / loading:.0f}",
    )


def workstation_step(steps=6, repetitions=3):
    """A step of the workstation profile on one thread, alone and beside two busy processes."""
    images = real_images()
    config = for_steps(PROFILES["workstation"].ssl, steps, images)
    _, both = flops(initial_network(config, ROTATION.outputs, seed=0), (3, 32, 32))
    trained(images, config, steps)
    alone_s = statistics.median(trained(images, config, steps) for _ in range(repetitions)) / steps
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        beside_s = min(trained(images, config, steps) for _ in range(repetitions)) / steps
    finally:
        for process in busy:
            process.kill()
            process.wait()
    rate = both * config.batch / alone_s / 1e9
    native = uses_bfloat16()
    return row(
        f"pretext step of the workstation profile, batch {config.batch}, one thread",
        alone_s,
        "the same beside two busy processes",
        beside_s,
        "300 GFLOP/s" if native else "300 GFLOP/s, where bfloat16 is native",
        both * config.batch / 300e9,
        "at least 300 GFLOP/s where bfloat16 is native; beside two busy processes at most 3 times "
        "as long",
        beside_s <= 3 * alone_s and (rate >= 300 or not native),
        f"{rate:.0f} GFLOP/s in {products()}, {config.batch / alone_s:.0f} images a second",
    )


BENCHMARKS = (pretext_step, pretext_pipeline, workstation_step)


def flops(module, shape):
    """Floating-point operations per example: (forward, forward and backward).

    Counted at batch 8 without data. A multiplication and an addition are two operations; what
    is not a convolution or a matrix product is not counted.
    """
    module, x = module.train().to("meta"), torch.zeros(8, *shape, device="meta")
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        module(x)
    with FlopCounterMode(display=False) as both:
        module(x).sum().backward()
    return forward.get_total_flops() / 8, both.get_total_flops() / 8


def paper_cost(profile="paper", seeds=5, n0=(1000, 2000, 3000, 4000, 5000)):
    """Operations of the whole table on the accelerator, by part; nothing is measured.

    Rotation, arms untrained, ssl, processor (both adversaries, all readings) and alternative. The
    linear heads, which run on the processor cores, are not counted.
    """
    chosen = PROFILES[profile]
    _, unlabelled, downstream = chosen.sizes
    seen = 2 * (downstream + chosen.test)  # images that a head reads, each with its mirror image
    image, features = (3, 32, 32), chosen.processor.features
    psi, psi_both = flops(initial_network(chosen.ssl, 4, seed=0), image)
    f, f_both = flops(initial_processor(chosen.processor, seed=0), image)
    reader, reader_both = flops(
        initial_network(chosen.psi, 4, seed=0, inputs=features), (features,)
    )
    _, rival_both = flops(
        initial_network(chosen.processor.adversary, 4, seed=0, inputs=features), (features,)
    )

    def drawn(config):
        return config.steps(unlabelled) * min(config.batch, unlabelled)

    batch, steps = chosen.processor.network.batch, sum(map(chosen.processor_steps, n0))
    known = sum(chosen.processor_steps(n) * min(batch, n) for n in n0)
    # Through f: read as it is, its layers, by the linear psi, and twice by either network psi.
    reads = seen * (3 * f + 2 * 2 * (f + reader)) + chosen.test * (f + 2 * (f + reader))
    readings = 2 * drawn(chosen.psi) * (f + reader_both) + unlabelled * f + reads
    against = seeds * steps * batch * (chosen.processor.rounds + 1) * rival_both
    learning = len(ADVERSARIES) * seeds * (steps * batch + known) * f_both
    taught = sum(chosen.supervised_epochs(n) * n for n in n0)
    cells = len(n0) * seeds
    return {
        "ssl: training": seeds * drawn(chosen.ssl) * psi_both,
        "ssl: features": seeds * (3 * seen + chosen.test) * psi,
        "processor: training f": learning + against,
        "processor: readings": len(ADVERSARIES) * (cells * readings + seeds * sum(n0) * f),
        "alternative: tuning": cells * chosen.tuning * chosen.ssl.batch * psi_both,
        "alternative: labels alone": seeds * taught * psi_both,
        "alternative: features": cells * 3 * seen * psi + seeds * 2 * sum(n0) * psi,
    }


def cost_report(rate=200.0, **how):
    """The cost in text, at ``rate`` sustained TFLOP/s."""
    parts = paper_cost(**how)
    total = sum(parts.values())
    lines = [f"    {name}: {value / 1e15:.1f} PFLOP" for name, value in parts.items()]
    return "\n".join(
        [
            f"paper profile, whole table, 5 seeds (computed, not measured): {total / 1e15:.0f} "
            f"PFLOP, {total / rate / 1e12 / 3600:.2f} hours at {rate:g} TFLOP/s sustained; "
            f"30 minutes need {total / 1800 / 1e12:.0f} TFLOP/s; linear heads not counted",
            *lines,
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compute what the paper profile's table costs.")
    parser.add_argument("--rate", type=float, default=200.0, help="sustained TFLOP/s")
    print(cost_report(parser.parse_args().rate))
