"""A desk of a county that is no demonstration: there the second factor is asked for."""

from collections.abc import Iterator

import pytest

from tests.harness.desk import TestDesk, desk


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDesk]:
    with desk(tmp_path_factory.mktemp("real"), demo=False) as made:
        yield made
