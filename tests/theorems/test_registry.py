"""Every theorem's certificate holds, every counterexample fails, and the board tells both."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sslboost.core.certificate import Certificate
from sslboost.theorems import REGISTRY, Theorem, __main__, certify_all
from sslboost.theorems._theorem import agrees, not_rejected
from sslboost.theorems.board import Board

BOOK = Path(__file__).resolve().parents[2] / "book"
THEOREMS = pytest.mark.parametrize("theorem", REGISTRY, ids=lambda t: t.name)


@THEOREMS
@pytest.mark.parametrize("seed", [0, 1])
def test_the_certificate_holds_and_the_counterexample_fails(theorem, seed):
    certificate, control = theorem.certify(seed=seed), theorem.refute(seed=seed)
    assert certificate.holds, certificate
    assert not control.holds, control
    assert certificate.seeds == (seed,)
    assert certificate.claim == f"{theorem.name}: {theorem.statement}"


@THEOREMS
def test_a_theorem_says_where_it_is_from_and_what_it_assumes(theorem):
    assert theorem.assumptions
    assert theorem.statement
    assert theorem.reference
    assert theorem.chapter[:2].isdigit()


@THEOREMS
def test_the_chapter_states_the_theorem(theorem):
    chapter = BOOK / f"{theorem.chapter}.md"
    assert chapter.is_file()
    anchors = f":label: {theorem.label}\n", f"({theorem.label})=\n"
    assert not theorem.label or any(a in chapter.read_text("utf-8") for a in anchors)


def test_names_are_unique():
    names = [theorem.name for theorem in REGISTRY]
    assert len(set(names)) == len(names)


def test_the_slides_claims_are_all_there():
    claims = " ".join(f"{t.name}: {t.statement}" for t in REGISTRY)
    needed = [
        *(f"Theorem {i} " for i in (1, 2, 3, 4)),
        *(f"Panel ({letter})" for letter in "abc"),
        *(f"Capacity of {name}" for name in ("linear", "two-layer", "multi-layer")),
        *(f"Õ(dim {name})" for name in "xyz"),
        *(f"Processor with {cell}" for cell in ("(C1) and (C2)", "(C1) alone", "(C2) alone")),
        "Processor with neither",
        "Existence",
        "Constant error",
        "Better not to use them",
    ]
    assert [name for name in needed if name not in claims] == []


def test_a_certificate_of_a_given_problem_and_seed_is_reproducible():
    theorem = next(t for t in REGISTRY if t.name == "Existence")
    problem = theorem.counterexample(np.random.default_rng(5))
    assert not theorem.certify(problem).holds
    assert theorem.certify(seed=3) == theorem.certify(seed=3)
    assert theorem.certify(seed=3) != theorem.certify(seed=4)


def test_agreement_has_the_stated_power_and_allowance():
    draws = np.random.default_rng(0).standard_normal(10_000)
    assert agrees(draws, 0.0).holds
    assert not agrees(draws, 0.1).holds
    assert agrees(draws, 0.1, allowance=0.1).holds
    assert not_rejected(0.3, 0.01).holds
    assert not not_rejected(0.3, 1e-9).holds


def toy(value, control):
    def judge(problem, rng):
        return Certificate("", problem, 1.0, 0.5)

    return Theorem(
        f"Toy {value} < 1",
        "02-criteria",
        "x < 1 & more",
        "nowhere",
        ("small",),
        lambda rng: value,
        judge,
        lambda rng: control,
        "thm-existence",
    )


def test_the_board_tells_what_holds_and_what_fails():
    rows = certify_all([toy(0.25, 2.0)])
    assert rows[0] | {"seconds": 0} == {
        "claim": "Toy 0.25 < 1: x < 1 & more",
        "chapter": "02-criteria",
        "label": "thm-existence",
        "value": 0.25,
        "bound": 1.0,
        "at_least": False,
        "tolerance": 0.5,
        "margin": 1.25,
        "holds": True,
        "control_fails": True,
        "seeds": [0],
        "seconds": 0,
    }
    board = Board(rows, "book/")
    assert board.passes
    html = board._repr_html_()
    assert '<a href="book/02-criteria.html#thm-existence">Chapter 2</a>' in html
    assert "<strong>Toy 0.25 &lt; 1</strong><br>x &lt; 1 &amp; more" in html
    assert "1 of 1 claims hold" in html
    assert "<td>&le; 1.5</td><td>1.2</td><td>holds</td><td>fails, as it must</td>" in html
    assert "margin 1.25: Toy" in repr(board)


@pytest.mark.parametrize(
    ("value", "control", "words"),
    [(3.0, 2.0, "FAILS"), (float("nan"), 2.0, "FAILS"), (0.0, 0.0, "HOLDS, and should not")],
)
def test_the_board_hides_no_failure(value, control, words):
    board = Board(certify_all([toy(0.0, 2.0), replace(toy(value, control), name="other")]))
    assert not board.passes
    assert words in board._repr_html_()
    assert "1 of 2 claims hold" in board._repr_html_()


def test_an_empty_board_does_not_pass():
    assert not Board([]).passes


def test_the_command_writes_certificates_and_board(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(__main__, "certify_all", lambda seed: certify_all([toy(0.0, 2.0)], seed))
    out, html = tmp_path / "new" / "certificates.json", tmp_path / "board.html"
    assert __main__.main(["--out", str(out), "--board", str(html), "--seed", "7"])
    rows = json.loads(out.read_text("utf-8"))
    assert rows[0]["seeds"] == [7]
    assert html.read_text("utf-8") == Board(rows)._repr_html_() + "\n"
    assert "holds, control fails" in capsys.readouterr().out
    assert not list(tmp_path.rglob("*.part"))
    monkeypatch.setattr(__main__, "certify_all", lambda seed: certify_all([toy(9.0, 2.0)], seed))
    assert not __main__.main([])


def test_a_wrong_argument_is_one_line(capsys):
    with pytest.raises(SystemExit):
        __main__.main(["--seed", "-1"])
    assert "--seed: must be at least 0, got -1" in capsys.readouterr().err.splitlines()[-1]


def test_the_registry_needs_neither_torch_nor_plotting():
    code = "import sys, sslboost.theorems; print({'torch', 'matplotlib'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "set()"
