"""The data processor f as a network, trained on the slides' loss with its heads in closed form."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from sslboost.core import checkpoints
from sslboost.core.differentiable import explained
from sslboost.core.validation import as_count, as_number
from sslboost.images.batches import as_images, augment, to_input
from sslboost.images.config import Config
from sslboost.images.networks import Processor
from sslboost.images.training import autocast, initial_network, one_cycle

ADVERSARIES = ("linear", "network")


@dataclass(frozen=True)
class ProcessorConfig:
    """A data processor and how to train it.

    Parameters
    ----------
    network : Config
        The encoder of f, with the batch (as many unlabelled as labelled images), the peak
        learning rate and the weight decay of its training.
    adversary : Config
        The network that reads z from f(x) where the adversary is not linear.
    features : int
        d_f.
    steps : int
    lam : float
        Weight lambda of the pretext term, both terms in units of the variance of their target.
    rounds : int
        Steps of that network for each step of f.
    """

    network: Config
    adversary: Config
    features: int = 32
    steps: int = 600
    lam: float = 1.0
    rounds: int = 2

    def __post_init__(self):
        as_count("features", self.features)
        as_count("steps", self.steps)
        as_count("rounds", self.rounds)
        as_number("lam", self.lam, least=0)


@dataclass(frozen=True, eq=False)
class TrainedProcessor:
    """A data processor and the record of its training.

    Attributes
    ----------
    network : Processor
        In evaluation mode.
    history : list of (float, float, float)
        Step; share of the variance of y that the best linear head leaves on a labelled batch;
        share of z that the adversary explains on an unlabelled one.
    """

    network: Processor
    history: list


def train_processor(
    images,
    labelled,
    labels,
    pretext,
    config,
    *,
    adversary="linear",
    seed,
    device="cpu",
    checkpoint=None,
    observe=None,
    progress=True,
):
    """Train f on L_{n1,n0}: fit y on the extra labels, make z unpredictable on the other images.

    With a linear adversary both heads are in closed form on every batch, the loss

        min_W ||y - W f||^2 / ||y||^2  +  lambda max_V (||z||^2 - ||z - V f||^2) / ||z||^2,

    the first norms over the labelled batch, the others over the unlabelled one, all centred.
    With a network in place of V, f and the network take turns.

    Parameters
    ----------
    images : uint8 tensor (n1, 3, 32, 32)
        Unlabelled images.
    labelled : uint8 tensor (n0, 3, 32, 32)
        Extra images.
    labels : int64 tensor (n0,)
        Their classes, 0 to 9.
    pretext : Rotation, Colourisation or Inpainting
    config : ProcessorConfig
    adversary : str
        ``linear`` or ``network``.
    seed : int
        Of the weights, the batches and the augmentation.
    device : str or torch.device
    checkpoint : Checkpoint, optional
        Where the state is kept, so that an interrupted run goes on and ends the same.
    observe : callable, optional
        ``observe(step, network)`` is called after every tenth of the steps, the network in
        evaluation mode; it must draw from its own generators.
    progress : bool
        Show a progress bar.

    Returns
    -------
    TrainedProcessor

    Raises
    ------
    ValueError
        If images are not bytes, labels do not match them, or the adversary is unknown.
    OSError
        If the checkpoint cannot be written.

    Source: slide "How to Obtain f ? (Cont.)", the training loss L_{n1,n0}.
    """
    images = as_images("images", images).to(device)
    labelled = as_images("labelled", labelled).to(device)
    if labels.shape != labelled.shape[:1]:
        raise ValueError(
            f"labels must hold one class for each of {len(labelled)} images, "
            f"got shape {tuple(labels.shape)}"
        )
    if adversary not in ADVERSARIES:
        raise ValueError(f"adversary must be one of {', '.join(ADVERSARIES)}, got {adversary!r}")
    y = F.one_hot(labels.to(device), 10).float()
    generator = torch.Generator(device).manual_seed(seed)
    network = initial_processor(config, seed=seed).train()
    network.to(device, memory_format=torch.channels_last)
    if config.network.compiled:
        network.compile()
    optimizer, schedule = one_cycle(network, config.network, config.steps)
    rival = _Rival(pretext, config, seed, device) if adversary == "network" else None
    batch = min(config.network.batch, len(images))
    tenth = max(1, config.steps // 10)
    step = 0

    def advance():
        nonlocal step
        chosen = torch.randint(len(labelled), (batch,), generator=generator, device=device)
        among = torch.randint(len(images), (batch,), generator=generator, device=device)
        x, targets = pretext.draw(augment(images[among], generator), generator)
        x_labelled = pretext.present(labelled[chosen])  # n0 fixed points, as the loss says
        with autocast(device):
            features = network(to_input(torch.cat([x_labelled, x]))).float()
        f_labelled, f = features.split(batch)
        left = 1 - explained_share(f_labelled, y[chosen])
        if rival:
            rival.learn(f.detach(), targets)
            told = rival.explained(f, targets)
        else:
            told = explained_share(f, pretext.vector(targets))
        optimizer.zero_grad(set_to_none=True)
        (left + config.lam * told).backward()
        optimizer.step()
        schedule.step()
        step += 1
        if observe and step % tenth == 0:
            observe(step, network.eval())
            network.train()
        return torch.stack([left, told])

    parts = [network, optimizer, schedule, *(rival.parts if rival else [])]
    history = checkpoints.run(
        advance,
        config.steps,
        parts,
        generator,
        window=max(1, config.steps // 50),
        unit=1,
        identity=repr((pretext, config, adversary, seed, len(images), len(labelled))),
        checkpoint=checkpoint,
        progress=progress,
        name="processor",
    )
    return TrainedProcessor(network.eval(), history)


def initial_processor(config, *, seed):
    """Return the untrained f that :func:`train_processor` starts from, in evaluation mode.

    Parameters
    ----------
    config : ProcessorConfig
    seed : int

    Returns
    -------
    Processor

    Source: slide "How to Obtain f ?".
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Processor(config.network.encoder(), config.features).eval()


def explained_share(features, targets):
    """Return the share of the variance of targets that the best affine head explains.

    Parameters
    ----------
    features : tensor (n, d_f)
    targets : tensor (n, d)

    Returns
    -------
    tensor ()
        From 0 to 1; differentiable in the features.

    Source: slide "How to Obtain f ? (Cont.)".
    """
    features, targets = features - features.mean(0), targets - targets.mean(0)
    total = targets.square().sum() / len(targets)
    return explained(features[None], targets[None])[0] / total


class _Rival:
    """A network that reads z from f(x), and learns while f learns to leave it nothing."""

    def __init__(self, pretext, config, seed, device):
        self.pretext = pretext
        self.rounds = config.rounds
        self.network = initial_network(
            config.adversary, pretext.outputs, seed=seed, inputs=config.features
        ).to(device)
        self.optimizer, _ = one_cycle(self.network, config.adversary, 1)  # a constant rate
        self.parts = [self.network, self.optimizer]

    def learn(self, f, targets):
        for _ in range(self.rounds):
            loss = self.pretext.loss(self.network(f), targets)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()

    def explained(self, f, targets):
        """Share of the loss of the best constant that the network saves."""
        loss = self.pretext.loss(self.network(f), targets)
        return 1 - loss / self.pretext.chance(targets)


def linear_psi(f, z):
    """Return the linear psi as (coefficients, intercept): least squares of z on f(x).

    Parameters
    ----------
    f : tensor (n, d_f)
    z : tensor (n, d_z)

    Returns
    -------
    coefficients : tensor (d_f, d_z)
    intercept : tensor (d_z,)

    Source: slide "SSL with Data Processor (Cont.)".
    """
    mean, middle = f.mean(0), z.mean(0)
    F_c, Z_c = (f - mean).double().cpu(), (z - middle).double().cpu()
    B = torch.linalg.lstsq(F_c, Z_c, driver="gelsd").solution.to(f)
    return B, middle - mean @ B
