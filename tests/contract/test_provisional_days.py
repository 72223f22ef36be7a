"""A promised day that was counted in a year without a holiday notice is told as provisional, on every channel."""

from datetime import date

import pytest

from services.cli.inspect import calendars
from services.runtime.manifests import CHANNELS
from shared.errors import UpstreamDown
from tests.harness.pipeline import PROJECT_NO, QUERY_CODE, item, pipeline, progress

PAIR = {"project_no": PROJECT_NO, "query_code": QUERY_CODE}
PROMISED = date(2027, 2, 24)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("provisional", [True, None], ids=["guessed", "certain"])
def test_page_and_look_up_say_whether_the_promised_day_is_provisional(tmp_path, channel, provisional):
    with pipeline(tmp_path, channels=[channel]) as county:
        county.release(item(1))
        county.release_case(progress(promise_date=PROMISED, promise_provisional=provisional))
        county.flow()
        looked = county.http.post(f"/{channel}/v1/applications/lookup", json=PAIR).json()
        page = county.http.post(f"/{channel}/progress", data=PAIR).text

    assert looked["promise_date"] == PROMISED.isoformat()
    assert looked.get("promise_provisional") is provisional
    assert ("暂定" in page, "Provisional" in page) == (bool(provisional), bool(provisional))


class Told:
    """A county whose applications count this."""

    def __init__(self, counts):
        self.counts = counts

    def get(self, _service, _path):
        if self.counts is None:
            raise UpstreamDown("does not answer")
        return self.counts


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {"provisional": {"cases": 3, "years": [2027]}},
            ["open cases with days in 2027, for which there is no holiday notice: 3"],
        ),
        ({"provisional": {"cases": 0, "years": []}}, []),
        ({"states": {}}, []),
        (None, []),
    ],
    ids=["some", "none", "an earlier version", "no answer"],
)
def test_status_and_doctor_warn_of_years_without_a_notice(counts, expected):
    found = list(calendars.warnings(Told(counts)))

    assert len(found) == len(expected)
    assert all(text in line for text, line in zip(expected, found, strict=True))
