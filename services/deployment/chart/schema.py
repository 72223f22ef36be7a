"""The schema of the chart's values. Helm checks a county's values against it, so an unknown name is refused."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from contracts.content.gates import ReviewPolicy
from services.deployment.chart.processes import FILE, LAST_STAGE, people, settings
from services.runtime import manifests
from services.runtime.settings import CountySettings

Schema = dict[str, Any]
SCHEMA = FILE.parent.parent / "values.schema.json"
TEXT: Schema = {"type": "string"}
NAMED: Schema = {"type": "string", "minLength": 1}
HOST: Schema = {"type": "string", "pattern": r"^[0-9A-Za-z.:_-]+$"}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
SWITCH: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 1}
NAMES: Schema = {"type": "array", "items": TEXT}
MAP: Schema = {"type": "object"}
PEERS: Schema = {"type": "array", "items": {"type": "object", "minProperties": 1}}
SOME_PEERS: Schema = {**PEERS, "minItems": 1}
NETWORKS: Schema = {"type": "array", "items": {"type": "string", "pattern": r"^[0-9A-Fa-f.:]+(/[0-9]+)?$"}}
DIGEST: Schema = {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}
BEFORE: Schema = {"type": "string", "pattern": r"^([\w.-]+(@sha256:[0-9a-f]{64})?)?$"}


def files() -> Mapping[Path, Callable[[], str]]:
    """Return what makes the text of the file."""
    return {SCHEMA: text}


def text() -> str:
    """Return the schema as JSON."""
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of a county"}
    return json.dumps(head | _closed(_parts()), ensure_ascii=False, indent=2) + "\n"


def _parts() -> Schema:
    return {
        "print": {"enum": ["release", "claims", "cli"]},
        "global": MAP,
        "county": _closed({"region": {"type": "string", "pattern": "^[0-9]{12}$"}, "name": NAMED, "review": _review()}),
        "image": _closed({"repository": NAMED, "tag": TEXT, "digest": DIGEST, "before": BEFORE, "pullSecrets": NAMES}),
        "upTo": {"type": "integer", "minimum": 0, "maximum": LAST_STAGE},
        "secrets": _closed({"name": NAMED, "operator": NAMED}),
        "postgres": _closed({"host": HOST, "port": PORT, "database": HOST}),
        "rabbitmq": _closed(
            {"host": HOST, **dict.fromkeys(("port", "tlsPort", "managementPort", "managementTlsPort"), PORT)}
        ),
        "tls": _closed({"enabled": SWITCH, "secretPrefix": NAMED}),
        "settings": _closed(_settings(), required=False),
        "replicas": _closed(dict.fromkeys(manifests.CHANNELS, COUNT)),
        "cpu": TEXT,
        "volumes": _closed(
            {"fsGroup": {"type": "integer", "minimum": 0}, "storageClass": TEXT, "size": NAMED, "wordLists": TEXT}
        ),
        "network": _network(),
        "gateway": _closed(
            {
                "enabled": SWITCH,
                **dict.fromkeys(("image", "tag"), NAMED),
                "digest": DIGEST,
                "replicas": COUNT,
                **dict.fromkeys(("trusted", "uncounted"), NETWORKS),
            }
        ),
        "ingress": _closed({"enabled": SWITCH, "className": TEXT, "host": TEXT, "tlsSecret": TEXT, "annotations": MAP}),
        "cli": _closed({"arguments": {**NAMES, "minItems": 1}}),
    }


def _network() -> Schema:
    processes = list(manifests.processes())
    callers = sorted({name for one in processes for name in people(one)} | {"monitoring"})
    outside = sorted({one.outside for one in processes if one.outside})
    return _closed(
        {
            "listen": {"enum": ["0.0.0.0", "::"]},  # noqa: S104  # in a pod, whose network policies say who gets there
            "trusted": {**NETWORKS, "minItems": 1},
            **dict.fromkeys(("postgres", "rabbitmq", "dns"), SOME_PEERS),
            "ingress": PEERS,
            "callers": _closed(dict.fromkeys(callers, PEERS)),
            "outside": _closed(dict.fromkeys(outside, PEERS)),
        }
    )


@cache
def _settings() -> Schema:
    """Return the settings that any process may be given, as text: that is what an environment variable is."""
    shapes = CountySettings.model_json_schema()["properties"]
    names = sorted({name for one in manifests.processes() for name in settings(one)})
    return {
        name: TEXT | {"description": shapes[name.removeprefix("TONGYUAN_").lower()]["description"]} for name in names
    }


def _review() -> Schema:
    return {"enum": [str(one.value) for one in ReviewPolicy]}


def _closed(properties: Schema, *, required: bool = True) -> Schema:
    """Return the schema of an object that has these properties and no others."""
    found: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    optional = {"global", "print"}
    return found | ({"required": [name for name in properties if name not in optional]} if required else {})
