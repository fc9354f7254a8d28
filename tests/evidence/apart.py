"""Tasks in a process apart, so that one that hangs or dies is an answer and not the end."""

import multiprocessing
import os
import resource
import signal
import tempfile

_FORK = multiprocessing.get_context("fork")
_MEMORY = 16 << 30  # bytes of address space


def apart(tasks, *, seconds=20):
    """Return what each task returns, or a sentence in its place where it hung or died.

    Parameters
    ----------
    tasks : list of callable
        Each takes nothing and returns what can be pickled.
    seconds : float
        Given to each of them.

    Returns
    -------
    list
    """
    answers = []
    while len(answers) < len(tasks):
        receiving, sending = _FORK.Pipe(duplex=False)
        child = _FORK.Process(target=_work, args=(tasks[len(answers) :], sending))
        child.start()
        sending.close()
        try:
            while len(answers) < len(tasks):
                if not receiving.poll(seconds):
                    answers.append(f"gave no answer in {seconds} s")
                    break
                answers.append(receiving.recv())
        except EOFError:
            child.join()
            answers.append(f"ended the process, exit status {child.exitcode}")
        finally:
            _end(child)
    return answers


def _work(tasks, sending):
    os.setsid()  # what the tasks start ends with them
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.chdir(tempfile.mkdtemp())  # a word taken for a path leaves its file there
    for task in tasks:
        sending.send(task())


def _end(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # gone already, or not yet its own group
        child.kill()
    child.join()
