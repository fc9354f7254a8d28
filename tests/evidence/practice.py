"""What functions of core, images, theorems and pages take where it is not of the common kind."""

import numpy as np
import torch

from tests.evidence import pictures as p
from tests.evidence import values as v
from tests.evidence.kinds import (
    CARRIED,
    NOTHING,
    array,
    choice,
    choices,
    count,
    counts,
    flag,
    function,
    images,
    labels,
    number,
    path,
    rows,
    tensor,
    text,
    thing,
)
from tests.evidence.registry import ROWS, positive

_pictures = images(p.pictures)
_any_pictures = _pictures.but("one channel", "channels last")
_no_processor = thing(lambda: None).but("None")
_image_labels = labels(v.classes, classes=10)
_tensor_labels = labels(lambda: torch.tensor(v.classes()), classes=10, tensor=True)


def _numbers(width, tied=(0, 1)):
    made = tensor(lambda: torch.tensor(v.normal(40, width)), tied=tied)
    return {"targets": made, "outputs": made}


_layers = rows(p.layers, empty=False)
_part = {"part": thing(p.part), "processor": _no_processor}
_turns = {"turns": labels(p.targets, classes=4, tensor=True)}
_cell = {"profile": choice("evidence"), "pretext": choice("rotation"), "borrow": flag()}
_cell |= {"lam": number(0.1, negative=-0.1)}
_cell |= {"adversary": choice("linear"), "n0": count(10), "rng": CARRIED}
_run = {
    "profile": choice("evidence"),
    "arms": choices("processor", "beyond"),
    "pretexts": choices("rotation"),
    "adversaries": choices("linear"),
    "n0": counts(10),
    "beyond": counts(30),
    "seeds": counts(0).but("zero inside"),
    "cache_dir": path(p.table_cache).but("None"),
    "device": choice("cpu").but("None", "empty"),
    "compiled": flag(),
    "lams": rows(lambda: (0.1,)).but("numbers", "set"),
}
_alt = text("A figure without anything.")
_vertices = array(lambda: np.arange(2.0)).but(
    *("number", "with nan", "an axis more", "an axis less", "two axes more"),
    *("axis 0 longer", "axis 0 shorter", "axis 0 empty"),
)
_table_row = {"labels": choice("full"), "pretext": choice("rotation")}
_maybe_cifar = {"cifar": thing(p.cifar).but("None"), "indices": array(lambda: np.arange(20))}
_maybe_cifar |= {"columns": count(1)}
_capacity = {"rows": rows(p.capacity_rows), "live": rows(p.capacity_rows, empty=False)}
_probes = {"better": thing(p.a_probe), "worse": thing(p.a_probe)}
_selection = thing(p.selection).named("runs")
_two_tensors = {
    "features": tensor(lambda: torch.tensor(v.normal(40, 2)), tied=ROWS),
    "targets": tensor(lambda: torch.tensor(v.normal(40, 3)), tied=ROWS),
}
_followed = {"runs": rows(lambda: [p.followed()], empty=False)}
_outcomes = {"runs": rows(lambda: [p.outcomes()], empty=False)}
_theorem = {
    "name": text("A"),
    "chapter": text("01-a"),
    "statement": text("b"),
    "reference": text("c"),
    "assumptions": choices("d").but("unknown inside", "empty"),
    "construct": function(v.trial),
    "check": function(v.trial),
    "counterexample": function(v.trial),
    "label": text("e"),
}

#: Kinds of the arguments of one function, by its name within the package.
OWN = {
    "core.certificate.table": {
        "certificates": thing(v.a_certificate),
        "controls": rows(lambda: [v.a_certificate()], empty=False),
    },
    "core.checkpoints.Checkpoint": {"every": count(2)},
    "core.checkpoints.Checkpoint.load": {"identity": CARRIED},
    "core.checkpoints.Checkpoint.save": {"identity": CARRIED, "state": thing(dict).but("dict")},
    "core.differentiable.explained": {
        "F": tensor(lambda: torch.tensor(v.normal(1, 9, 2)), tied=(0, 1)),
        "T": tensor(lambda: torch.tensor(v.normal(1, 9, 3)), tied=(0, 1)),
    },
    "core.files.destination": {"name": CARRIED},
    "core.files.write_json": {"value": CARRIED},
    "core.files.write_text": {"text": text("text")},
    "core.sweep.contents.code_version": {
        "modules": thing(lambda: v).also(unknown="no_such_module")
    },
    "core.sweep.contents.digest": {"value": CARRIED, "code": flag()},
    "core.files.as_path": {"name": CARRIED, "value": path(v.new_path).named("carried")},
    "core.files.made": {"name": CARRIED, "path": path(v.new_folder).named("carried")},
    "core.linalg.as_covariance": {
        "name": CARRIED,
        "size": NOTHING,
        "value": array(lambda: np.eye(2), tied=(0, 1)).named("carried"),
    },
    "core.sweep.grids.columns": {
        "rows": rows(lambda: [{"a": 1}, {"a": 2}]).named("row").but("empty dicts")
    },
    "core.sweep.grids.grid": {"axes": rows(lambda: [1, 2]).but(*v.SEQUENCES)},
    "core.sweep.grids.run": {
        "cell": function(v.cell),
        "grid": rows(lambda: [{"a": 1.0}]).named("configuration", "cell"),
    },
    "images.batches.as_images": {"name": CARRIED},
    "images.batches.augment": {"images": _any_pictures, "pad": count(4, least=0)},
    "images.batches.Shuffled": {"rows": count(8), "batch": count(4)},
    "images.networks.config.Config": {
        "blocks": count(1),
        "epochs": positive,
        "rate": positive,
        "decay": number(0.1, negative=-0.1),
        "stride": count(1),
        "architecture": choice("narrow"),
        "threads": count(1),
    },
    "images.networks.config.Config.steps": {"images": count(20, limit=False)},
    "images.networks.config.Config.encoder": {"inputs": count(3)},
    "images.data.split": {"n": count(60), "sizes": counts(20, 20, 20)},
    "images.networks.encoders.Block": {
        name: count(2) for name in ("width_in", "width_out", "stride")
    },
    "images.networks.encoders.Group": {name: count(2) for name in ("width_in", "width_out")},
    "images.networks.encoders.WideEncoder": {"widths": counts(2, 3)},
    "images.networks.encoders.Encoder": {
        "blocks": count(1),
        "stride": count(1),
        "widths": counts(2, 3),
    },
    "images.networks.encoders.Perceptron": {"inputs": count(3)},
    "images.networks.models.PretextNetwork": {"outputs": count(4)},
    "images.networks.models.Processor": {"features": count(3), "standardised": flag(True)},
    "images.networks.models.pooled": {
        "h": tensor(lambda: torch.ones(4, 3, 2, 2)).but("an axis less", "with nan")
    },
    "images.pretexts.Rotation": {"outputs": count(4)},
    "images.pretexts.Colourisation": {"outputs": count(32)},
    "images.pretexts.Inpainting": {"outputs": count(48)},
    **{
        f"images.pretexts.{name}.{method}": _numbers(width, (1,))
        for name, width in (("Colourisation", 32), ("Inpainting", 48))
        for method in ("chance", "expectation", "vector")
    },
    **{
        f"images.pretexts.{name}.{method}": _numbers(width)
        for name, width in (("Colourisation", 32), ("Inpainting", 48))
        for method in ("loss", "score")
    },
    "images.pretexts.Rotation.apply": {"images": _any_pictures} | _turns,
    "images.pretexts.Rotation.draw": {"images": _any_pictures},
    "images.pretexts.Rotation.present": {"images": _any_pictures},
    "images.pretexts.Rotation.expectation": {"outputs": _numbers(4, (1,))["outputs"]},
    "images.pretexts.Rotation.loss": {"outputs": _numbers(4)["outputs"]},
    "images.pretexts.Rotation.score": {"outputs": _numbers(4)["outputs"]},
    "images.probe.head.best_by_held_out": {"probes": rows(p.probes)},
    "images.probe.head.fit_head": {
        "train_features": array(v.features, tied=ROWS),
        "train_labels": _image_labels,
        "more": rows(lambda: (v.features(), v.classes())).named("more_features", "more_labels"),
    },
    "images.probe.head.fit_probe": {
        "train_features": array(v.features, tied=(0, 1)),
        "train_labels": _image_labels,
        "test_features": array(v.features, tied=(0, 1)),
        "test_labels": _image_labels,
        "more": rows(lambda: (v.features(), v.classes())).named("more_features", "more_labels"),
    },
    "images.probe.mlp.fit_mlp": {
        "train_features": array(v.features, tied=(0, 1)),
        "train_labels": _image_labels,
        "test_features": array(v.features, tied=(0, 1)),
        "test_labels": _image_labels,
    },
    "images.probe.features.Layer": {"stages": counts(1)},
    "images.probe.features.layer_features": {"layers": _layers, "processor": _no_processor},
    "images.probe.features.network_outputs": {"processor": _no_processor},
    "images.probe.features.pretext_accuracy": {"processor": _no_processor},
    "images.probe.features.stage_features": {"processor": _no_processor},
    "images.processor.ProcessorConfig": {
        "network": thing(p.tiny),
        "adversary": thing(p.tiny_rival),
        "features": count(3),
        "rounds": count(2),
    },
    "images.processor.explained_share": _two_tensors,
    "images.processor.initial_processor": {"config": thing(p.tiny_processor)},
    "images.processor.linear_psi": {
        "f": tensor(lambda: torch.tensor(v.normal(40, 2)), tied=ROWS),
        "z": tensor(lambda: torch.tensor(v.normal(40, 3)), tied=ROWS),
    },
    "images.processor.train_processor": {
        "labelled": _pictures,
        "labels": _tensor_labels,
        "config": thing(p.tiny_processor),
        "adversary": choice("linear"),
        "observe": function(p.observe),
    },
    "images.lagging.train_lagging": {
        "labelled": _pictures,
        "labels": _tensor_labels,
        "config": thing(p.tiny_processor),
        "optimiser": choice("adam"),
        "rate": positive,
    },
    "images.table.cells.alternative": _cell,
    "images.table.processed.processor": _cell,
    "images.table.cells.ssl": _cell,
    "images.table.cells.supervised": _cell,
    "images.table.processed.train_y_error": {
        "extra": _pictures,
        "labels": _image_labels,
    },
    "images.table.chance.lagging": _cell | {"optimiser": choice("adam"), "rate": positive},
    "images.table.chance.decayed": _cell | {"source": choice("pixels")},
    "images.table.chance.plain": _cell | {"decay": number(0.1, negative=-0.1)},
    "images.table.chance.record_chance": {
        "profile": choice("evidence"),
        "seeds": counts(0).but("zero inside"),
    },
    "images.table.collapse.collapse": {
        "f": _no_processor,
        "decays": rows(lambda: (0.1,)).but("numbers", "set"),
    },
    "images.table.collapse.collapse_cell": _cell | {"decay": number(0.1, negative=-0.1)},
    "images.table.collapse.record_collapse": {
        "profile": choice("evidence"),
        "decays": rows(lambda: (0.1,)).but("numbers", "set"),
    },
    "images.table.part.extra_labels": {"profile": thing(p.profile), "borrow": flag()},
    "images.table.part.part_of": {"profile": thing(p.profile), "borrow": flag()},
    "images.table.part.Part.take": {"n0": count(10)},
    "images.table.part.Part.score": {
        "kind": choice("output"),
        "names": choices("a").named("name"),
        "features": rows(lambda: [v.features(200)]).named("train_features"),
        "test_features": rows(lambda: [v.features(20)]),
        "more": rows(lambda: [v.features(20)]).named("more_features"),
        "more_labels": labels(lambda: v.classes(20), classes=10),
    },
    "images.table.part.Part.score_further": {
        "rows": rows(p.scored, empty=False),
        "names": choices("a").named("name"),
        "features": rows(lambda: [v.features(200)]).named("train_features", "X"),
        "test_features": rows(lambda: [v.features(20)]).named("X_test"),
        "components": count(2),
    },
    "images.table.part.principal_components": {
        "X": array(v.features, tied=(1,)),
        "X_test": array(v.features, tied=(1,)),
        "components": count(2),
    },
    "images.table.readings.hidden_rows": _part
    | {
        "layers": _layers,
        "more": rows(p.labelled_pictures).named("more_features", "more_labels", "images"),
        "further": thing(lambda: {"seed": 0, "components": 2}),
    },
    "images.table.readings.input_rows": _part,
    "images.table.readings.output_rows": _part | {"through": array(lambda: np.eye(4), tied=ROWS)},
    "images.table.readings.told_row": {"part": thing(p.part), "labels": choice("full")},
    "images.table.record.measure": _run | {"grid": NOTHING},
    "images.table.record.read": {"path": path(lambda: p.recorded("table"))},
    "images.table.record.run": _run,
    "images.table.record.write": {
        "rows": rows(p.rows_of_table, empty=False),
        "profile": choice("evidence"),
        "seconds": number(1.0, negative=-1.0),
    },
    "images.supervised.fine_tune": {"labels": _tensor_labels},
    "images.supervised.train_classifier": {"labels": _tensor_labels},
    "images.training.initial_network": {"outputs": count(4), "inputs": count(3)},
    "images.training.one_cycle": {"module": thing(p.f)},
    "images.networks.models.processed": {
        "inputs": thing(p.standardised),
        "processor": thing(p.f).but("None"),
    },
    "images.training.train": {"processor": _no_processor},
    "theorems.certify_all": {"theorems": rows(lambda: [v.theorem()], empty=False)},
    "theorems._theorem.Theorem": _theorem,
    "theorems._theorem.Theorem.certify": {"problem": NOTHING},
    "theorems.board.Board": {"rows": rows(v.board_rows, empty=False), "folder": text("")},
    "theorems.board.load": {"path": path(v.board_path)},
    "pages.budget_map.figure": {
        "panels": thing(p.map_panels).but("dict"),
        "tried": thing(tuple).but("tuple"),
    },
    "pages.budget_map.trials": {"repetitions": count(3, least=3)},
    "pages.budget_map.winners": {"rows": count(2, least=2), "columns": count(2, least=2)},
    "pages.capacity_plots.half_way_points": _capacity | {"repetitions": count(3)},
    "pages.capacity_plots.in_tail": {"row": thing(lambda: p.capacity_rows()[0])},
    "pages.capacity_plots.outcomes": _capacity,
    "pages.capacity_plots.preference": _capacity | {"price": number(0.36, negative=-1.0)},
    "pages.capacity_plots.resampled": _capacity
    | {"architecture": choice("11-8"), "repetitions": count(3)},
    "pages.capacity_plots.summary": _capacity,
    "pages.capacity_plots.table": _capacity,
    "pages.figures.interval": {
        "ax": thing(p.axes),
        "x": array(lambda: np.arange(5.0), tied=ROWS),
        "estimate": array(lambda: np.arange(5.0), tied=ROWS),
        "standard_error": array(lambda: np.arange(5.0), tied=ROWS),
        "z": number(1.0, negative=-1.0),
    },
    "pages.figures.table": {
        "kind": text("numbers"),
        "heads": choices("a", "b").but("unknown inside", "empty", "list of texts"),
        "rows": rows(lambda: [["1", "2"]], empty=False),
        "named": flag(True),
    },
    "pages.figures.show": {"fig": thing(p.figure), "alt": text("A figure without anything.")},
    "pages.interactive.cliff.figure": {"repetitions": count(2, least=2)},
    "pages.interactive.labels.figure": {"repetitions": count(2, least=2)},
    "pages.interactive.cliff.walk": {"axes": thing(p.two_axes), "alt": _alt, "rank_z": count(3)},
    "pages.interactive.weights.gaps": {
        "axes": thing(p.two_axes),
        "populations": rows(lambda: {"a": v.population()}).but("empty"),
        "alt": _alt,
        "star": number(1.0, negative=-1.0, zero=0.0),
    },
    "pages.interactive.weights.worth": {"ax": thing(p.axes), "alt": _alt},
    "pages.interactive.parts.Slider": {
        "label": text("a number").also(blank=" "),
        "shown": choices("1", "2").but("unknown inside", "list of texts"),
        "start": count(0, least=0),
    },
    "pages.interactive.parts.slider": {
        "label": text("a number").also(blank=" "),
        "values": thing(lambda: (1, 2)),
        "start": number(1, unknown=3),
        "shown": function(str),
    },
    "pages.interactive.parts.Move": {
        "line": thing(lambda: p.moving()[1].line),
        "by": choices("a").but("unknown inside", "list of texts"),
        "x": _vertices,
        "y": _vertices,
    },
    "pages.interactive.parts.Reading": {
        "by": choices("a").but("unknown inside", "list of texts"),
        "words": choices("1", "2").but("unknown inside", "list of texts", "text array"),
    },
    "pages.interactive.parts.Drag": {
        "ax": thing(p.axes),
        "x": thing(lambda: {"a": [1.0, 2.0]}).but("dict"),
        "y": thing(dict).but("dict"),
    },
    "pages.interactive.parts.as_pair": {"axes": thing(p.two_axes)},
    "pages.interactive.widget.show": {
        "fig": thing(lambda: p.moving()[1].line.figure),
        "alt": _alt,
        "sliders": thing(lambda: p.moving()[0]),
        "moves": rows(lambda: [p.moving()[1]], empty=False),
        "says": text("It is {a}, that is {b}."),
        "readings": thing(p.said),
        "drags": rows(p.dragged, empty=False),
    },
    "pages.cifar10.plots.examples": _maybe_cifar,
    "pages.cifar10.plots.hidden": _maybe_cifar,
    "pages.cifar10.plots.rotations": _maybe_cifar,
    "pages.cifar10.plots.split_table": _maybe_cifar,
    "pages.cifar10.plots.probe_table": {"rows": rows(lambda: [("a", p.a_probe())])},
    "pages.cifar10.plots.training_curve": {"history": rows(lambda: [[0.1, 1.0, 0.3]])},
    "pages.cifar10.live.record": {"result": thing(p.live_result)},
    "pages.cifar10.live.recorded": {"path": path(lambda: p.recorded("live"))},
    "pages.cifar10.live.separation": _probes,
    "pages.cifar10.mechanism.dependence": {"labels": _image_labels},
    "pages.cifar10.mechanism.explained": {
        "A": array(lambda: v.normal(40, 2), tied=ROWS),
        "B": array(lambda: v.normal(40, 3), tied=ROWS),
    },
    "pages.cifar10.mechanism.follow": {"config": thing(p.tiny_processor), "n0": count(10)},
    "pages.cifar10.mechanism.judge": {
        "z": array(lambda: v.normal(40, 3), tied=ROWS),
        "labels": labels(lambda: v.classes(40, 10)),
    },
    "pages.cifar10.mechanism.spectrum": {"features": array(v.features)},
    "pages.cifar10.mechanism_plots.collapse_table": {"found": thing(p.collapses)},
    "pages.cifar10.mechanism_plots.dependence_table": {"measured": thing(p.dependence)},
    "pages.cifar10.mechanism_plots.judged_table": {"judged": rows(p.judged)},
    "pages.cifar10.mechanism_plots.map_figure": {
        "before": array(v.features, tied=ROWS),
        "after": array(v.features, tied=ROWS),
        "labels": labels(v.classes),
        "shown": choices("frog", "horse"),
    },
    "pages.cifar10.mechanism_plots.spectrum_figure": {
        "features": thing(lambda: {"a": v.features()})
    },
    "pages.cifar10.mechanism_plots.training_figure": {"snapshots": rows(p.snapshots)},
    "pages.real.sources.Triples": {
        "name": text("a"),
        "X": array(lambda: v.normal(40, 3), tied=ROWS),
        "Z": array(lambda: v.normal(40, 2), tied=ROWS),
        "Y": array(lambda: v.normal(40, 1), tied=ROWS),
        "classes": flag(),
    },
    "pages.real.sources.random_features": {"width": count(3), "name": text("a")},
    "pages.real.sources.docstrings": {"words": count(8, least=2), "masked": count(4, least=2)},
    "pages.real.sources.colours": {"n": count(20, least=10)},
    "pages.real.sources.halves": {"n": count(20, least=10)},
    "pages.real.outlook.predict": {"labels": counts(20, 30)},
    "pages.real.runs.run": {
        "labels": counts(20, 25),
        "draws": count(2, least=2),
        "chosen": flag(),
    },
    "pages.real.runs.fitted": {
        "pretext": thing(v.population),
        "uses": choices("augmented head"),
        "c": number(0.5),
        "chosen": flag(),
    },
    "pages.real.advised.follow": {"labels": count(20, least=2), "draws": count(2, least=2)},
    "pages.real.plots.interval": {
        "values": array(lambda: np.arange(5.0)),
        "level": number(0.9, negative=-0.1, zero=0.0, one=1.0),
    },
    "pages.real.plots.best_run": {"outcomes": thing(p.outcomes), "i": count(0, least=0)},
    "pages.real.plots.misses": _outcomes,
    "pages.real.plots.plus_minus": {
        "values": array(lambda: np.arange(5.0)),
        "percent": flag(),
    },
    "pages.real.followed_plots.followed": _followed,
    "pages.real.followed_plots.followed_table": _followed,
    "pages.real.plots.panels": _outcomes,
    "pages.real.plots.winners_table": _outcomes,
    "pages.real.plots.boosts_table": _outcomes,
    "pages.real.plots.measured_table": {"measured": thing(lambda: {"a": p.measured()})},
    "pages.recordings.read": {"path": path(lambda: p.recorded("live"))},
    "pages.recordings.note": {"recording": thing(p.recording)},
    "pages.recordings.table": {"folder": path(p.recordings_folder)},
    "pages.recordings.read_evidence": {"path": path(p.evidence_path)},
    "pages.recordings.evidence": {"path": path(p.evidence_path)},
    "pages.cifar10.report.collapse_table": {
        "full": thing(lambda: {1000: [0.1, 0.2]}),
        "half": thing(lambda: {1000: [0.1, 0.2]}),
    },
    "pages.cifar10.report.estimate": {
        "runs": rows(p.ssl_rows, empty=False),
        "column": choice("accuracy").named("runs"),
    },
    "pages.cifar10.plots.labels_figure": _table_row,
    "pages.cifar10.report.nearest_to_chance": {"values": NOTHING, "table": thing(p.table_of_full)},
    "pages.cifar10.report.processor_table": _table_row
    | {"last": flag(), "features": choice("hidden")},
    "pages.cifar10.report.separation": {"better": _selection, "worse": _selection},
}
