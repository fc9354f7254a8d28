"""Malformed calls of every public function: each must be refused by name, at the door."""

import importlib
import inspect
import multiprocessing
import pkgutil
import re
import tempfile
import traceback
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import sslboost
from tests.evidence import pictures, practice, theory
from tests.evidence.apart import apart
from tests.evidence.kinds import NOTHING, Kind
from tests.evidence.registry import COMMON

PACKAGE = Path(sslboost.__file__).parent

_DOOR = "a door itself, which the calls of others go through"
_BENEATH = "beneath the doors: takes what they have checked, or what the package made"

#: What is not called, and why: modules, functions and classes by the start of their names.
NOT_CALLED = {
    "core.validation": _DOOR,
    "advice.estimator": "scikit-learn's own checks and the table of its tests call them",
    "advice.judgement": _BENEATH,
    "advice.law": _BENEATH,
    "advice.picture": _BENEATH,
    "advice.rows": _BENEATH,
    "images.checks": _DOOR,
    "images.networks.models.check_reads": _DOOR,
    "pages.figures.as_": _DOOR,
    "pages.real.outlook.as_": _DOOR,
    "core.linalg": _BENEATH,
    "core.lbfgs": _BENEATH,
    "images.networks.models.drawn": _BENEATH,
    "images.probe.features.as_layers": _DOOR,
    "images.probe.given": _DOOR,
    "images.table.chance.train_on_features": _BENEATH,
    "images.table.common": _BENEATH,
    "images.table.recording": _BENEATH,
    "images.table.readings.mirrored": _BENEATH,
    "images.training.descend": _BENEATH,
    "images.training.outputs_of": _BENEATH,
    "core.checkpoints.run": _BENEATH,
    "core.checkpoints.identity": _BENEATH,
    "core.command": "met by the command lines",
}
CALLED = ("core.linalg.as_covariance",)

#: Records that functions return and users read.
RECORDS = (
    *(
        "AdviceWarning",
        "Audit",
        "Certificate",
        "CertificateTable",
        "Cifar10",
        "Collapse",
        "ComposedProcessor",
    ),
    *("Choice", "Coordinates", "CriterionTest", "Dependence", "Estimate", "Figure"),
    *("FittingProblem", "FourierMap", "Html", "Innovation", "Inputs", "Judged", "Limit"),
    *("Interactive", "LiveResult", "budget_map.Panel", "Trial"),
    *(
        "Followed",
        "Head",
        "Lagging",
        "Measured",
        "Mechanism",
        "Membership",
        "Outcomes",
        "Part",
        "Pretext",
        "Probe",
        "Profile",
        "Recording",
        "Report",
        "Snapshot",
        "Solutions",
        "Split",
    ),
    *("Survey", "Trained", "TrainedProcessor", "optimum.Processor"),
)


@dataclass(frozen=True)
class Door:
    """A public function, or a method of an object, and the kinds of its arguments."""

    name: str
    call: object
    kinds: dict[str, Kind]
    variadic: frozenset = frozenset()

    def arguments(self):
        """Right values of all arguments, made afresh."""
        return {name: kind.make() for name, kind in self.kinds.items()}

    def __call__(self, arguments):
        """Call it with arguments by name; those of ``*names`` are passed by position."""
        arguments = dict(arguments)
        positional = [arguments.pop(name) for name in self.variadic if name in arguments]
        result = self.call(*positional, **arguments)
        if hasattr(result, "__enter__") and inspect.isgeneratorfunction(inspect.unwrap(self.call)):
            with result:
                return None
        return result


@cache
def doors():
    """All public functions of the package as doors, in the order of their names."""
    found = {}
    for module in _modules():
        handed_on = getattr(module, "__all__", ())
        for name, value in vars(module).items():
            home = getattr(value, "__module__", None) or ""
            own = home == module.__name__ or (name in handed_on and home.startswith("sslboost."))
            if own and not name.startswith("_") and callable(value):
                found[f"{home}.{value.__qualname__}".removeprefix("sslboost.")] = value
    made = [door for name, value in sorted(found.items()) for door in _doors_of(name, value)]
    return [door for door in made if door.kinds]


def _modules():
    for info in pkgutil.walk_packages(sslboost.__path__, "sslboost."):
        if not any(part.startswith("_") for part in info.name.split(".")[1:]):
            yield importlib.import_module(info.name)


def _doors_of(name, value):
    skipped = any(name.startswith(start) for start in NOT_CALLED) and name not in CALLED
    if skipped or name.endswith(".main"):
        return
    if inspect.isfunction(value):
        yield _door(name, value)
    elif inspect.isclass(value):
        record = any(f".{name}".endswith(f".{record}") for record in RECORDS)
        if not record and not issubclass(value, Exception):
            yield _door(name, value)
        make = pictures.OBJECTS.get(value.__name__)
        fields = getattr(value, "__dataclass_fields__", ())
        for method, function in inspect.getmembers(value, inspect.isfunction):
            ours = function.__module__.startswith("sslboost") and method not in fields
            if ours and (not method.startswith("_") or method == "__call__") and make:
                yield from _method(name, method, value, make)


def _method(name, method, kind, make):
    """The door of a method of a made object, or the reason why none could be made."""
    name = f"{name}.{method}"
    try:
        made = make()
    except Exception as error:
        kinds = {"self": _unknown(f"no object could be made: {error!r}")}
        yield Door(name, getattr(kind, method), kinds)
    else:
        if isinstance(made, kind):
            yield _door(name, getattr(made, method))


def _door(name, function):
    """A door, of which an argument that the registry does not know is found out when called."""
    own = {**theory.OWN, **practice.OWN}.get(name, {})
    kinds, variadic = {}, set()
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        kinds |= {key: kind for key, kind in own.items() if key not in parameters}
    for parameter in parameters.values():
        kind = own.get(parameter.name, COMMON.get(parameter.name))
        if parameter.kind is parameter.VAR_POSITIONAL:
            variadic.add(parameter.name)
        left_out = own.get(parameter.name, "") is NOTHING or parameter.kind is parameter.VAR_KEYWORD
        if kind is None and not left_out:
            kind = _unknown(f"the registry knows no right value of {parameter.name}")
        if kind is not None:
            kinds[parameter.name] = _with_default(kind, parameter.default)
    return Door(name, function, kinds, frozenset(variadic))


def _unknown(message):
    def make():
        raise LookupError(message)

    return Kind(make, lambda right: {})


def _with_default(kind, default):
    return replace(kind, optional=default is None)


def lost_calls(report=print):
    """Make every malformed call, two doors at a time.

    Parameters
    ----------
    report : callable
        Told of every door how many of its calls were lost.

    Returns
    -------
    tried : int
    lost : list of dict
        ``what`` was called how, and ``why`` it counts as lost.
    """
    tried, lost = 0, []
    pictures.prepare()
    names = [door.name for door in doors()]
    with (
        tempfile.TemporaryDirectory() as scratch,
        ProcessPoolExecutor(2, multiprocessing.get_context("fork"), _settle, (scratch,)) as pool,
    ):
        for name, (made, found) in zip(names, pool.map(_lost_of, names), strict=True):
            tried, lost = tried + made, lost + found
            report(f"{name}: {made} calls, {len(found)} lost")
    return tried, lost


def _settle(scratch):
    tempfile.tempdir = scratch
    warnings.simplefilter("ignore")


def _lost_of(name):
    door = next(door for door in doors() if door.name == name)
    try:
        return lost_of(door)
    except LookupError as error:
        return 0, [{"what": name, "why": str(error)}]


def lost_of(door):
    """Return how many malformed calls one door has, and those that were lost."""
    wrong = [(name, what) for name, kind in door.kinds.items() for what in kind.wrongs()]
    calls = [partial(_right, door), *(partial(_judge, door, *call) for call in wrong)]
    lost = [
        {"what": f"{door.name}: {' = '.join(call)}", "why": answer}
        for call, answer in zip([("right",), *wrong], apart(calls), strict=True)
        if answer is not None
    ]
    return len(wrong), lost


def _right(door):
    """Why a right call failed, without which no wrong one would mean anything."""
    try:
        door(door.arguments())
    except Exception as error:
        return f"a right call failed: {error!r}"


def _judge(door, name, what):
    """Why a malformed call was lost; None where it was refused by name."""
    kind, arguments = door.kinds[name], door.arguments()
    arguments[name] = kind.wrongs(arguments[name])[what]
    try:
        door(arguments)
    except Exception as error:
        # A length that fits no other argument may be laid to either.
        mismatch = what.endswith(("longer", "shorter"))
        others = {other for kind in door.kinds.values() for other in kind.called}
        return _leak(error, {*door.kinds, *others} if mismatch else (name, *kind.called), door)
    return "was answered"


def _leak(error, names, door):
    frame = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{type(error).__name__} of {Path(frame.filename).name}:{frame.lineno}: {error}"
    said = " ".join(said.split())[:200]
    if isinstance(error, OSError) and "OSError" in (door.call.__doc__ or ""):
        return None
    ours = PACKAGE in Path(frame.filename).parents and frame.line.startswith("raise")
    if not ours or not isinstance(error, ValueError):
        return said
    if not any(re.search(rf"\b{re.escape(name)}\b", str(error)) for name in names):
        return f"does not name {' or '.join(sorted(names))}: {said}"
    return None
