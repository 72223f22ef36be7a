"""Threads do not each keep their own memory."""

import os
import subprocess
import sys

ARENA = 64 * 2**20
THREADS = 24
PROGRAM = f"""
import sys, threading
from shared.process_memory import bound_arenas
if sys.argv[1] == "bounded":
    assert bound_arenas()
kept, together = [], threading.Barrier({THREADS})
def work():
    together.wait()
    kept.append([bytes(2_000) for _ in range(200)])
    together.wait()
threads = [threading.Thread(target=work) for _ in range({THREADS})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
places = [line.split()[0].split("-") for line in open("/proc/self/maps") if len(line.split()) == 5]
print(len({{int(start, 16) for start, _ in places if int(start, 16) % {ARENA} == 0}}))
"""


def arenas(how: str) -> int:
    env = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    return int(subprocess.run([sys.executable, "-c", PROGRAM, how], env=env, check=True, capture_output=True).stdout)


def test_many_threads_share_a_few_arenas() -> None:
    # The main arena is elsewhere.
    assert arenas("bounded") <= 1 < arenas("as it comes")
