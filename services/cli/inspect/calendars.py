"""What `status` and `doctor` say of the calendar of working days."""

from collections.abc import Iterator

from services.cli.terminal import RunningCounty
from shared.errors import TongyuanError


def warnings(running: RunningCounty) -> Iterator[str]:
    """Yield that open cases have days in a year without a holiday notice.

    No notice is no fault: each year's is published in November. A service that does not answer is reported elsewhere.
    """
    try:
        told = running.get("applications", "counts").get("provisional", {"cases": 0, "years": []})
    except TongyuanError:
        return
    if told["cases"]:
        years = ", ".join(map(str, told["years"]))
        yield (
            f"applications: open cases with days in {years}, for which there is no holiday notice: {told['cases']}. "
            f"They are provisional until PUT /applications/v1/calendars/{told['years'][0]} (docs/operating/calendar.md)"
        )
