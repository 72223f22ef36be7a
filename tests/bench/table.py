"""The table that `make bench` prints: ours beside the peers, and as ratios."""

from tests.bench.figures import Figures


def show(figures: Figures) -> None:
    """Print a run's figures for people."""
    for mode in ("embedded", "production"):
        _ours(mode, figures[mode])
    print("\npeers: one POST → PostgreSQL → RabbitMQ → four subscribers → PostgreSQL, without outbox, order and proof")
    for name, measured in figures["peers"].items():
        _peer(name, measured, figures["production"])
    print("\nlimits of this machine, in this run")
    for name, value in figures["limits"].items():
        print(f"  {name.replace('_', ' ')}: {value}")
    print("\nmemory and processor time of each production process after the bulk")
    production = figures["production"]
    for name, megabytes in production["memory_mb"].items():
        print(f"  {name:<22} {megabytes:>5} MiB   {production['cpu_seconds'][name]:>7.1f} s")
    print(f"  {'all':<22} {sum(production['memory_mb'].values()):>5} MiB   idle: {production['idle_cores']} cores")


def _ours(mode: str, figures: Figures) -> None:
    print(f"\n{mode}")
    for title, key in (("", "latency_ms"), (" at half load", "latency_ms_at_half_load")):
        measured = figures[key]
        _latency(f"release → on the streams of all four channels{title}", measured["seen_on_all_four"])
        _latency(f"of which the release request itself{title}", measured["of_which_the_request"])
        _latency(f"from the first of the four to the last{title}", measured["first_to_last_channel"])
    _latency("source's commit → visible, slowest channel", figures["latency_ms"]["commit_to_visible"])
    for title, key in (("save + release", "sustained"), ("events of cases", "events")):
        _rate(title, figures[key])
    bulk = figures["bulk"]
    print(
        f"  bulk: {bulk['releases']} releases of {bulk['bytes_each']} bytes   "
        f"{bulk['releases_per_second']}/s through all four (accepted at {bulk['accepted_per_second']}/s)"
    )
    reads = figures["reads"]
    print(f"  an item as JSON, {reads['connections']} connections: {reads['per_second']}/s   p99 {reads['p99_ms']} ms")
    print(f"  idle: {figures['idle_cores']} cores   memory: {sum(figures['memory_mb'].values())} MiB")


def _peer(name: str, measured: Figures, ours: Figures) -> None:
    print(f"\n{name}")
    seen, own = (side["latency_ms"]["seen_on_all_four"] for side in (measured, ours))
    _latency("POST → committed by all four", seen)
    _rate("POST", measured["sustained"])
    rates = ours["sustained"]["releases_per_second"] / max(measured["sustained"]["releases_per_second"], 1)
    print(
        f"  ours, production: p50 × {own['p50'] / seen['p50']:.1f}   p99 × {own['p99'] / seen['p99']:.1f}   "
        f"rate × {rates:.2f}"
    )


def _latency(title: str, spread: Figures) -> None:
    print(f"  {title:<62} p50 {spread['p50']} ms   p99 {spread['p99']} ms")


def _rate(title: str, figures: Figures) -> None:
    print(
        f"  {title}, {figures['connections']} connections: {figures['releases_per_second']}/s through all four   "
        f"{figures['errors']} errors   {figures['cpu_ms_each']} ms of processor time each"
    )
