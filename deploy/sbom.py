"""Writes docs/security/sbom.json: what runs in production, with version, hashes and licence, as CycloneDX.

    python deploy/sbom.py            write it
    python deploy/sbom.py --check    compare; status 1 when it is stale, or when a component's licence is not known

The components are those of runtime.lock and the files of others in this repository. Where one came from is left out:
that depends on the machine, and the hashes say which file it was. Licences are what each installed component says of
itself, as SPDX has it.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "runtime.lock"
TARGET = ROOT / "docs" / "security" / "sbom.json"

SAID = {
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT": "MIT",
    "MIT License": "MIT",
    "MPL-2.0": "MPL-2.0",
}
"""What a component says in its field `License`, as SPDX."""

CLASSIFIED = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""Likewise its classifiers. `BSD License` is none: it does not say which."""

READ = {
    "amqp": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "mock": "BSD-2-Clause",
    "pyrage": "MIT",
    "python-stdnum": "LGPL-2.1-or-later",
    "segno": "BSD-3-Clause",
    "uvloop": "Apache-2.0 OR MIT",
    "vine": "BSD-3-Clause",
    "xlrd": "BSD-3-Clause AND BSD-4-Clause",
}
"""What somebody has read in the component's own licence file, because its metadata do not say it, or not all."""

VENDORED = {
    "services/channels/pages/static/idiomorph.min.js": ("idiomorph", "0.8.0", "0BSD"),
}
"""Files that are taken unchanged from a package of npm: its name, version and licence."""


class UnknownLicenceError(Exception):
    """Components whose licence nobody knows: read it, and name it in `READ`."""


def made(lock: Path) -> str:
    """The document for `lock`, always the same bytes. Raises `UnknownLicenceError`."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible", "--sv", "1.6", str(lock)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    document = json.loads(printed)
    document["metadata"].pop("tools", None)
    unknown = []
    for component in document["components"]:
        references = component.pop("externalReferences", [])
        hashes = {one["content"]: one for reference in references for one in reference.get("hashes", [])}
        component["hashes"] = [hashes[content] for content in sorted(hashes)]
        component.pop("description", None)
        found = licence(component["name"], component["version"])
        component["licenses"] = [_spelled(found)] if found else []
        unknown += [] if found else [f"{component['name']} {component['version']}"]
    if unknown:
        raise UnknownLicenceError(f"unknown licence: {', '.join(unknown)}; look it up and add it to deploy/sbom.py")
    for path, (name, version, spdx) in VENDORED.items():
        document["components"].append(_vendored(path, name, version, spdx))
        document["dependencies"].append({"ref": path})
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _vendored(path: str, name: str, version: str, spdx: str) -> dict[str, Any]:
    return {
        "bom-ref": path,
        "name": name,
        "purl": f"pkg:npm/{name}@{version}",
        "type": "library",
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256((ROOT / path).read_bytes()).hexdigest()}],
        "licenses": [_spelled(spdx)],
    }


def licence(name: str, version: str) -> str | None:
    """The component's licence as an SPDX expression; None when neither it nor we know."""
    try:
        described = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    if described.version != version:
        return None
    fields = described.metadata
    return (
        READ.get(re.sub(r"[-_.]+", "-", name).lower())
        or fields.get("License-Expression")
        or SAID.get((fields.get("License") or "").strip())
        or _classified(fields.get_all("Classifier") or [])
    )


def _classified(classifiers: Iterable[str]) -> str | None:
    """One licence that the classifiers name; None for several, which may mean `and` or `or`."""
    named = [one for one in classifiers if one.startswith("License ::")]
    return CLASSIFIED.get(named[0]) if len(named) == 1 else None


def _spelled(expression: str) -> dict[str, Any]:
    return {"expression": expression} if " " in expression else {"license": {"id": expression}}


def main(check: bool) -> int:
    """Status 1 when `check` finds the file stale, or a licence is unknown."""
    try:
        text = made(LOCK)
    except UnknownLicenceError as error:
        sys.stderr.write(f"docs/security/sbom.json: {error}\n")
        return 1
    if check and (not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text):
        sys.stderr.write("docs/security/sbom.json: stale; make sbom\n")
        return 1
    if not check:
        TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
