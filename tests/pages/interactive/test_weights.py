"""What the minimiser keeps: the figures say what the criteria say of the population's optimum."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sslboost import processor
from sslboost.pages.interactive import weights
from sslboost.population import latent_population

FAMILY = {"d_y": 2, "d_s": 3, "dims_x": (5, 6, 5), "dims_z": (3, 5), "y_to_z": [1.0, 0.5]}
ALT = "label directions are kept up to the critical weight"


@pytest.fixture
def member():
    return latent_population(**FAMILY)


def gaps(populations, star, **other):
    _, axes = plt.subplots(2, 1)
    for ax in axes:
        ax.set(xscale="log", xlim=(0.02, 20), ylim=(0, 1))
    return weights.gaps(**{"axes": axes, "alt": ALT} | other, populations=populations, star=star)


def test_a_member_loses_nothing_below_the_critical_weight_and_half_above_it(member, at):
    star = processor.lambda_star(member)
    leaky = latent_population(**FAMILY, leak=0.5)
    shown = gaps({"member": member, "leaky": leaky}, star)
    for share in weights.SHARES:
        said = at(shown, f"{share:g} λ*")
        kept = 2 if share < 1 else 1 if share < 4 else 0
        assert said["kept_member"] == str(kept) and said["c1_member"] == "0.00"
        assert said["lost_member"] == str(100 - 50 * kept)
    assert float(at(shown, "0.05 λ*")["c1_leaky"]) > 0.01  # the control: no right weight


def test_numbers_are_those_of_another_route(member):
    # The share of the label that is lost, from the projector on what is kept, in whitened inputs.
    mixed = latent_population(**FAMILY, mix=0.5)
    for population in (member, mixed):
        lams = np.array([0.3, 1.5, 30.0])
        kept, c1, lost = weights._measured(population, lams)
        M_y, M_z = (K @ K.T for K in (population.K_y, population.K_z))
        for i, lam in enumerate(lams):
            values, vectors = np.linalg.eigh(M_y - lam * M_z)
            Q = vectors[:, values > 1e-9]
            assert kept[i] == Q.shape[1]
            assert lost[i] == pytest.approx(1 - np.trace(Q.T @ M_y @ Q) / np.trace(M_y))
            A = population.whitening.unwhiten(Q).T
            joint = [A @ population.block("x", b) for b in "zy"]
            given_y = joint[0] - joint[1] @ np.linalg.solve(
                population.block("y", "y"), population.block("y", "z")
            )
            gap = np.linalg.norm(given_y / np.sqrt(np.diag(population.block("z", "z"))))
            assert c1[i] == pytest.approx(gap, abs=1e-9)


def test_worth_says_how_many_label_directions_are_kept(member, at):
    _, ax = plt.subplots()
    ax.set(xlim=(0, 5), ylim=(-1, 1))
    shown = weights.worth(ax, member, ALT)
    line, dropped, kept = (part["path"] for part in shown.data["parts"][:3])
    for i, share in enumerate(weights.SHARES):
        count = int(at(shown, f"{share:g} λ*")["kept"])
        assert count == (2 if share < 1 else 1 if share < 4 else 0)
        assert (kept[i].count("L"), dropped[i].count("L")) == (count, 2 - count)
    assert len(set(line)) == len(weights.SHARES)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"alt": 3}, "alt must be a str"),
        ({"axes": [1, 2]}, "axes must be a list of Axes"),
        ({"axes": None}, "axes must be a list of Axes"),
        ({"star": "1"}, "star must be a number"),
        ({"star": 0}, "star must be above 0"),
        ({"populations": {"member": 1}}, "populations must be a dict by name"),
        ({"populations": {}}, "populations must be a dict by name"),
    ],
)
def test_what_has_no_gaps_is_named(member, wrong, says):
    with pytest.raises(ValueError, match=says):
        gaps(**{"populations": {"member": member}, "star": 1.0} | wrong)


def test_worth_needs_a_population_and_its_panel(member):
    _, ax = plt.subplots()
    for wrong, says in [
        ((None, member, ALT), "ax must be a Axes"),
        ((ax, None, ALT), "population must be a GaussianPopulation"),
        ((ax, member, None), "alt must be a str"),
    ]:
        with pytest.raises(ValueError, match=says):
            weights.worth(*wrong)
