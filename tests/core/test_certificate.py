"""Certificates: what holds, what fails, and tables that cannot pass by accident."""

import pytest

from sslboost.core.certificate import Certificate, table


@pytest.mark.parametrize(
    ("certificate", "margin"),
    [
        (Certificate("upper", value=1.0, bound=3.0), 2.0),
        (Certificate("upper", value=3.5, bound=3.0, tolerance=0.25), -0.25),
        (Certificate("lower", value=1.0, bound=3.0, at_least=True), -2.0),
        (Certificate("lower", value=3.5, bound=3.0, at_least=True), 0.5),
    ],
)
def test_margin_is_the_slack_with_its_sign(certificate, margin):
    assert certificate.margin == margin
    assert certificate.holds == (margin >= 0)


@pytest.mark.parametrize("at_least", [False, True])
def test_not_a_number_never_holds(at_least):
    assert not Certificate("nan", value=float("nan"), at_least=at_least).holds


def test_a_table_passes_only_if_claims_hold_and_controls_fail():
    holds, fails = Certificate("h", 0.0, 1.0), Certificate("f", 2.0, 1.0)
    assert table(holds, controls=[fails]).passes
    assert not table(holds, fails).passes
    assert not table(holds, controls=[holds]).passes


def test_a_table_shows_verdicts_and_escapes_words():
    html = table(
        Certificate("a < b", 0.0, 1.0), controls=[Certificate("c", 2.0, 1.0)]
    )._repr_html_()
    assert "a &lt; b" in html and "holds" in html and "fails, as it must" in html


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="at least one claim"):
        table()
