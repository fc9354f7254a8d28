"""Kills at random moments, full disks and read-only folders: nothing is torn, nothing is lost."""

import math
import multiprocessing
import os
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.evidence.victims import VICTIMS, settle

_FORK = multiprocessing.get_context("fork")
_NOBODY = 65534
_PATIENCE = 300  # seconds
_PAGE = 4096  # bytes

#: Kills of every victim; those of the book take longer.
KILLS = {"sweep": 20, "training": 20, "fetch": 20, "table": 24, "book": 8}


class Running:
    """One member of a victim at work in a process group of its own."""

    def __init__(self, victim, folder, member, *, user=None):
        self.receiving, sending = _FORK.Pipe(duplex=False)
        self.process = _FORK.Process(
            target=_work, args=(victim, folder, member, sending, user), daemon=False
        )
        self.process.start()
        sending.close()

    def kill(self):
        """Kill it and what it started; return whether it was still at work."""
        alive = self.process.is_alive() and not self.receiving.poll()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.process.kill()
        self.process.join()
        return alive

    def answer(self):
        """Return (result, None), or (None, error) in words."""
        try:
            if not self.receiving.poll(_PATIENCE):
                self.kill()
                return None, "it never ended"
            return self.receiving.recv()
        except EOFError:
            return None, "it died"
        finally:
            self.process.join()


def _work(victim, folder, member, sending, user):
    os.setsid()
    settle()
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    if user is not None:
        victim.work(_prepared(victim), member)  # imports what that user may not read
        os.setgid(user)
        os.setuid(user)
    try:
        sending.send((victim.work(folder, member), None))
    except Exception as error:
        sending.send((None, f"{type(error).__name__}: {error}"))


def finish(victim, folder):
    """Run every member to its end; return their answers."""
    running = [Running(victim, folder, member) for member in range(victim.members)]
    return [one.answer() for one in running]


def lost_kills(victims=VICTIMS, kills=KILLS, *, seed=0, report=print):
    """Kill victims at random moments, and give them full disks and read-only folders.

    Parameters
    ----------
    victims : sequence of Victim
    kills : dict of str to int
        SIGKILLs of processes that were at work, at least.
    seed : int
        Of the moments.
    report : callable

    Returns
    -------
    tried : int
    lost : list of dict
    """
    tried, lost = 0, []
    for victim in victims:
        with tempfile.TemporaryDirectory() as scratch:
            tempfile.tempdir = scratch
            os.chmod(scratch, 0o777)  # a place for temporary files, for anybody
            expected, seconds = _undisturbed(victim)
            made, found = kill_often(victim, expected, seconds, kills[victim.name], seed)
            if victim.disk:
                for more in (_full_disks(victim, expected), _read_only(victim, expected)):
                    made, found = made + more[0], found + more[1]
            tempfile.tempdir = None
        report(f"{victim.name}: {made} kills, full disks and read-only folders, {len(found)} lost")
        tried, lost = tried + made, lost + found
    return tried, lost


def _undisturbed(victim):
    folder = _prepared(victim)
    started = time.perf_counter()
    expected = finish(victim, folder)
    seconds = time.perf_counter() - started
    if any(error for _, error in expected):
        raise RuntimeError(f"{victim.name} fails undisturbed: {expected}")
    return expected, seconds


def _prepared(victim):
    folder = Path(tempfile.mkdtemp()) / "work"
    folder.parent.chmod(0o777)
    folder.mkdir()
    victim.prepare(folder)
    return folder


def kill_often(victim, expected, seconds, kills, seed):
    tried, lost, rng = 0, [], np.random.default_rng(seed)
    while tried < kills:
        folder = _prepared(victim)
        running = [Running(victim, folder, member) for member in range(victim.members)]
        doomed = rng.permutation(victim.members)[: rng.integers(1, victim.members + 1)]
        moment = rng.uniform(0, seconds)
        time.sleep(moment)
        killed = sum(running[member].kill() for member in doomed)
        spared = {m: running[m].answer() for m in range(victim.members) if m not in doomed}
        wrong = _first(
            *(_differs("a spared process", answer, expected[m]) for m, answer in spared.items()),
            _wrong(victim, folder),
            *(
                _differs("resumed", *pair)
                for pair in zip(finish(victim, folder), expected, strict=True)
            ),
            _wrong(victim, folder),
        )
        tried += killed
        if wrong and killed:
            what = f"{victim.name}: {killed} of {victim.members} killed after {moment:.2f} s"
            lost.append({"what": what, "why": wrong})
    return tried, lost


def _first(*reasons):
    return next((reason for reason in reasons if reason), None)


def _wrong(victim, folder):
    try:
        return victim.wrong(folder)
    except Exception as error:
        return f"what is left cannot be read: {error!r}"


def _differs(who, answer, expected):
    if answer == expected:
        return None
    return f"{who} {answer[1] or 'returned another result'}"


def _full_disks(victim, expected):
    """Disks that hold too little, and then enough: one clear error, and the same result."""
    enough = _prepared(victim)
    finish(victim, enough)
    # Whole pages of what is in the files: blocks may not have been given to them yet.
    sizes = [file.stat().st_size for file in enough.rglob("*") if file.is_file()]
    needed = sum(_PAGE * math.ceil(size / _PAGE) for size in sizes)
    tried, lost = 0, []
    for share in (0.2, 0.6, 1.3):
        folder = Path(tempfile.mkdtemp()) / "work"
        folder.mkdir()
        with _disk(folder, int(share * needed) + _PAGE) as enlarge:
            if enlarge is None:
                return 0, []
            victim.prepare(folder)
            one = Running(victim, folder, 0).answer()
            named = one == expected[0] or str(folder) in (one[1] or "")
            wrong = _first(
                None if named else f"the error does not name the folder: {one[1]}",
                _wrong(victim, folder),
                enlarge(),
                _differs("resumed", Running(victim, folder, 0).answer(), expected[0]),
                _wrong(victim, folder),
            )
        tried += 1
        if wrong:
            what = f"{victim.name}: a disk of {share:.0%} of what it needs"
            lost.append({"what": what, "why": wrong})
    return tried, lost


@contextmanager
def _disk(folder, size):
    """A disk of so many bytes at a folder, and a way to enlarge it; None where none may be made."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        yield None
        return

    def enlarge():
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)

    try:
        yield enlarge
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _read_only(victim, expected):
    """Folders that cannot be written to, empty and finished: read, or one clear error."""
    user = None if os.getuid() else _NOBODY  # permissions do not bind the superuser
    tried, lost = 0, []
    for finished in (False, True):
        folder = _prepared(victim)
        if finished:
            finish(victim, folder)
        before = _contents(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        answer = Running(victim, folder, 0, user=user).answer()
        wrong = _first(
            None
            if answer == expected[0] or str(folder) in (answer[1] or "")
            else f"the error does not name the folder: {answer[1]}",
            None if _contents(folder) == before else "it was written to",
        )
        folder.chmod(0o755)
        tried += 1
        if wrong:
            state = "finished" if finished else "empty"
            lost.append({"what": f"{victim.name}: a read-only folder, {state}", "why": wrong})
    return tried, lost


def _contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
