"""On the reader's own data: advice on what labels can do, and estimators that do it."""

import importlib

#: Where a name is, which is imported when it is asked for: a command's help needs none of them.
_WHERE = {
    "AdviceWarning": "answer",
    "PretextClassifier": "estimator",
    "PretextRegressor": "estimator",
    "Report": "report",
    "advise": "answer",
    "advise_file": "answer",
}

__all__ = [
    "AdviceWarning",
    "PretextClassifier",
    "PretextRegressor",
    "Report",
    "advise",
    "advise_file",
]


def __getattr__(name):
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__():
    return __all__
