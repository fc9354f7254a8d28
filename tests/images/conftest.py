"""Fixtures that several of the image tests share."""

import pytest
import torch

from sslboost.images import data
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import Rotation
from sslboost.images.training import train


@pytest.fixture(scope="session")
def cifar():
    return data.load()


@pytest.fixture(scope="session")
def images(cifar):
    """The first thousand training images."""
    return torch.tensor(cifar.train_images[:1000])


@pytest.fixture(scope="session")
def extra(cifar):
    """Two hundred other images and their labels."""
    return torch.tensor(cifar.train_images[-200:]), torch.tensor(cifar.train_labels[-200:])


@pytest.fixture(scope="session")
def rotated(cifar):
    """A small network that has learned rotations, and its configuration."""
    config = Config(widths=(8, 16, 32), epochs=2, batch=64, rate=0.05, stride=2)
    images = torch.tensor(cifar.train_images[:4000])
    return train(images, Rotation(), config, seed=0, progress=False), config
