"""Checks at the doors of the image experiments: images, labels, networks, devices, generators."""

import numpy as np
import torch

from sslboost.core.validation import MOST, as_count, as_labels
from sslboost.images.data import CLASSES

#: What an object must have to be a pretext.
_PRETEXT = ("outputs", "draw", "present", "loss", "chance", "score", "expectation", "vector")


def as_images(name, images, *, shape=(3, 32, 32), least=1):
    """Return images if they are bytes of the given shape.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    images : uint8 tensor (n, 3, 32, 32)
    shape : tuple of 3 int or None
        Of one image; None where any size will do.
    least : int
        Images that there must be.

    Returns
    -------
    uint8 tensor (n, 3, 32, 32)

    Raises
    ------
    ValueError
        If they are anything else, floats and pixels last among it.
    """
    sides = ", ".join("any" if side is None else str(side) for side in shape)
    need = f"{name} must be a uint8 tensor of shape (n, {sides})"
    if not isinstance(images, torch.Tensor):
        raise ValueError(f"{need}, got {_kind(images)}")
    fits = images.ndim == 4 and all(
        side in (None, given) for side, given in zip(shape, images.shape[1:], strict=True)
    )
    if images.dtype != torch.uint8 or not fits or not _is_plain(images):
        raise ValueError(f"{need}, got {images.dtype} of shape {tuple(images.shape)}")
    if not images[0:1].numel() or len(images) < least:
        raise ValueError(f"{name} must hold at least {least} images, got {tuple(images.shape)}")
    return images


def as_features(name, features):
    """Return a matrix of finite floats.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    features : float tensor (n, d)

    Returns
    -------
    float32 or float64 tensor (n, d)

    Raises
    ------
    ValueError
        If they are anything else.
    """
    need = f"{name} must be a matrix of floats in a tensor"
    if not isinstance(features, torch.Tensor):
        raise ValueError(f"{need}, got {_kind(features)}")
    if features.ndim != 2 or not features.is_floating_point() or not _is_plain(features):
        raise ValueError(f"{need}, got {features.dtype} of shape {tuple(features.shape)}")
    if not features.numel():
        raise ValueError(f"{name} must have rows and columns, got shape {tuple(features.shape)}")
    if not torch.isfinite(features).all():
        raise ValueError(f"{name} must be finite, got values that are not")
    return features if features.dtype == torch.float64 else features.float()


def as_same_rows(**matrices):
    """Return the named matrices, as of :func:`as_features`, if their rows match.

    Parameters
    ----------
    **matrices : float tensor (n, d)

    Returns
    -------
    list of float tensors (n, d)
        In the precision of the finest.

    Raises
    ------
    ValueError
        If one is no such matrix, or they have other numbers of rows or stand on other devices.
    """
    checked = [as_features(name, matrix) for name, matrix in matrices.items()]
    if len({(len(matrix), matrix.device) for matrix in checked}) > 1:
        listed = ", ".join(f"{len(matrix)} on {matrix.device}" for matrix in checked)
        raise ValueError(f"{' and '.join(matrices)} must have the same rows, got {listed}")
    finest = max((matrix.dtype for matrix in checked), key=lambda dtype: dtype.itemsize)
    return [matrix.to(finest) for matrix in checked]


def as_classes(name, labels, *, rows=None, least=1):
    """Return labels as classes of CIFAR-10.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    labels : array-like or tensor (n,)
        Whole numbers from 0 to 9, of any type.
    rows : int, optional
        Number of images that they belong to.
    least : int
        Different classes that there must be.

    Returns
    -------
    int64 array (n,)

    Raises
    ------
    ValueError
        If they are anything else, as those that mark unlabelled images by -1.
    """
    if isinstance(labels, torch.Tensor):
        if labels.is_complex() or not _is_plain(labels):
            raise ValueError(f"{name} must be whole numbers, got {labels.dtype}")
        labels = labels.detach().cpu()
        labels = labels.double().numpy() if labels.is_floating_point() else labels.numpy()
    classes = as_labels(name, labels, rows=rows)
    if (classes == -1).any():
        raise ValueError(f"{name} must be classes from 0 to 9, got -1: leave unlabelled images out")
    if (wrong := (classes < 0) | (classes >= len(CLASSES))).any():
        raise ValueError(f"{name} must be classes from 0 to 9, got {classes[wrong][0]}")
    if (found := len(np.unique(classes))) < least:
        raise ValueError(f"{name} must hold at least {least} classes, got {found}")
    return classes


def as_counts(name, values, *, least=1, most=MOST):
    """Return a tuple of integers.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    values : sequence of int
    least, most : int
        Between which each must be.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If they are none, or there is none.
    """
    if isinstance(values, str | bytes | dict | set) or not np.iterable(values) or not len(values):
        raise ValueError(f"{name} must be a sequence of integers, got {values!r:.200}")
    bounds = {"least": least, "most": most}
    return tuple(as_count(f"{name}[{i}]", value, **bounds) for i, value in enumerate(values))


def as_flag(name, value):
    """Return a truth value.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : bool

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If it is none.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return value


def as_device(device):
    """Return a device that is there.

    Parameters
    ----------
    device : str or torch.device

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If its name means nothing, or it is absent.
    """
    try:
        if not isinstance(device, str | torch.device):
            raise TypeError("it is no name of one")
        there = torch.empty(1, device=device).device
        torch.Generator(there)
        if there.type == "meta":
            raise RuntimeError("it holds no numbers")
    except Exception as error:  # what is missing decides what torch raises
        reason = str(error).splitlines()[0]
        raise ValueError(f"device must be one that is there, got {device!r}: {reason}") from error
    return there


def as_seed(seed):
    """Return a seed as an int.

    Parameters
    ----------
    seed : int
        At least 0 and below 2^63.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is none.
    """
    return as_count("seed", seed, least=0, most=2**63 - 1)


def as_generator(generator, device=None):
    """Return a torch generator if it draws on the device.

    Parameters
    ----------
    generator : torch.Generator
    device : torch.device, optional
        Any when omitted.

    Returns
    -------
    torch.Generator

    Raises
    ------
    ValueError
        If it is none, or of another device.
    """
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"generator must be a torch.Generator, got {_kind(generator)}")
    if device is not None and generator.device.type != device.type:
        raise ValueError(f"generator must draw on {device}, got one on {generator.device}")
    return generator


def as_pretext(pretext):
    """Return an object if it is a pretext, of this package or of the caller's.

    Parameters
    ----------
    pretext : Rotation, Colourisation or Inpainting

    Returns
    -------
    Rotation, Colourisation or Inpainting

    Raises
    ------
    ValueError
        If it lacks what a pretext has.
    """
    missing = [part for part in _PRETEXT if not hasattr(pretext, part)]
    if missing or isinstance(pretext, type):
        lacking = f", without {', '.join(missing)}" if missing else ""
        raise ValueError(f"pretext must be a pretext object, got {_kind(pretext)}{lacking}")
    return pretext


def as_evaluated(name, network, kinds=torch.nn.Module):
    """Return a network if all of it is in evaluation mode.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    network : torch.nn.Module
    kinds : class or tuple of classes
        That it must be of.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If it is of another kind, or in training mode, where batch statistics would leak between
        images.
    """
    if not isinstance(network, kinds):
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        need = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{name} must be a {need}, got {_kind(network)}")
    if any(part.training for part in network.modules()):
        raise ValueError(f"{name} must be in evaluation mode, got training mode")
    return network


def device_of(network, otherwise="cpu"):
    """Return the device of a network's parameters.

    Parameters
    ----------
    network : torch.nn.Module
    otherwise : str or torch.device
        For a network that has none.

    Returns
    -------
    torch.device
    """
    first = next(network.parameters(), None)
    return torch.device(otherwise) if first is None else first.device


def _is_plain(tensor):
    return tensor.layout == torch.strided and not tensor.is_meta and not tensor.is_quantized


def _kind(value):
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
