"""A secret in a file is created once, completely, and is readable by us only."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import Broken
from shared.security.secret_files import kept_secret


def test_a_secret_is_made_once_and_kept(tmp_path):
    path = tmp_path / "new" / "token"

    assert [kept_secret(path, lambda: b"first"), kept_secret(path, lambda: b"second")] == [b"first", b"first"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "token"
    kept_secret(path, lambda: b"secret")
    path.chmod(mode)

    with pytest.raises(Broken, match="readable by others"):
        kept_secret(path, lambda: b"secret")


def test_who_died_while_making_it_leaves_nothing_behind(tmp_path):
    path = tmp_path / "token"

    with pytest.raises(ZeroDivisionError):
        kept_secret(path, lambda: b"%d" % (1 // 0))
    assert kept_secret(path, lambda: b"whole") == b"whole"


def test_of_many_who_start_at_once_all_have_the_same(tmp_path):
    for round_number in range(20):
        path = tmp_path / f"token-{round_number}"
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda n, path=path: kept_secret(path, lambda: b"%d" % n), range(4)))

        assert len(set(found)) == 1
