"""Sets the clock of one process, and of nothing else on the machine."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import time
from pathlib import Path

UNSUPPORTED = "" if platform.machine() == "x86_64" else "the clock is replaced by x86-64's code"
"""Why a clock cannot be set here; empty if it can."""

# clock_gettime(rdi: clock, rsi: result) by the system call; then the offset is added to the seconds
# of clock 0, which is the time of day. The monotonic clock, by which programs wait, goes on.
_CODE = bytes.fromhex("b8e40000000f05 85ff7507 488106")
_RETURN = b"\xc3"


def set_clock(pid: int, ahead_s: int) -> None:
    """Set a process's clock so many seconds ahead of the machine's; negative: behind it.

    It lasts until the process ends. Programs, those in Go among them, do not ask the kernel for the
    time but code that it maps into each of them, the vDSO: this writes other code to the process's
    own copy of it, while no thread is there.

    Source: vdso(7); proc_pid_mem(5); https://go.dev/src/runtime/sys_linux_amd64.s (nanotime1)
    """
    start, end = _vdso(pid)
    _stop(pid, range(start, end))
    with Path(f"/proc/{pid}/mem").open("r+b", buffering=0) as memory:
        memory.seek(start + _offset())
        memory.write(_CODE + struct.pack("<i", ahead_s) + _RETURN)
    os.kill(pid, signal.SIGCONT)


def _vdso(pid: int | str) -> tuple[int, int]:
    (line,) = [
        line
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
        if line.endswith("[vdso]")
    ]
    start, end = line.split()[0].split("-")
    return int(start, 16), int(end, 16)


def _offset() -> int:
    """Return where the function is; the kernel maps the same code into every process."""
    function = ctypes.CDLL("linux-vdso.so.1").__vdso_clock_gettime
    return (ctypes.cast(function, ctypes.c_void_p).value or 0) - _vdso("self")[0]


def _stop(pid: int, outside: range) -> None:
    """Stop all threads of a process outside of an area of its memory."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.01)
        told = [it.read_text().split() for it in Path(f"/proc/{pid}/task").glob("*/syscall")]
        if all(words[0] != "running" and int(words[-1], 16) not in outside for words in told):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
