"""Unused memory is returned to the system, and growth is measured so that single samples do not decide."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.soak import slope
from tests.harness.county import REPOSITORY

FRAGMENTED = """
import re
from shared.process_memory import give_back

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])

buffers = [b"x" * 20_000 for _ in range(4_000)]
full = resident()
last = buffers.pop()
buffers.clear()
kept = resident()
given = give_back()
print(full, kept, resident(), given)
"""
"""Eighty megabytes below one buffer that is still in use: the C library keeps them all."""


def test_what_lies_below_a_buffer_in_use_is_given_back_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRAGMENTED], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    full, kept, left, given_back = done.stdout.split()

    assert int(kept) > int(full) - 20_000, "or there would be nothing to do"
    assert int(left) < int(full) - 50_000
    assert given_back == "True"


@given(st.floats(-0.01, 0.01), st.lists(st.integers(0, 99), max_size=20, unique=True))
def test_growth_is_what_most_samples_say(growth: float, outliers: list[int]) -> None:
    samples = [(float(second), 250 + growth * second) for second in range(100)]
    for place in outliers:
        samples[place] = (samples[place][0], 900.0)

    assert abs(slope(samples) - growth) < 1e-9
