"""Residual encoders that show every stage, so that a probe can read any of them."""

from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Pre-activation residual block (He et al., 2016) from ``width_in`` to ``width_out``."""

    def __init__(self, width_in, width_out, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width_in)
        self.conv1 = nn.Conv2d(width_in, width_out, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width_out)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, 1, 1, bias=False)
        self.skip = (
            nn.Identity()
            if stride == 1 and width_in == width_out
            else nn.Conv2d(width_in, width_out, 1, stride, bias=False)
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
    """

    def __init__(self, widths=(16, 32, 64), blocks=1):
        super().__init__()
        self.widths = tuple(widths)
        self.stem = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
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


class PretextNetwork(nn.Module):
    """Encoder with a linear head on the pooled last stage: psi for a classification pretext."""

    def __init__(self, encoder, outputs):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.widths[-1], outputs)

    def forward(self, x):
        """Return the pretext logits (B, outputs)."""
        return self.head(self.encoder(x)[-1].mean(dim=(2, 3)))
