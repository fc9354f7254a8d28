"""What labels can buy: every claim holds, and every control fails."""

import pytest

from sslboost.theorems import REGISTRY
from sslboost.theorems._uses import THEOREMS


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.name)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_certificate_holds_and_the_counterexample_fails(theorem, seed):
    certificate, control = theorem.certify(seed=seed), theorem.refute(seed=seed)
    assert certificate.holds, certificate
    assert not control.holds, control


def test_no_name_is_taken():
    names = [theorem.name for theorem in (*REGISTRY, *THEOREMS)]
    assert len({*names}) == len({*REGISTRY, *THEOREMS})
