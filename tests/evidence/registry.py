"""What arguments of the package's functions are, by their names."""

import numpy as np

from tests.evidence import pictures as p
from tests.evidence import values as v
from tests.evidence.kinds import (
    array,
    choice,
    count,
    counts,
    flag,
    function,
    images,
    labels,
    number,
    numbers,
    path,
    rng,
    rows,
    seed,
    text,
    thing,
)

ROWS, BOTH = (0,), (0, 1)
count_or_infinite = count(30).but("infinite")
lam = number(0.1, negative=-0.1)
positive = number(0.1, negative=-0.1, zero=0)
share = numbers(0.5, negative=-0.1, zero=0, above_one=1.5)
positives = numbers(0.1, negative=-0.1, zero=0)
ratio = numbers(2.0, negative=-1.0, zero=0.0).but("infinite")
strength = numbers(1.0)
block = choice("x").also(unknown="w", two="xz")
square = {"not square": np.ones((2, 3)), "not symmetric": np.array([[1.0, 0.5], [0.1, 1.0]])}
square["indefinite"] = np.array([[1.0, 2.0], [2.0, 1.0]])
covariance = array(lambda: np.eye(2)).also(**square)
features = array(v.features, tied=ROWS)
table = thing(p.table)
runs = rows(p.rows_of_table, empty=False)
network = thing(p.pretext_network)
processor_matrix = array(lambda: v.normal(2, 8), tied=(1,)).but("axis 0 empty")

#: Kinds by the name of the argument, wherever it is not told otherwise.
COMMON = {
    "population": thing(v.population),
    "mixture": thing(v.mixture),
    "A": processor_matrix,
    "X": array(lambda: v.sample("x"), tied=ROWS),
    "Y": array(lambda: v.sample("y"), tied=ROWS),
    "Z": array(lambda: v.sample("z"), tied=ROWS),
    "F": array(lambda: v.normal(40, 2), tied=ROWS),
    "X_extra": array(lambda: v.few("x"), tied=BOTH),
    "Y_extra": array(lambda: v.few("y"), tied=BOTH),
    "R": covariance,
    "lam": lam,
    "rng": rng(),
    "seed": seed(),
    "n": count(50),
    "n0": count(8),
    "n1": count(30),
    "n2": count(30),
    "d_f": count(2),
    "d_x": count(8),
    "d_z": count(4),
    "d_y": count(2),
    "k": count(2),
    "rank": count(1, limit=False),
    "repetitions": count(2),
    "intercept": flag(),
    "progress": flag(),
    "replace": flag(True),
    "compiled": flag(),
    "device": choice("cpu").but("None"),
    "images": images(p.pictures),
    "labels": labels(v.classes),
    "pretext": thing(p.rotation),
    "triples": thing(p.triples),
    "config": thing(p.tiny),
    "processor": thing(p.f),
    "checkpoint": thing(v.checkpoint),
    "generator": thing(p.generator),
    "batch": count(20),
    "grid": count(2),
    "cifar": thing(p.cifar),
    "parts": thing(p.parts),
    "f": thing(p.f),
    "network": network,
    "encoder": thing(p.encoder),
    "table": table,
    "runs": runs,
    "path": path(v.new_path),
    "cache_dir": path(v.new_folder),
    "n_jobs": count(1).also(**{"0": 0}).but("-1", "-1000000000000000000", "1e18"),
    "name": text("name"),
    "loss": function(v.loss()),
    "widths": counts(6, 5),
    "ratio": ratio,
    "k2": share,
    "kappa2": positives,
    "t": numbers(0.5, negative=-0.1, above_one=1.5),
    "features": features,
    "column": choice("accuracy"),
    "code_version": text("1"),
    "alpha": number(0.5, negative=-0.1, above_one=1.5),
    "inputs": thing(v.inputs),
    "steps": count(2),
    "targets": labels(p.targets, classes=4, tensor=True),
    "outputs": array(lambda: v.normal(40, 4), tied=BOTH),
    "scored": count(20),
    "spread": number(0.1, negative=-0.1),
    "draws": count(2),
    "cov": covariance,
    "d_in": count(2),
    "d_out": count(2),
    "problem": thing(v.fitting_problem),
}
