"""Encoders that show every stage, so that a probe can read any of them."""

from itertools import pairwise

from torch import nn
from torch.nn import functional as F

from sslboost.core.validation import as_count
from sslboost.images.checks import as_counts

#: Most numbers that a layer reads or gives, and blocks of a stage: beyond them lies a mistake, not
#: a network for pictures of 32 x 32 pixels.
WIDEST, DEEPEST = 2**12, 2**10


class Block(nn.Module):
    """Pre-activation residual block (He et al., 2016) from ``width_in`` to ``width_out``."""

    def __init__(self, width_in, width_out, stride):
        super().__init__()
        width_in, width_out = (
            as_count(name, width, most=WIDEST)
            for name, width in (("width_in", width_in), ("width_out", width_out))
        )
        stride = as_count("stride", stride)
        self.norm1 = nn.BatchNorm2d(width_in)
        self.conv1 = nn.Conv2d(width_in, width_out, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width_out)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, 1, 1, bias=False)
        self.skip = (
            nn.Identity()
            if stride == 1 and width_in == width_out
            # A strided 1 x 1 convolution in two steps: in one, oneDNN writes past its workspace in
            # float32 where channels are few (uxlfoundation/oneDNN issue 6035).
            else nn.Sequential(
                nn.MaxPool2d(1, stride), nn.Conv2d(width_in, width_out, 1, bias=False)
            )
        )

    def forward(self, x):
        h = self.conv1(F.relu(self.norm1(x)))
        return self.skip(x) + self.conv2(F.relu(self.norm2(h)))


class Encoder(nn.Module):
    """Narrow residual network for 32 x 32 images.

    Parameters
    ----------
    widths : sequence of int
        Channels of each stage; every stage after the first halves the resolution.
    blocks : int
        Residual blocks per stage.
    stride : int
        Of the first convolution: 2 works at half the resolution, at a quarter of the cost.
    """

    def __init__(self, widths=(16, 32, 64), blocks=1, stride=1):
        super().__init__()
        self.widths = widths = as_counts("widths", widths, most=WIDEST)
        blocks, stride = as_count("blocks", blocks, most=DEEPEST), as_count("stride", stride)
        self.stem = nn.Conv2d(3, widths[0], 3, stride, 1, bias=False)
        stages, width_in = [], widths[0]
        for i, width in enumerate(widths):
            layers = [
                Block(width_in if j == 0 else width, width, 2 if i and j == 0 else 1)
                for j in range(blocks)
            ]
            stages.append(nn.Sequential(*layers))
            width_in = width
        self.stages = nn.ModuleList(stages)
        self.norm = nn.BatchNorm2d(width_in)

    def forward(self, x):
        """Return the feature maps of every stage, first to last, for images (B, 3, 32, 32)."""
        maps = []
        h = self.stem(x)  # (B, w0, 32, 32)
        for stage in self.stages:
            h = stage(h)  # (B, w_i, 32 / 2^i, 32 / 2^i)
            maps.append(h)
        maps[-1] = F.relu(self.norm(maps[-1]))
        return maps


class Group(nn.Module):
    """Two convolutions that halve the resolution, the second one as a residual.

    Pooling before the first normalisation saves three quarters of what follows.
    Source: Jordan (2024), section 3.
    """

    def __init__(self, width_in, width_out):
        super().__init__()
        width_in, width_out = (
            as_count(name, width, most=WIDEST)
            for name, width in (("width_in", width_in), ("width_out", width_out))
        )
        self.conv1 = nn.Conv2d(width_in, width_out, 3, 1, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width_out)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width_out)

    def forward(self, x):
        """Return maps (B, width_out, H / 2, W / 2) of maps (B, width_in, H, W)."""
        h = F.relu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return h + F.relu(self.norm2(self.conv2(h)))


class WideEncoder(nn.Module):
    """Few wide layers for 32 x 32 images, which keep a processor busy.

    Parameters
    ----------
    widths : sequence of int
        Channels of the stem and of each group; every group halves the resolution.

    Source: Jordan (2024).
    """

    def __init__(self, widths=(32, 64, 256, 256)):
        super().__init__()
        self.widths = widths = as_counts("widths", widths, most=WIDEST)
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.groups = nn.ModuleList(Group(*pair) for pair in pairwise(widths))

    def forward(self, x):
        """Return the maps of the stem and of every group for images (B, 3, 32, 32)."""
        maps = [self.stem(x)]
        for group in self.groups:
            maps.append(group(maps[-1]))  # (B, w_i, 32 / 2^i, 32 / 2^i)
        return maps


class ResNet18(nn.Module):
    """torchvision's ResNet-18 with the stem for 32 x 32 images: 3 x 3, stride 1, no pooling."""

    def __init__(self):
        from torchvision.models import resnet18  # takes seconds, and few networks need it

        super().__init__()
        self.widths = (64, 128, 256, 512)
        whole = resnet18(weights=None)
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), whole.bn1, whole.relu)
        self.stages = nn.ModuleList([whole.layer1, whole.layer2, whole.layer3, whole.layer4])

    def forward(self, x):
        """Return the feature maps of the four stages for images (B, 3, 32, 32)."""
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))  # (B, 64 * 2^i, 32 / 2^i, 32 / 2^i)
        return maps[1:]


class Perceptron(nn.Module):
    """Fully connected ReLU layers on vectors: the psi that reads f(x).

    Parameters
    ----------
    inputs : int
        Length of the vectors.
    widths : sequence of int
        Neurons of each layer.
    """

    def __init__(self, inputs, widths):
        super().__init__()
        self.widths = as_counts("widths", widths, most=WIDEST)
        pairs = pairwise([as_count("inputs", inputs, most=WIDEST), *self.widths])
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairs)

    def forward(self, x):
        """Return the activations (B, w_i) of every layer, in order, for vectors (B, inputs)."""
        activations = []
        for layer in self.layers:
            x = F.relu(layer(x))
            activations.append(x)
        return activations


#: What shows its stages.
ENCODERS = (Encoder, WideEncoder, ResNet18, Perceptron)
