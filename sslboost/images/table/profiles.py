"""How large an experiment is: profiles that fix every choice which the slides leave open."""

from dataclasses import dataclass, replace

from sslboost.core.validation import as_count, as_number
from sslboost.images.checks import as_counts
from sslboost.images.networks.config import Config
from sslboost.images.processor import ProcessorConfig


@dataclass(frozen=True)
class Profile:
    """Every choice of an experiment that is not a coordinate of the table.

    Attributes
    ----------
    name : str
    sizes : tuple of 3 int
        Extra, pretext and downstream images.
    test : int
        Test images.
    ssl : Config
        Of plain SSL's psi.
    processor : ProcessorConfig
        Its steps are those for a batch of extra labels, or fewer.
    psi : Config
        Of the network psi on f(x), trained as that of ``ssl``; its weight decay is a reading.
    tuning : int
        Steps of fine-tuning, the alternative that gives the extra labels to the encoder.
    supervised : float
        Epochs of supervised training, where that is no more than the steps of plain SSL.
    """

    name: str
    sizes: tuple[int, int, int]
    test: int
    ssl: Config
    processor: ProcessorConfig
    psi: Config
    tuning: int
    supervised: float

    def __post_init__(self):
        object.__setattr__(self, "sizes", as_counts("sizes", self.sizes))
        if len(self.sizes) != 3:
            raise ValueError(f"sizes must be 3 counts, got {self.sizes}")
        for name in ("test", "tuning"):
            as_count(name, getattr(self, name))
        as_number("supervised", self.supervised, above=0)
        for name, kind in (("ssl", Config), ("processor", ProcessorConfig), ("psi", Config)):
            if not isinstance(getattr(self, name), kind):
                raise ValueError(f"{name} must be a {kind.__name__}, got {getattr(self, name)!r}")

    def processor_steps(self, n0):
        """Return the steps that f takes, so that it sees every one of n0 labels as often."""
        n0 = as_count("n0", n0)
        return round(self.processor.steps * max(1, n0 / self.processor.network.batch))

    def supervised_epochs(self, n):
        """Return the epochs of supervised training on n images: no more steps than plain SSL's."""
        n = as_count("n", n)
        return min(self.supervised, self.ssl.epochs * self.sizes[1] / n)

    def compiled(self):
        """Return the same profile with its image networks compiled."""
        network = replace(self.processor.network, compiled=True)
        return replace(
            self,
            ssl=replace(self.ssl, compiled=True),
            processor=replace(self.processor, network=network),
        )


def _rival(*widths):
    return Config(widths, architecture="perceptron", rate=0.05)


_WIDE = Config((32, 64, 256, 256), architecture="wide", epochs=16)

#: Half an hour of one core for a plain psi where bfloat16 is native.
LAPTOP = Profile(
    name="laptop",
    sizes=(5000, 30000, 15000),
    test=10000,
    ssl=_WIDE,
    processor=ProcessorConfig(
        network=Config((16, 32, 64), stride=2, rate=0.1, batch=1024), adversary=_rival(256, 256)
    ),
    psi=replace(_WIDE, widths=(256, 256), architecture="perceptron"),
    tuning=200,
    supervised=40,
)

#: The same networks, three times as long.
WORKSTATION = replace(
    LAPTOP, name="workstation", ssl=replace(_WIDE, epochs=48), psi=replace(LAPTOP.psi, epochs=48)
)

#: The same networks, a quarter as long.
SHORT = replace(
    LAPTOP, name="short", ssl=replace(_WIDE, epochs=4), psi=replace(LAPTOP.psi, epochs=4)
)

_RESNET18 = Config((64, 128, 256, 512), 2, epochs=100, rate=0.1, architecture="resnet18")

#: ResNet-18 in place of the wide network, for about as long as ``laptop`` and ``workstation``.
LAPTOP_RESNET18, WORKSTATION_RESNET18 = (
    replace(profile, name=f"{profile.name}-resnet18", ssl=replace(_RESNET18, epochs=epochs))
    for profile, epochs in ((LAPTOP, 4), (WORKSTATION, 12))
)

#: ResNet-18 for psi and for f; for an accelerator.
PAPER = Profile(
    name="paper",
    sizes=(5000, 30000, 15000),
    test=10000,
    ssl=_RESNET18,
    processor=ProcessorConfig(
        network=replace(_RESNET18, batch=1024),
        adversary=_rival(512, 512),
        features=64,
        steps=300,
    ),
    psi=replace(_RESNET18, widths=(512, 512), epochs=20, architecture="perceptron"),
    tuning=1000,
    supervised=100,
)

_TINY = Config((8, 16, 32), epochs=2, batch=64, rate=0.1, stride=2)

#: A few dozen steps of a tiny network: whether everything runs, and no more.
SMOKE = Profile(
    name="smoke",
    sizes=(500, 2000, 600),
    test=500,
    ssl=_TINY,
    processor=ProcessorConfig(network=_TINY, adversary=_rival(32, 32), features=16, steps=40),
    psi=replace(_TINY, widths=(32, 32), epochs=1, architecture="perceptron"),
    tuning=20,
    supervised=2,
)

#: The profiles by name.
PROFILES = {
    profile.name: profile
    for profile in (
        *(LAPTOP, WORKSTATION, PAPER, SMOKE, SHORT),
        *(LAPTOP_RESNET18, WORKSTATION_RESNET18),
    )
}
