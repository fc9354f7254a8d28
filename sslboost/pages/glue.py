"""Values that the text of a page quotes, in the book and outside of it.

The book's renderer, MyST-NB, takes them from metadata of the notebook's outputs. Writing these
needs none of it, so that a chapter also runs where only the package and Jupyter are.
"""

import os

import numpy as np
from IPython.core.formatters import format_display_data
from IPython.display import display

from sslboost.core.validation import takes
from sslboost.pages.figures import Figure, Html

#: Under this, outputs are kept and not shown.
_HIDDEN = "application/papermill.record/"


@takes(name=str)
def glue(name, value):
    """Keep a value under a name for the text of the page.

    Parameters
    ----------
    name : str
    value : object
        What Jupyter displays of it is kept; of a number of NumPy's, what it is of Python's.
    """
    _keep(name, value.item() if isinstance(value, np.generic) else value, shown=False)


@takes(name=str)
def place(name, figure):
    """Keep a figure for the place of the page where its number and caption stand.

    In a notebook outside of the book it is shown at once.

    Parameters
    ----------
    name : str
    figure : Figure or Html
        As of :func:`sslboost.pages.figures.show`, or what stands in its place.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if not isinstance(figure, Figure | Html):
        raise ValueError(f"figure must be a Figure or Html, got {type(figure).__name__}")
    _keep(name, figure, shown="SSLBOOST_BOOK" not in os.environ)


def _keep(name, value, *, shown):
    content, metadata = format_display_data(value)
    prefix = "" if shown else _HIDDEN
    metadata |= {"scrapbook": {"name": name, "mime_prefix": prefix}}
    display({prefix + kind: data for kind, data in content.items()}, raw=True, metadata=metadata)
