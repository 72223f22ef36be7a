"""`doctor`: check what this county needs."""

import typer

from services.cli.inspect import calendars, certificates, legend, problems, unknown_facts
from services.cli.inspect.status import county_of, titled
from services.cli.keys import source_keys
from services.cli.terminal import BaseUrl, DataDir, Json_, RunningCounty, county, plain, print_json, say
from services.operations.unstated_facts import StatedFacts, stated_facts
from shared.errors import TongyuanError


def doctor(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Check what this county needs: services, signer, clocks, disk, file rights, certificates. Exit 1 for a problem.

    Also lists facts that nobody has stated, facts that an earlier import may have filled in, and years without a
    holiday notice; these are no problems.
    """
    with county(base_url, data_dir) as running:
        belongs = county_of(running)
        found = [
            *problems.of_services(running, belongs),
            *problems.of_token(running),
            *problems.of_signer(running),
            *problems.of_damage(running),
            *problems.of_broker(running),
            *problems.of_clocks(running),
            *problems.of_folder(running.config.data_dir),
            *problems.of_stores(running.config.data_dir),
            *certificates.problems(running),
            *source_keys.problems(running),
        ]
        stated = _stated(running)
        folder = running.config.data_dir
        warned = list(calendars.warnings(running))
    if as_json:
        print_json({"county": belongs and belongs.as_json(), "problems": found, "warnings": warned, **stated.as_json()})
    else:
        say(plain(titled(belongs)))
        for problem in found:
            say(f"[red]✗[/] {plain(problem)}")
        for warning in warned:
            say(f"[yellow]![/] {plain(warning)}")
        for note in unknown_facts.of_county(stated.unknown, stated.suspect):
            say(f"[yellow]?[/] {plain(note)}")
        for line in legend.doctor(folder):
            say(f"[dim]{plain(line)}[/]")
        if not found:
            say(f"[green]✓ nothing wrong found[/] at {legend.now()}")
    raise typer.Exit(1 if found else 0)


def _stated(running: RunningCounty) -> StatedFacts:
    """Return the stated facts; none while a source does not answer, which is reported as a problem."""
    try:
        return stated_facts(running)
    except TongyuanError:
        return StatedFacts()
