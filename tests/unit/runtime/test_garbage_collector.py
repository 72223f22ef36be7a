"""While a process loads, no garbage is looked for; when it has loaded, it is, though not among what was loaded."""

import subprocess
import sys

PROGRAM = """
import gc
gc.disable()
from shared.process_memory import freeze_what_is_loaded
freeze_what_is_loaded()
print(gc.isenabled(), gc.get_freeze_count() > 0, gc.get_threshold()[0] > 0)
"""


def test_a_process_that_has_loaded_collects_garbage_and_leaves_what_it_loaded_alone() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=120)

    assert done.stdout.split() == ["True", "True", "True"]
