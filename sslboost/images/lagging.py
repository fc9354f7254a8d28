"""The slides' loss with heads that learn by gradient steps beside f, and so lag behind it."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from sslboost.core.compute import autocast, threads
from sslboost.core.validation import as_choice, as_number, takes
from sslboost.images.batches import Shuffled, augment, to_input
from sslboost.images.checks import as_classes, as_device, as_images, as_pretext, as_seed
from sslboost.images.data import CLASSES
from sslboost.images.networks.models import Processor, drawn
from sslboost.images.processor import ProcessorConfig

#: What takes the gradient steps of f and of both heads.
OPTIMISERS = {
    "sgd": lambda parameters, rate: torch.optim.SGD(parameters, rate, momentum=0.9),
    "adam": torch.optim.Adam,
}


@dataclass(frozen=True, eq=False)
class Lagging:
    """A data processor trained beside its heads.

    Attributes
    ----------
    network : Processor
        In evaluation mode; its outputs are not standardised.
    history : list of (int, float, float, float)
        Step; losses of the heads on y and on z, in units of the variances of y and z; root mean
        square of f(x).
    diverged : int or None
        The step at which a loss was no finite number any more.
    """

    network: Processor
    history: list
    diverged: int | None


@takes(config=ProcessorConfig)
def train_lagging(
    images, labelled, labels, pretext, config, *, optimiser, rate, seed, device="cpu"
):
    """Train f on L_{n1,n0} as a minimax problem, one gradient step for f and both heads at a time.

    With a head V that is not the best one, -lambda ||z - V f||^2 has no lower bound: f gains by
    growing wherever V is wrong. Nothing here prevents it.

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
        Its rival and its learning rate are not used.
    optimiser : str
        ``sgd``, with momentum 0.9, or ``adam``.
    rate : float
        Learning rate, constant.
    seed : int
        Of the weights, the batches and the augmentation.
    device : str or torch.device

    Returns
    -------
    Lagging

    Raises
    ------
    ValueError
        If an argument is not as above, or the device is absent.

    Source: slide "How to Obtain f ? (Cont.)", with its inner minima left to gradient steps.
    """
    pretext, seed, device = as_pretext(pretext), as_seed(seed), as_device(device)
    as_choice("optimiser", optimiser, OPTIMISERS)
    rate = as_number("rate", rate, above=0)
    images = as_images("images", images, least=2).to(device)
    labelled = as_images("labelled", labelled, least=2).to(device)
    classes = as_classes("labels", labels, rows=len(labelled), least=2)
    y = F.one_hot(torch.from_numpy(classes).to(device), len(CLASSES)).float()
    generator = torch.Generator(device).manual_seed(seed)
    network, heads = (part.train().to(device) for part in _initial(config, pretext, seed))
    network.to(memory_format=torch.channels_last)
    optimizer = OPTIMISERS[optimiser]([*network.parameters(), *heads.parameters()], rate)
    batch, known = (min(config.network.batch, len(part)) for part in (images, labelled))
    known_rows, rows = (
        Shuffled(len(part), size, generator) for part, size in ((labelled, known), (images, batch))
    )
    history, rival = [], list(heads[1].parameters())
    with threads(config.network.threads):
        for step in range(1, config.steps + 1):
            chosen = known_rows.draw()
            x, targets = pretext.draw(augment(images[rows.draw()], generator), generator)
            x = to_input(torch.cat([pretext.present(labelled[chosen]), x]))
            with autocast(device):
                f = network(x).float()
            f_y, f_z = f.split([known, batch])
            left = _error(heads[0](f_y), y[chosen])
            told = _error(heads[1](f_z), pretext.vector(targets))
            size = f.detach().square().mean().sqrt()
            history.append((step, left.item(), told.item(), size.item()))
            if not torch.isfinite(torch.tensor(history[-1])).all():
                return Lagging(network.eval(), history, step)
            slopes = torch.autograd.grad(told, rival, retain_graph=True)  # V goes down, f goes up
            optimizer.zero_grad(set_to_none=True)
            (left - config.lam * told).backward()
            for parameter, gradient in zip(rival, slopes, strict=True):
                parameter.grad = gradient
            optimizer.step()
    return Lagging(network.eval(), history, None)


def _initial(config, pretext, seed):
    """f, and linear heads on it for y and for z."""
    heads = [nn.Linear(config.features, n) for n in (len(CLASSES), pretext.outputs)]
    encoder = config.network.encoder
    network = drawn(lambda: Processor(encoder(), config.features, standardised=False), seed)
    return network, drawn(lambda: nn.ModuleList(heads), seed)


def _error(outputs, targets):
    """Mean squared error in units of the variance of the targets."""
    return F.mse_loss(outputs, targets) / targets.var(dim=0, correction=0).mean()
