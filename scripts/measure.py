"""What the benchmarks measure with: whole processes, their time and their peak memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

# Runs the command that follows, and prints wall and processor seconds, peak KiB and exit code.
# Linux counts the memory of the parent at the start as the child's own, so the parent is as small
# as Python gets.
MEASURE = (
    "import os, sys, time\n"
    "start = time.perf_counter()\n"
    "nothing = os.open('/dev/null', os.O_RDWR)\n"
    "files = [(os.POSIX_SPAWN_DUP2, nothing, number) for number in (0, 1)]\n"
    "child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=files)\n"
    "_, status, usage = os.wait4(child, 0)\n"
    "wall_seconds = time.perf_counter() - start\n"
    "cpu_seconds = usage.ru_utime + usage.ru_stime\n"
    "code = os.waitstatus_to_exitcode(status)\n"
    "print(wall_seconds, cpu_seconds, usage.ru_maxrss, code)\n"
)


@dataclass(frozen=True)
class Run:
    """What one run of a command took."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command with its output thrown away."""
    measured = [sys.executable, "-I", "-S", "-c", MEASURE, *command]
    answer = subprocess.run(
        measured, check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    wall_seconds, cpu_seconds, peak_kib, code = answer.stdout.split()
    if code != "0":
        raise SystemExit(f"error: exit {code} of: {' '.join(command)}")
    return Run(float(wall_seconds), float(cpu_seconds), float(peak_kib) / 1024)


def spread(values: list[float]) -> str:
    """The median, and from where to where."""
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def ratio(values: list[float], base: list[float]) -> str:
    """The median of the ratios within each round."""
    pairs = zip(values, base, strict=True)
    return f"{median(value / other for value, other in pairs):.3f}"
