"""The book in one picture: the README's figure and the front page's."""

import matplotlib.pyplot as plt
import numpy as np

from sslboost.core import files
from sslboost.pages import figures
from sslboost.pages.figures import PALETTE
from sslboost.population import latent_population
from sslboost.representation import risk


def overview():
    """Draw the book in one picture: exact downstream risk against the number of labels.

    One population, four ways to use n2 labels: on raw x, on psi*, on psi* after a processor that
    meets (C1) and (C2), and on psi* after a processor learned from too few labels.

    Returns
    -------
    matplotlib.figure.Figure

    Source: slides "Why Does Pretext-Based SSL Work?" and "Remark of Theorem 2".
    """
    population = latent_population(2, 18, dims_x=(20, 30, 50), dims_z=(3, 27), rng=0)
    total = np.trace(population.block("y", "y"))
    U = population.whitening.unwhiten(population.U).T
    psi = population.best_linear("z", "x")
    ways = [
        ("labels on raw $x$", np.eye(population.d_x), PALETTE["grey"]),
        ("standard SSL", psi, PALETTE["blue"]),
        ("ideal processor", U, PALETTE["green"]),
    ]
    fig, ax = plt.subplots(figsize=(4.8, 4.6))
    for name, A, colour in ways:
        k = risk.whitened_span(population, A).shape[1]
        R = risk.residual_cov(population, A)
        n2 = np.unique(np.geomspace(k + 2, 3000, 200).astype(int))
        curve = [risk.expected_risk(R, k, int(n)) / total for n in n2]
        ax.plot(n2, curve, color=colour, label=f"{name}: {k} numbers to fit")
    ax.axhline(1, color=PALETTE["orange"], label="processor learned from too few labels")
    ax.axhline(population.floor / total, color=PALETTE["gold"], ls=":", label="Bayes risk")
    ax.set(xscale="log", xlim=(4, 3000), ylim=(0, 1.5))
    ax.set_xlabel("downstream labels $n_2$")
    ax.set_ylabel(r"risk, as a share of tr $\Sigma_{yy}$")
    fig.legend(loc="outside upper left")
    return fig


OVERVIEW_ALT = (
    "Exact downstream risk against the number of labels: an ideal processor needs the fewest, "
    "standard self-supervised learning more, raw inputs most, and a processor learned from too "
    "few labels stays at the risk of guessing however many labels follow."
)


def write(path):
    """Write the overview picture as a file that stands on its own.

    Parameters
    ----------
    path : path-like
        SVG file, which appears whole or not at all.

    Raises
    ------
    ValueError
        If no file can be written there.
    OSError
        If the file cannot be written.
    """
    path = files.destination("path", path)
    figures.use()
    # A file has no page to take its text colour from: dark ink on a white card.
    svg = figures.show(overview(), OVERVIEW_ALT).svg.replace("currentColor", "#1f2328")
    card = '<rect width="100%" height="100%" fill="#ffffff"/>'
    end = svg.index(">") + 1
    files.write_text(path, svg[:end] + card + svg[end:])
