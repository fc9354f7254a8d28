"""The data processor f as a network, trained on the slides' loss with its heads in closed form."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from sslboost.core import checkpoints, linalg
from sslboost.core.checkpoints import Checkpoint
from sslboost.core.compute import threads, uses_bfloat16
from sslboost.core.differentiable import explained
from sslboost.core.validation import as_choice, as_count, as_number, takes
from sslboost.images.batches import Shuffled, augment, to_input
from sslboost.images.checks import (
    as_classes,
    as_device,
    as_flag,
    as_images,
    as_pretext,
    as_same_rows,
    as_seed,
)
from sslboost.images.data import CLASSES
from sslboost.images.networks.config import Config
from sslboost.images.networks.encoders import WIDEST
from sslboost.images.networks.models import Processor, drawn
from sslboost.images.training import MODULES, descend, initial_network, one_cycle, outputs_of

ADVERSARIES = ("linear", "network")

_MODULES = (*MODULES, "sslboost.core.differentiable", __name__)


@dataclass(frozen=True)
class ProcessorConfig:
    """A data processor and how to train it.

    Parameters
    ----------
    network : Config
        The encoder of f, with the batch (unlabelled images, and labelled ones where there are more)
        and the peak learning rate and the weight decay of its training.
    adversary : Config
        The network that reads z from f(x) where the adversary is not linear.
    features : int
        d_f.
    steps : int
    lam : float
        Weight lambda of the pretext term, both terms in units of the variance of their target.
    rounds : int
        Steps of that network for each step of f; one that lags behind f is no rival.
    """

    network: Config
    adversary: Config
    features: int = 32
    steps: int = 600
    lam: float = 1.0
    rounds: int = 10

    def __post_init__(self):
        for name in ("network", "adversary"):
            if not isinstance(getattr(self, name), Config):
                raise ValueError(f"{name} must be a Config, got {getattr(self, name)!r}")
        if self.network.architecture == "perceptron":
            raise ValueError("network must read images, got the architecture perceptron")
        if self.adversary.architecture != "perceptron":
            came = self.adversary.architecture
            raise ValueError(f"adversary must be of the architecture perceptron, got {came}")
        as_count("features", self.features, most=WIDEST)
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


@takes(config=ProcessorConfig, checkpoint=Checkpoint, observe=callable)
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

    With a linear adversary both heads are in closed form, the loss

        min_W ||y - W f||^2 / ||y||^2  +  lambda max_V (||z||^2 - ||z - V f||^2) / ||z||^2,

    the first norms over all labelled images, or a batch where there are more, the others over an
    unlabelled batch, all centred. With a network in place of V, f and the network take turns, and f
    gains nothing where the network does worse than a constant.

    Parameters
    ----------
    images : uint8 tensor (n1, 3, 32, 32)
        Unlabelled images, at least two.
    labelled : uint8 tensor (n0, 3, 32, 32)
        Extra images.
    labels : int array or tensor (n0,)
        Their classes, 0 to 9, at least two of them.
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
        If an argument is not as above, the device is absent, or the training diverges.
    OSError
        If the checkpoint cannot be written.

    Source: slide "How to Obtain f ? (Cont.)", the training loss L_{n1,n0}.
    """
    pretext, seed, device = as_pretext(pretext), as_seed(seed), as_device(device)
    as_choice("adversary", adversary, ADVERSARIES)
    progress = as_flag("progress", progress)
    images = as_images("images", images, least=2).to(device)
    labelled = as_images("labelled", labelled, least=2).to(device)
    classes = as_classes("labels", labels, rows=len(labelled), least=2)
    y = F.one_hot(torch.from_numpy(classes).to(device), len(CLASSES)).float()
    generator = torch.Generator(device).manual_seed(seed)
    network = initial_processor(config, seed=seed).train()
    network.to(device, memory_format=torch.channels_last)
    if config.network.compiled:
        network.compile()
    optimizer, schedule = one_cycle(network, config.network, config.steps)
    rival = _Rival(pretext, config, seed, device) if adversary == "network" else None
    batch, known = (min(config.network.batch, len(part)) for part in (images, labelled))
    known_rows, rows = (
        Shuffled(len(part), size, generator) for part, size in ((labelled, known), (images, batch))
    )
    tenth = max(1, config.steps // 10)
    step = 0

    def advance():
        nonlocal step
        chosen = known_rows.draw()
        x, targets = pretext.draw(augment(images[rows.draw()], generator), generator)
        x_labelled = pretext.present(labelled[chosen])  # n0 fixed points, as the loss says
        features = outputs_of(network, to_input(torch.cat([x_labelled, x])))
        f_labelled, f = features.split([known, batch])
        left = 1 - explained_share(f_labelled, y[chosen])
        if rival:
            rival.learn(f.detach(), targets)
            told = rival.explained(f, targets)
        else:
            told = explained_share(f, pretext.vector(targets))
        descend(left + config.lam * told, optimizer, schedule)
        step += 1
        if observe and step % tenth == 0:
            observe(step, network.eval())
            network.train()
        return torch.stack([left, told])

    facts = ("processor", images, labelled, y, pretext, config, adversary, seed)
    with threads(config.network.threads):
        history, _ = checkpoints.run(
            advance,
            config.steps,
            [network, optimizer, schedule, known_rows, rows, *(rival.parts if rival else [])],
            generator,
            window=max(1, config.steps // 50),
            unit=1,
            known_by=(_MODULES, *facts, device.type, uses_bfloat16(device)),
            checkpoint=checkpoint,
            progress=progress,
            name="processor",
        )
    return TrainedProcessor(network.eval(), history)


@takes(config=ProcessorConfig)
def initial_processor(config, *, seed):
    """Return the untrained f that :func:`train_processor` starts from, in evaluation mode.

    Parameters
    ----------
    config : ProcessorConfig
    seed : int

    Returns
    -------
    Processor
        Its weights are those of the seed, whatever else is drawn meanwhile.

    Raises
    ------
    ValueError
        If the seed is no integer of at least 0.

    Source: slide "How to Obtain f ?".
    """
    return drawn(lambda: Processor(config.network.encoder(), config.features), seed)


def explained_share(features, targets):
    """Return the share of the variance of targets that the best affine head explains.

    Parameters
    ----------
    features : float tensor (n, d_f)
    targets : float tensor (n, d)

    Returns
    -------
    tensor ()
        From 0 to 1, in no unit of any feature; differentiable in the features. 0 where every
        target is constant.

    Raises
    ------
    ValueError
        If they are not finite matrices of the same number of rows.

    Source: slide "How to Obtain f ? (Cont.)".
    """
    features, targets = map(_centred, as_same_rows(features=features, targets=targets))
    total = targets.square().sum() / len(targets)
    return explained(features[None], targets[None])[0] / torch.where(total > 0, total, 1.0)


def _centred(columns):
    """Columns less their means: zero for one that is constant up to its rounding."""
    low, high = columns.detach().aminmax(dim=0)
    rounding = 8 * torch.finfo(columns.dtype).eps * torch.maximum(low.abs(), high.abs())
    return torch.where(high - low <= rounding, 0.0, columns - columns.mean(0))


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
            descend(self.pretext.loss(self.network(f), targets), self.optimizer)

    def explained(self, f, targets):
        """Share of the loss of the best constant that the network saves, at least nothing."""
        loss = self.pretext.loss(self.network(f), targets)
        return (1 - loss / self.pretext.chance(targets)).clamp_min(0)


def linear_psi(f, z):
    """Return the linear psi as (coefficients, intercept): least squares of z on f(x).

    Parameters
    ----------
    f : float tensor (n, d_f)
    z : float tensor (n, d_z)

    Returns
    -------
    coefficients : float64 tensor (d_f, d_z)
        Of least norm in units of the features' standard deviations, where several fit alike.
    intercept : float64 tensor (d_z,)
        Both on the CPU.

    Raises
    ------
    ValueError
        If they are not finite matrices of the same number of rows.

    Source: slide "SSL with Data Processor (Cont.)".
    """
    f, z = as_same_rows(f=f, z=z)
    (F_c, mean), (Z_c, middle) = (
        linalg.centred(part.detach().cpu().double().numpy()) for part in (f, z)
    )
    B = linalg.least_squares(F_c, Z_c, size=np.abs(mean))
    return torch.from_numpy(B), torch.from_numpy(middle - mean @ B)
