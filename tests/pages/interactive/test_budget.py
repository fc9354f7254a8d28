"""The budget's figure says what the formulas of the package say."""

import numpy as np
import pytest

from sslboost.pages.interactive import budget as shown_budget
from sslboost.population import copying_population
from sslboost.uses import budget


@pytest.fixture(scope="module")
def shown():
    return shown_budget.figure()


def test_a_position_says_the_risk_of_every_use_and_the_best_that_data_give(shown, at):
    rng, seen = np.random.default_rng(0), set()
    for _ in range(30):
        labels, k, r = (
            int(rng.choice(one))
            for one in (shown_budget.LABELS, shown_budget.SIGNAL, shown_budget.RHO)
        )
        said = at(shown, str(labels), f"{k} %", f"{r} %")
        law = copying_population(k / 100, r / 100, **shown_budget.LAW)
        found = budget.risks(law, labels)
        with_told = found | {"told Δ": budget.told_delta(law, labels)}
        for use, (key, _) in shown_budget._LINES.items():
            word = "infinite" if np.isinf(with_told[use]) else f"{with_told[use]:.3f}"
            assert said[key] == word
        assert said["best"] == budget.best(found)
        assert said["risk"] == f"{min(found.values()):.3f}"
        assert said["floor"] == f"{1 - k / 100:.2f}"
        seen.add(said["best"])
    assert len(seen) >= 3


def test_with_least_norm_it_is_plain_ssl_where_that_is_finite(shown, at):
    for labels in (12, 50, 1000):
        risks = budget.risks(copying_population(**shown_budget.LAW), labels)
        assert risks["minimum norm"] == risks["plain SSL"] < np.inf
