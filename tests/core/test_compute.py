"""How networks compute: bfloat16 only where it is fast, threads that wait and are given back."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_info

from sslboost.core import compute


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    monkeypatch.delenv("SSLBOOST_BF16", raising=False)


def products(device="cpu"):
    """The type in which a matrix product comes out under mixed precision."""
    with compute.autocast(device):
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


@pytest.mark.parametrize(
    ("flags", "fast"),
    [
        ("avx2 avx512f avx512bw", False),
        ("avx2 avx512f avx512_bf16", True),
        ("amx_tile amx_bf16", True),
        ("", False),
    ],
)
def test_only_processors_with_instructions_for_it_round_to_bfloat16(monkeypatch, flags, fast):
    cpuinfo = f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n"
    monkeypatch.setattr(Path, "read_text", lambda path: cpuinfo)
    assert compute.uses_bfloat16() == fast
    assert products() == (torch.bfloat16 if fast else torch.float32)
    assert compute.describe() == f"matrix products in {'bfloat16' if fast else 'float32'}"


def test_where_the_processor_says_nothing_it_is_float32(monkeypatch):
    def missing(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    assert not compute.uses_bfloat16()


def test_accelerators_do_from_the_generation_that_can(monkeypatch):
    for generation, fast in [((7, 5), False), ((8, 0), True), ((9, 0), True)]:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, g=generation: g)
        assert compute.uses_bfloat16("cuda:1") == fast
    assert compute.uses_bfloat16("mps")


@pytest.mark.parametrize(("chosen", "kind"), [("0", torch.float32), ("1", torch.bfloat16)])
def test_the_user_decides(monkeypatch, chosen, kind):
    monkeypatch.setenv("SSLBOOST_BF16", chosen)
    assert products() == kind
    assert compute.uses_bfloat16("cuda") == (chosen == "1")


@pytest.mark.parametrize("wrong", ["yes", "", "2"])
def test_what_the_user_says_must_be_0_or_1(monkeypatch, wrong):
    monkeypatch.setenv("SSLBOOST_BF16", wrong)
    with pytest.raises(ValueError, match=f"SSLBOOST_BF16 must be 0 or 1, got '{wrong}'"):
        compute.uses_bfloat16()


@pytest.mark.parametrize("device", ["nowhere", "", 3, None, b"cpu", [], torch.ones(2)])
def test_what_is_no_device_is_named(device):
    for function in (compute.uses_bfloat16, compute.autocast):
        with pytest.raises(ValueError, match="device must be the name of one"):
            function(device)


def test_a_device_that_is_absent_is_named(monkeypatch):
    def absent(device):
        raise AssertionError("Torch not compiled with CUDA enabled")

    monkeypatch.setattr(torch.cuda, "get_device_capability", absent)
    with pytest.raises(ValueError, match="device must be one that is there, got 'cuda'"):
        compute.uses_bfloat16("cuda")


def waiting(**environment):
    """How long threads spin, as torch finds it when the networks are imported first of all."""
    code = """
import os, sys

class Finder:
    def find_spec(name, path, target=None):
        if name == "torch":
            print(os.environ.get("GOMP_SPINCOUNT"))

sys.meta_path.insert(0, Finder)
from sslboost.images import training
"""
    plain = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    run = [sys.executable, "-c", code]
    return subprocess.run(
        run, env=plain | environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_threads_spin_for_a_short_while_and_a_users_choice_stands():
    assert waiting() == "30000"
    assert waiting(GOMP_SPINCOUNT="7") == "7"
    assert waiting(OMP_WAIT_POLICY="ACTIVE") == "None"


def limits():
    libraries = {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}
    return torch.get_num_threads(), libraries


def test_threads_are_those_of_the_innermost_block_and_are_given_back():
    with compute.threads(3):
        assert limits() == (3, {3})
        with compute.threads(1):
            assert limits() == (1, {1})
        assert limits() == (3, {3})
        with pytest.raises(RuntimeError), compute.threads(2):
            raise RuntimeError
        assert limits() == (3, {3})


def test_blocks_in_several_threads_do_not_see_each_other():
    before = limits()
    entered, left = threading.Event(), threading.Event()
    seen = []

    def inner():
        with compute.threads(3):
            entered.set()
            left.wait(timeout=60)
            seen.append(limits())

    thread = threading.Thread(target=inner)
    with compute.threads(2):
        thread.start()
        assert entered.wait(timeout=60)
        assert limits() == (2, {2})
    assert limits() == before  # of the process, though the other block is still open
    left.set()
    thread.join()
    assert seen[0][0] == 3  # torch's, of that thread
    assert limits() == before


@pytest.mark.parametrize("wrong", [0, -1, 1.0, "2", None, True])
def test_threads_must_be_a_count(wrong):
    before = limits()
    with pytest.raises(ValueError, match="n must be a positive integer"), compute.threads(wrong):
        pass
    assert limits() == before
