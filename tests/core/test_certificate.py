"""Certificates: what holds, what fails, and tables that cannot pass by accident."""

import dataclasses
import math

import numpy as np
import pytest

from sslboost.core.certificate import (
    Certificate,
    CertificateTable,
    limit,
    mathematics,
    measured,
    number,
    table,
)


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
@pytest.mark.parametrize("field", ["value", "bound", "tolerance"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_with_a_number_that_is_not_finite_nothing_holds(at_least, field, number):
    certificate = Certificate("odd", **{"value": 0.0, field: number}, at_least=at_least)
    assert certificate.holds is False
    assert not table(certificate).passes


def test_numbers_of_any_kind_are_kept_as_floats():
    kinds = [1, 1.0, np.float32(1), np.int64(1), np.array(1.0)]
    certificates = [Certificate("c", k, k, k, seeds=[np.int64(3)]) for k in kinds]
    assert set(certificates) == {Certificate("c", 1.0, 1.0, 1.0, seeds=(3,))}
    for certificate in certificates:
        assert (
            type(certificate.value) is type(certificate.bound) is type(certificate.margin) is float
        )
        assert type(certificate.holds) is bool
        assert certificate.seeds == (3,)
    assert dataclasses.replace(certificates[0], value=2).margin == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"claim": 3}, "claim must be text, got 3"),
        ({"claim": None}, "claim must be text"),
        ({"value": "1"}, "value must be a number, got '1'"),
        ({"value": None}, "value must be a number"),
        ({"value": True}, "value must be a number"),
        ({"value": 1j}, "value must be a number"),
        ({"value": np.ones(1)}, "value must be a number"),
        ({"value": np.ma.masked}, "value must be a number"),
        ({"value": [1, [2]]}, "value must be a number"),
        ({"bound": 10**400}, "bound must be a number"),
        ({"tolerance": object()}, "tolerance must be a number"),
        ({"at_least": 1}, "at_least must be True or False, got 1"),
        ({"seeds": 3}, "seeds must be a tuple of integers, got 3"),
        ({"seeds": "12"}, "seeds must be a tuple of integers"),
        ({"seeds": (1, 2.5)}, "seed must be an integer of at least 0, got 2.5"),
    ],
)
def test_fields_of_another_kind_are_named(fields, message):
    with pytest.raises(ValueError, match=message):
        Certificate(**{"claim": "c", "value": 0.0} | fields)


def test_a_table_passes_only_if_claims_hold_and_controls_fail():
    holds, fails = Certificate("h", 0.0, 1.0), Certificate("f", 2.0, 1.0)
    assert table(holds, controls=[fails]).passes
    assert not table(holds, fails).passes
    assert not table(holds, controls=[holds]).passes


def test_a_table_shows_verdicts_and_escapes_words():
    html = table(
        Certificate("a < b", 0.0, 1.0), controls=[Certificate("c", 2.0, 1.0)]
    )._repr_html_()
    assert "a &lt; b" in html and "Control: c" in html
    assert "<summary>1 check holds, 1 control fails, as it must</summary>" in html
    assert "<td>0</td><td>&le;&nbsp;1</td><td>holds</td>" in html


def test_what_fails_is_unfolded_and_counted():
    holds, fails = Certificate("h", 0.0, 1.0), Certificate("f", 2.0, 1.0)
    several = table(holds, holds, controls=[fails, fails])._repr_html_()
    assert "2 checks hold, 2 controls fail, as they must" in several and " open" not in several
    wrong = table(holds, fails, controls=[holds, fails])._repr_html_()
    assert '<details class="check" open>' in wrong
    assert "1 of 2 checks FAILS, 1 of 2 controls HOLDS, and should not" in wrong


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[
            (0.0, "0"),
            (-3e-17, "&lt;&nbsp;1e−12"),
            (1.493e-116, "&lt;&nbsp;1e−12"),
            (2e-12, "2e−12"),
        ],
        *[(0.30312, "0.303"), (260.4, "260"), (99999, "99999"), (123456.0, "1.2e5")],
        *[(-1.444, "−1.44"), (0.00056, "5.6e−4"), (1.0, "1"), (12.0, "12"), (0.95, "0.95")],
        *[(float("nan"), "nan"), (float("-inf"), "−inf"), (1e-6, "1e−6"), (100.0, "100")],
    ],
)
def test_numbers_have_the_digits_that_a_reader_would_give(value, text):
    assert number(value) == text


def test_a_measured_value_is_rounding_only_where_its_limit_is_no_smaller():
    assert measured(1.5e-16, 0.0, 1.1e-13, False) == "1.5e−16"
    assert measured(1.5e-16, 0.0, 1e-9, False) == "&lt;&nbsp;1e−12"
    assert measured(1.5e-16, 1e-7, 0.0, True) == "&lt;&nbsp;1e−12"
    assert "<td>1.5e−16</td>" in table(Certificate("c", 1.5e-16, 1.1e-13))._repr_html_()


def test_a_limit_is_a_number_however_small():
    assert (
        limit(0.0, 2.5e-13, False) == "&le;&nbsp;2.5e−13"
        and limit(1.0, 0.25, True) == "&ge;&nbsp;0.75"
    )


def test_a_table_tells_margins_in_text():
    holds, fails = Certificate("h", 0.0, 1.0), Certificate("f", 2.0, 1.0)
    assert repr(table(holds, controls=[fails])) == "h: margin 1\nControl: f: margin -1"


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="at least one claim"):
        table()
    with pytest.raises(ValueError, match="at least one claim"):
        CertificateTable([])


@pytest.mark.parametrize("wrong", [3, None, "text", Certificate("c", 0.0), [3], ["c"]])
def test_what_is_no_certificate_is_refused(wrong):
    holds = Certificate("h", 0.0, 1.0)
    with pytest.raises(ValueError, match=r"controls must be (a sequence )?of Certificate, got"):
        table(holds, controls=wrong)
    with pytest.raises(ValueError, match=r"certificates must be (a sequence )?of Certificate, got"):
        CertificateTable(wrong)
    with pytest.raises(ValueError, match="certificates must be of Certificate"):
        table(holds, [holds])


def test_mathematics_stands_between_dollar_signs():
    shown = mathematics("$n_0 < m$ & $x$ holds")
    math = '<span class="math notranslate">\\({}\\)</span>'
    assert shown == f"{math.format('n_0 &lt; m')} &amp; {math.format('x')} holds"
    row = table(Certificate("at $x$", 0.0, 1.0))._repr_html_()
    assert f"<td>at {math.format('x')}</td>" in row
