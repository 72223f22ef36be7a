"""Files with sections that are generated from the manifests. A section is enclosed by two comments:

# made of the manifests: NAME
# end of NAME

A dashboard and the schema of the chart's values are generated as a whole: JSON has no comments.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from services.deployment import certificates, compose, dashboards, gateway, monitoring, postgres
from services.deployment.chart import processes, schema

ROOT = Path(__file__).parent.parent.parent
Sections = Mapping[str, Callable[[], Iterator[str]]]
FILES: Mapping[Path, Sections] = {
    ROOT / "docker-compose.yml": compose.sections(),
    ROOT / "docker-compose.tls.yml": compose.tls_sections(),
    ROOT / "deploy" / "certificates.py": certificates.sections(),
    ROOT / "deploy" / "gateway" / "plain.conf": gateway.sections("http"),
    ROOT / "deploy" / "gateway" / "tls.conf": gateway.sections("https"),
    ROOT / "deploy" / "gateway" / "desk.conf": gateway.desk_sections(),
    processes.FILE: processes.sections(),
    processes.VALUES: processes.values_sections(),
    ROOT / "deploy" / "monitoring" / "targets" / "compose.yml": monitoring.sections(monitoring.in_containers),
    ROOT / "deploy" / "monitoring" / "targets" / "systemd.yml": monitoring.sections(monitoring.on_one_machine),
    ROOT / "deploy" / "postgres" / "roles.sql": postgres.sections(),
}
WHOLE = {**dashboards.files(), **schema.files()}
SECTION = re.compile(
    r"^(?P<indent> *)(?P<mark>#|--) made of the manifests: (?P<name>.+)\n(?s:.*?)^ *(?P=mark) end of (?P=name)\n",
    re.MULTILINE,
)


def text(file: Path) -> str:
    """Return the file's new text. Raises ValueError for a section that is unknown, or missing in the file."""
    if file in WHOLE:
        return WHOLE[file]()
    sections, seen = FILES[file], set()

    def made(found: re.Match[str]) -> str:
        indent, mark, name = found["indent"], found["mark"], found["name"]
        seen.add(name)
        if name not in sections:
            raise ValueError(f"{file.name}: nobody makes the section {name!r}")
        lines = [f"{mark} made of the manifests: {name}", *sections[name](), f"{mark} end of {name}"]
        return "".join(f"{indent}{line}".rstrip() + "\n" for line in lines)

    whole = SECTION.sub(made, file.read_text(encoding="utf-8"))
    if missing := set(sections) - seen:
        raise ValueError(f"{file.name}: has no section {', '.join(sorted(missing))}")
    return whole


def stale() -> list[Path]:
    """Return the files that differ from what the manifests say."""
    return [file for file in (*FILES, *WHOLE) if not file.exists() or text(file) != file.read_text(encoding="utf-8")]


def write() -> list[Path]:
    """Write the files; return those that changed."""
    changed = stale()
    for file in changed:
        file.write_text(text(file), encoding="utf-8")
    return changed
