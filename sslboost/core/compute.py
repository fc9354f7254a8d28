"""How networks compute: on how many threads, how these wait, and where they round to bfloat16.

Import this module before torch: OpenMP reads how its threads wait when torch loads it.
"""

import os
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path

from threadpoolctl import threadpool_limits

from sslboost.core.validation import as_count

# A thread that spins while it waits for another one keeps the core that the other one needs, a
# millisecond each time and hundreds of times a step: beside busy processes training then takes
# many times its time. A tenth of that costs nothing where nobody else computes. A user's own
# choice stands.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")

#: Flags of processors that multiply matrices of bfloat16; on others it is emulated, and slow.
_BFLOAT16 = {"avx512_bf16", "amx_bf16"}

_process = threading.RLock()


def uses_bfloat16(device="cpu"):
    """Return whether networks multiply in bfloat16 on a device, rather than in float32.

    The environment variable ``SSLBOOST_BF16``, 0 or 1, decides for every device. Without it
    accelerators do (NVIDIA's since Ampere), and CPUs that have instructions for it.

    Parameters
    ----------
    device : str or torch.device

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If ``SSLBOOST_BF16`` holds anything else, or there is no such device.
    """
    chosen = os.environ.get("SSLBOOST_BF16")
    if chosen is not None:
        if chosen not in ("0", "1"):
            raise ValueError(f"SSLBOOST_BF16 must be 0 or 1, got {chosen!r}")
        return chosen == "1"
    kind = _type_of(device)
    if kind == "cuda":
        return _generation_of(device) >= (8, 0)
    return kind != "cpu" or not _BFLOAT16.isdisjoint(_processor_flags())


def _type_of(device):
    if isinstance(device, str) and device == "cpu":
        return device  # without loading torch
    import torch

    try:
        if isinstance(device, str | torch.device):
            return torch.device(device).type
    except RuntimeError:
        pass
    raise ValueError(f"device must be the name of one, got {device!r}")


def _generation_of(device):
    import torch

    try:
        return torch.cuda.get_device_capability(device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device must be one that is there, got {device!r}") from error


def _processor_flags():
    """What Linux says that the processor can; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    return next((line.split() for line in lines if line.startswith("flags")), [])


def autocast(device):
    """Return the context of mixed precision: bfloat16 where :func:`uses_bfloat16` says so.

    Parameters
    ----------
    device : str or torch.device

    Returns
    -------
    torch.autocast

    Raises
    ------
    ValueError
        As of :func:`uses_bfloat16`.
    """
    import torch

    return torch.autocast(_type_of(device), torch.bfloat16, enabled=uses_bfloat16(device))


def products(device="cpu"):
    """Return the name of the type in which networks multiply on a device.

    Parameters
    ----------
    device : str or torch.device

    Returns
    -------
    str

    Raises
    ------
    ValueError
        As of :func:`uses_bfloat16`.
    """
    return "bfloat16" if uses_bfloat16(device) else "float32"


def accelerator(device):
    """Return the name of an accelerator.

    Parameters
    ----------
    device : str or torch.device

    Returns
    -------
    str or None
        None for a CPU.

    Raises
    ------
    ValueError
        If there is no such device.
    """
    kind = _type_of(device)
    if kind == "cuda":
        import torch

        _generation_of(device)  # that it is there
        return torch.cuda.get_device_name(device)
    return None if kind == "cpu" else kind


def describe():
    """Return how networks compute on this processor, for the provenance of a result.

    Returns
    -------
    str
        Loads no torch.

    Raises
    ------
    ValueError
        If ``SSLBOOST_BF16`` is neither 0 nor 1.
    """
    return f"matrix products in {products()}"


@contextmanager
def threads(n):
    """Let torch and the BLAS libraries use ``n`` threads inside the block.

    Sums depend on the number of threads, and small networks gain little from a second one. For
    torch the number is that of the calling thread. BLAS has one for the process: of threads whose
    blocks overlap, the first one decides. An NVIDIA accelerator sums in the same order every time.

    Parameters
    ----------
    n : int

    Raises
    ------
    ValueError
        If it is no positive integer.
    """
    import torch

    n, before = as_count("n", n), torch.get_num_threads()
    first = _process.acquire(blocking=False)
    try:
        with _of_the_process(n) if first else nullcontext():
            torch.set_num_threads(n)
            yield
    finally:
        torch.set_num_threads(before)
        if first:
            _process.release()


@contextmanager
def _of_the_process(n):
    """What a process has once, however many of its threads compute."""
    from torch.backends import cudnn

    chosen = cudnn.deterministic
    cudnn.deterministic = True
    try:
        with threadpool_limits(n):
            yield
    finally:
        cudnn.deterministic = chosen
