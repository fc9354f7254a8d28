"""Every theorem's certificate holds, every counterexample fails, and the board tells both."""

import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sslboost import theorems
from sslboost.core.certificate import Certificate
from sslboost.theorems import REGISTRY, Theorem, __main__, board, certify_all
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


@pytest.mark.parametrize("p_values", [(np.nan,), (0.5, np.nan), (np.nan, 0.5)])
def test_a_p_value_that_is_no_number_is_a_rejection(p_values):
    assert not not_rejected(*p_values).holds


def test_draws_that_are_no_numbers_agree_with_nothing():
    for draws in ([np.nan, 1.0], [1e200, -1e200, 3e200], [1.0]):
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            assert not agrees(np.array(draws), 1.0).holds


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


def test_a_seed_draws_the_problem_and_what_its_check_needs():
    drawing = replace(
        toy(0.0, 0.0),
        construct=lambda rng: rng.random(),
        check=lambda problem, rng: Certificate("", problem, rng.random()),
    )
    first, again, other = (drawing.certify(seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.value != other.value and first.bound != other.bound
    assert first.value != first.bound  # two generators, not one twice


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
    shown = Board(rows, "book/")
    assert shown.passes
    html = shown._repr_html_()
    link = '<a href="book/02-criteria.html#thm-existence">Toy 0.25 &lt; 1</a><br>'
    assert link + "x &lt; 1 &amp; more" in html
    assert "1 of 1 claims hold" in html
    assert "Chapter 2: 1 claim holds, its control fails, as it must" in html
    assert "<td>0.25</td><td>&le;&nbsp;1.5</td><td>fails, as it must</td>" in html
    assert "margin 1.25: Toy" in repr(shown)


@pytest.mark.parametrize(
    ("value", "control", "words"),
    [(3.0, 2.0, "FAILS"), (float("nan"), 2.0, "FAILS"), (0.0, 0.0, "HOLDS, and should not")],
)
def test_the_board_hides_no_failure(value, control, words):
    shown = Board(certify_all([toy(0.0, 2.0), replace(toy(value, control), name="other")]))
    assert not shown.passes
    assert words in shown._repr_html_()
    assert "1 of 2 claims hold" in shown._repr_html_()
    assert '<details class="check" open>' in shown._repr_html_()


def test_an_empty_board_does_not_pass():
    assert not Board([]).passes


@pytest.fixture
def toys(monkeypatch):
    """Make the command run one small theorem, whose claim holds or not."""

    def use(value):
        monkeypatch.setattr(__main__, "REGISTRY", (toy(value, 2.0),))

    return use


def test_the_command_writes_certificates_and_board(tmp_path, toys, capsys):
    toys(0.0)
    out, html = tmp_path / "certificates.json", tmp_path / "board.html"
    assert __main__.main(["--out", str(out), "--board", str(html), "--seed", "7"]) == 0
    rows = json.loads(out.read_text("utf-8"))
    assert rows[0]["seeds"] == [7]
    assert html.read_text("utf-8") == Board(rows)._repr_html_() + "\n"
    assert "holds, control fails" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board.html", "certificates.json"]
    toys(9.0)
    assert __main__.main([]) == 1
    assert __main__.main(["--out", str(out)]) == 1
    assert json.loads(out.read_text("utf-8"))[0]["holds"] is False


def test_the_command_counts_over_many_problems(monkeypatch, capsys):
    """Problems of which some are false: they are counted out, and the status says so."""
    often = replace(toy(0.0, 2.0), name="often", label="thm-often")
    rare = replace(often, name="rare", label="thm-rare", construct=lambda rng: rng.uniform() < 0.5)
    rare = replace(rare, check=lambda false, rng: Certificate("", float(false), tolerance=0.5))
    rare = replace(rare, counterexample=lambda rng: True)
    monkeypatch.setattr(__main__, "REGISTRY", (often, rare))
    assert __main__.main(["--only", "thm-often", "--seeds", "10"]) == 0
    assert capsys.readouterr().out == (
        "often (thm-often): holds 10 of 10, its control fails 10 of 10\n"
    )
    false = sum(not rare.certify(seed=seed).holds for seed in range(3, 13))
    assert 0 < false < 10
    assert __main__.main(["--only", "thm-rare", "--seed", "3", "--seeds", "10"]) == 1
    assert f"holds {10 - false} of 10, its control fails 10 of 10" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--seeds", "0"], "argument --seeds: must be a positive integer"),
        (["--seeds", "2", "--out", "a"], "argument --seeds: prints counts and writes no file"),
        (["--only", "thm-none"], "argument --only: no claim has the label 'thm-none'"),
        (["--only"], "argument --only: expected at least one argument"),
        (["--seed", "-1"], "argument --seed: must be an integer of at least 0"),
        (["--seed", "x"], "argument --seed: must be an integer of at least 0"),
        (["--out", "."], "argument --out: the output must be a file, got the folder ."),
        (["--seed", "x", "--out", "."], "python -m sslboost.theorems: argument --seed: must be"),
        (["--out", "missing/file"], "--out: the output must be in a folder that is there"),
        (["--board", "missing/file"], "--board: the output must be in a folder that is there"),
        (["--out", "a", "--board", "a"], "arguments --out and --board: must be two files"),
        (["more"], "unrecognized arguments: more"),
    ],
)
def test_a_wrong_argument_is_one_line_before_any_claim_is_checked(
    tmp_path, monkeypatch, capsys, arguments, line
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(__main__, "certify_all", None)
    with pytest.raises(SystemExit) as left:
        __main__.main(arguments)
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert line in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_board_that_cannot_be_written_is_one_line_and_status_1(
    tmp_path, toys, capsys, monkeypatch
):
    def refuse(path, value):
        raise OSError(28, f"{path} could not be written: No space")

    toys(0.0)
    monkeypatch.setattr(__main__.files, "write_json", refuse)
    assert __main__.main(["--out", str(tmp_path / "a.json")]) == 1
    assert capsys.readouterr().err.endswith("a.json could not be written: No space\n")


def test_the_command_runs_as_a_module(tmp_path):
    command = [sys.executable, "-m", "sslboost.theorems", "--seed", "x", "--out", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == "" and result.stderr.count("\n") == 1
    assert result.stderr.startswith("python -m sslboost.theorems: argument --seed: must be")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: certify_all(3), "theorems must be a sequence of Theorem, got int"),
        (lambda: certify_all(None), "theorems must be a sequence of Theorem"),
        (lambda: certify_all(toy(0.0, 2.0)), "theorems must be a sequence of Theorem, got Theorem"),
        (lambda: certify_all([3]), "theorems must be of Theorem, got 3"),
        (lambda: certify_all([toy(0.0, 2.0)], seed="1"), "seed must be an integer of at least 0"),
        (lambda: certify_all([], seed=-1), "seed must be an integer of at least 0, got -1"),
        (lambda: certify_all([], progress=3), "progress must be True, False or None, got 3"),
        (lambda: REGISTRY[0].certify(seed=1.5), "seed must be an integer of at least 0, got 1.5"),
        (lambda: REGISTRY[0].refute(None), "seed must be an integer of at least 0, got None"),
        (lambda: REGISTRY[0].certify(5), "problem must be a GaussianPopulation for 'No appr"),
        (lambda: replace(REGISTRY[0], name=3), "name must be text, got 3"),
        (lambda: replace(REGISTRY[0], label=None), "label must be text, got None"),
        (lambda: replace(REGISTRY[0], assumptions="one"), "assumptions must be a tuple of text"),
        (lambda: replace(REGISTRY[0], assumptions=(1,)), "assumptions must be a tuple of text"),
        (lambda: replace(REGISTRY[0], check=None), "check must be callable, got None"),
        (
            lambda: replace(toy(0.0, 2.0), check=lambda *_: 3).certify(),
            "check must return a Cert",
        ),
    ],
)
def test_wrong_objects_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


ROW = certify_all([toy(0.25, 2.0)])[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (3, "rows must be a list of dict, got int"),
        ("rows", "rows must be a list of dict, got str"),
        (ROW, "rows must be a list of dict, got dict"),
        ([3], "rows must be of dict, got 3"),
        ([{}], "rows must each have claim as text, got None"),
        ([ROW | {"chapter": 3}], "rows must each have chapter as text, got 3"),
        ([ROW | {"margin": "1"}], "rows must each have margin as a number, got '1'"),
        ([ROW | {"value": True}], "rows must each have value as a number, got True"),
        ([ROW | {"holds": "yes"}], "rows must each have holds as true or false, got 'yes'"),
        ([ROW | {"control_fails": 1}], "rows must each have control_fails as true or false"),
        ([ROW | {"label": 3}], "rows must have label as text, got 3"),
    ],
)
def test_rows_of_another_kind_are_named(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        Board(rows)
    path = tmp_path / "certificates.json"
    path.write_text(json.dumps(rows))
    with pytest.raises(
        ValueError, match=rf"path must be a file of certificates, .*json: {message}"
    ):
        board.load(path)


def test_a_board_keeps_its_own_rows_and_needs_a_folder_that_is_text():
    rows = certify_all([toy(0.25, 2.0)])
    kept = Board(rows)
    rows[0]["holds"] = False
    rows.clear()
    assert kept.passes
    with pytest.raises(ValueError, match="folder must be text, got None"):
        Board(rows, None)


def test_a_board_escapes_whatever_a_row_says():
    odd = ROW | {"claim": "<i>: <b>", "chapter": "<u>-x", "label": '"><script>'}
    html = Board([odd])._repr_html_()
    assert not {"<i>", "<b>", "<u>", "<script>"} & set(re.findall("<[a-z]+>", html))


def test_a_stored_board_is_read_and_without_one_the_claims_are_checked_now(tmp_path, monkeypatch):
    path = tmp_path / "certificates.json"
    path.write_text(json.dumps([ROW]))
    assert board.load(str(path)).rows == [ROW]
    monkeypatch.setattr(theorems, "REGISTRY", ())
    monkeypatch.setattr(theorems, "certify_all", lambda: [ROW, ROW])
    assert len(board.load(tmp_path / "missing.json").rows) == 2


@pytest.mark.parametrize("text", [b"", b"[", b"\xff", b"[" * 100_000])
def test_a_file_of_no_certificates_is_named(tmp_path, text):
    path = tmp_path / "certificates.json"
    path.write_bytes(text)
    with pytest.raises(ValueError, match=r"path must be a file of certificates, got .*\.json: "):
        board.load(path)


@pytest.mark.parametrize("bad", [None, 3, b"a"])
def test_a_place_that_is_no_file_is_named(tmp_path, bad):
    with pytest.raises(ValueError, match="path must be a path"):
        board.load(bad)
    with pytest.raises(ValueError, match="path must be a file of certificates, got the folder"):
        board.load(tmp_path)


def test_the_registry_needs_neither_torch_nor_plotting():
    code = "import sys, sslboost.theorems; print({'torch', 'matplotlib'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "set()"
