"""Right values of what functions of images and pages take, small enough to be cheap."""

import json
import os
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import torch

from sslboost.core import provenance
from sslboost.images import data, pretexts, probe, processor
from sslboost.images.networks import config, encoders, models
from sslboost.images.table import part as part_module
from sslboost.images.table import profiles, select
from sslboost.images.table import read as read_table
from sslboost.images.table.collapse import Collapse
from sslboost.pages import budget_map, interactive, recordings
from sslboost.pages.cifar10 import live, mechanism
from sslboost.pages.real import advised, outlook, runs, sources
from tests.evidence import values
from tests.evidence.values import classes, new_folder, new_path


def pictures(n=40):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (n, 3, 32, 32), generator=generator, dtype=torch.uint8)


def targets(n=40):
    return torch.arange(n) % 4


@cache
def cifar():
    """Random pictures in the place of CIFAR-10."""
    images, labels = pictures(60).numpy(), classes(60, 10)
    many = np.resize(images, (50000, 3, 32, 32))
    return data.Cifar10(many, classes(50000, 10), images, labels)


def parts():
    return data.Split(np.arange(20), np.arange(20, 40), np.arange(40, 60))


def generator():
    return torch.Generator().manual_seed(0)


def tiny(**changes):
    return config.Config(**{"widths": (4, 4), "epochs": 1, "batch": 10, "stride": 2} | changes)


def tiny_processor():
    return processor.ProcessorConfig(tiny(), tiny_rival(), features=3, steps=2)


def tiny_rival():
    return tiny(widths=(4,), architecture="perceptron")


def encoder():
    return encoders.Encoder((4, 4), 1, 2).eval()


def pretext_network():
    return models.PretextNetwork(encoder(), 4).eval()


def f():
    return models.Processor(encoder(), 3).eval()


def probes():
    return [probe.Probe("stage 1", 6, 1e-2, 0.5, 0.4, 0.01), a_probe()]


def a_probe():
    return probe.Probe("stage 2", 6, 1e-2, 0.4, 0.5, 0.01)


def live_result():
    facts = provenance.describe()
    history = [[0.1, 1.0, 0.3], [0.2, 0.9, 0.4]]
    return live.LiveResult(history, 0.4, a_probe(), probes(), probes(), a_probe(), 1.0, facts)


def recorded(result):
    """A file that holds a recorded result."""
    if result == "table":
        return recordings.FOLDER / "cifar10-laptop.json"
    path = new_path()
    live.record(live_result(), path)
    return path


@cache
def table():
    return read_table(recorded("table"))


@cache
def capacity_rows():
    return json.loads((recordings.FOLDER / "capacity.json").read_text())["rows"]


def axes():
    return plt.subplots()[1]


def figure():
    return plt.figure()


def two_axes():
    return tuple(plt.subplots(2)[1])


@cache
def moving():
    """Sliders, and a line of a figure that they move."""
    line = plt.subplots()[1].plot([])[0]
    sliders = {"a": interactive.Slider("a number", ("1", "2"))}
    return sliders, interactive.Move(line, ("a",), [0.0, 1.0], [[0.0, 1.0], [0.0, 2.0]])


def said():
    return {"b": interactive.Reading(("a",), ("one", "two"))}


def dragged():
    return [interactive.Drag(moving()[1].line.axes, {"a": [1.0, 2.0]}, {})]


def snapshots():
    return [mechanism.Snapshot(step, 0.5, 0.5, 0.5) for step in (0, 1)]


def judged():
    return [mechanism.Judged("a", 0.1, 0.1, 0.1, 2.0)]


def dependence():
    return {"a": mechanism.Dependence(0.1, 0.1, 0.1, 0.1)}


def collapses():
    return {"a": [Collapse(0.1, 0.5, 0.5, 0.5)]}


def rotation():
    return pretexts.Rotation()


def profile():
    """A profile that is measured in a moment."""
    ssl = tiny(widths=(4, 4))
    psi = tiny(widths=(4,), architecture="perceptron")
    further = {"tuning": 2, "supervised": 1}
    return profiles.Profile("evidence", (20, 20, 200), 20, ssl, tiny_processor(), psi, **further)


def layers():
    return [probe.Layer((1,), 2)]


def scored():
    """The row of a layer that part() has chosen."""
    return [{"labels": "full", "features": "hidden", "layer": "a"}]


def labelled_pictures():
    return pictures(), values.classes()


def _on_few_features(name, train, labels, test, test_labels, *, more=None):
    """Heads on 3,072 raw pixels take seconds, and their first eight are as good here."""
    train, test = (F[:, :8] if np.ndim(F) == 2 and F.shape[1] > 1000 else F for F in (train, test))
    return probe.fit_probe(name, train, labels, test, test_labels, more=more)


def prepare():
    """Put random pictures in the place of CIFAR-10, and the small profile beside the others."""
    data.load = cifar
    part_module.fit_probe = live.fit_probe = _on_few_features
    profiles.PROFILES["evidence"] = profile()
    os.environ["SSLBOOST_DATA"] = str(new_folder())


@cache
def table_cache():
    return new_folder()


def rows_of_table():
    return [dict(row) for row in table()["runs"]]


def selection():
    """What tells a row of the table from others of its seed."""
    plain = {"arm": "ssl", "labels": "full", "pretext": "rotation"}
    return plain | {"features": "hidden"}


def ssl_rows():
    """Rows of the table that the seed tells apart."""
    return select(rows_of_table(), **selection())


def observe(step, network):
    pass


def standardised():
    from sslboost.images.batches import to_input

    return to_input(pictures(4))


def part():
    return part_module.part_of(profile(), rotation(), 0)


def table_of_full():
    """The recorded table, of one pretext and one number of labels."""
    return table() | {"runs": select(rows_of_table(), labels="full", pretext="rotation")}


def evidence_path():
    path = new_path()
    entry = {"kind": "kills", "tried": 1, "held": 1, "lost": 0, "survivors": []}
    path.write_text(json.dumps({"provenance": provenance.describe(), "kinds": [entry]}))
    return path


def triples():
    """Rows of two classes, of which x and z tell something."""
    labels = np.eye(2)[classes(40, 2)]
    X, Z = values.normal(40, 3), values.normal(40, 2)
    return sources.Triples("a", X + labels[:, :1], Z + labels[:, :1] + X[:, :2], labels, True)


@cache
def outcomes():
    return runs.run(triples(), (20,), draws=2)


@cache
def followed():
    return advised.follow(triples(), 20, draws=2)


@cache
def measured():
    return outlook.measure(triples())


def recording():
    return recordings.read(recorded("live"))


def recordings_folder():
    return recorded("live").parent


def map_panels():
    return budget_map.winners(2, 2)


#: Makers of the objects whose methods are called, by their class.
OBJECTS = {
    "GaussianPopulation": values.population,
    "MixturePopulation": values.mixture,
    "LinearMap": values.linear_map,
    "FourierMap": values.fourier_map,
    "Processor": values.linear_processor,
    "ReLUNetwork": values.network,
    "GeneralLoss": values.loss,
    "ComposedProcessor": values.composed,
    "Checkpoint": values.checkpoint,
    "Config": tiny,
    "Rotation": rotation,
    "Colourisation": pretexts.Colourisation,
    "Inpainting": pretexts.Inpainting,
    "Part": part,
    "Theorem": values.theorem,
}
