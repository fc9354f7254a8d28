"""A network and how to train it."""

from dataclasses import dataclass

from sslboost.core.validation import as_choice, as_count, as_number
from sslboost.images.checks import as_counts, as_flag
from sslboost.images.networks.encoders import (
    DEEPEST,
    WIDEST,
    Encoder,
    Perceptron,
    ResNet18,
    WideEncoder,
)

ARCHITECTURES = ("narrow", "wide", "resnet18", "perceptron")


@dataclass(frozen=True)
class Config:
    """A network and how to train it.

    Parameters
    ----------
    widths : tuple of int
        Channels of the encoder's stages, or neurons of the perceptron's layers.
    blocks : int
        Residual blocks per stage.
    epochs : float
        Passes over the pretext images.
    batch : int
        Images per step, at least 2: a batch of one has no statistics.
    rate : float
        Peak of the one-cycle learning rate.
    decay : float
        Weight decay of matrices and filters.
    stride : int
        Of the first convolution.
    architecture : str
        ``narrow``, ``wide`` (which has no blocks and strides to choose), ``resnet18`` (whose widths
        are its own too) or ``perceptron``.
    compiled : bool
        Compile the network with ``torch.compile``.
    threads : int
        Of a CPU, while the network is trained: sums depend on their number, and beside busy
        processes a second one costs more time than it saves.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128)
    blocks: int = 1
    epochs: float = 10
    batch: int = 256
    rate: float = 0.2
    decay: float = 5e-4
    stride: int = 1
    architecture: str = "narrow"
    compiled: bool = False
    threads: int = 1

    def __post_init__(self):
        object.__setattr__(self, "widths", as_counts("widths", self.widths, most=WIDEST))
        as_count("blocks", self.blocks, most=DEEPEST)
        as_count("batch", self.batch, least=2)
        as_count("stride", self.stride)
        as_number("epochs", self.epochs, above=0)
        as_number("rate", self.rate, above=0)
        as_number("decay", self.decay, least=0)
        as_choice("architecture", self.architecture, ARCHITECTURES)
        as_flag("compiled", self.compiled)
        as_count("threads", self.threads)

    def steps(self, images):
        """Return the number of steps that the epochs make over ``images`` images."""
        images = as_count("images", images)
        return max(1, round(self.epochs * images / min(self.batch, images)))

    def encoder(self, inputs=3):
        """Return a new encoder of images, or of vectors of length ``inputs``."""
        inputs = as_count("inputs", inputs, most=WIDEST)
        if self.architecture == "perceptron":
            return Perceptron(inputs, self.widths)
        if self.architecture == "wide":
            return WideEncoder(self.widths)
        if self.architecture == "resnet18":
            return ResNet18()
        return Encoder(self.widths, self.blocks, self.stride)
