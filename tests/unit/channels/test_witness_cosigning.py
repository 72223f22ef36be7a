"""A channel cosigns the newest head that it has proven, so that people can compare what each was shown."""

import stat

import pytest

from services.channels.trust.cosigning import Cosigner
from shared.errors import Broken
from shared.transparency.checkpoint import NoteKey, opened_checkpoint
from tests.harness.pipeline import item, pipeline

WEB = ["web"]


def test_a_channel_with_a_key_cosigns_its_newest_head(tmp_path):
    file = tmp_path / "witness.pem"
    with pipeline(tmp_path / "county", channels=WEB, witness_key_file=file) as county:
        assert county.get("web/v1/checkpoint").status_code == 503
        county.release(item(1))
        county.flow()
        answer = county.get("web/v1/checkpoint")
        log = NoteKey(county.signer.name, county.signer.public_key)
        witness = NoteKey.of_vkey(answer.headers["witness-key"])

        checkpoint = opened_checkpoint(answer.text, [log, witness])
        assert checkpoint.size == 1
        assert checkpoint.signed_by == {log.key_id.hex(), witness.key_id.hex()}
        assert witness.name == f"{county.signer.name}/web"
        assert answer.headers["cache-control"] == "no-cache"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_key_the_checkpoint_is_served_as_the_ledger_signed_it(tmp_path):
    with pipeline(tmp_path, channels=WEB) as county:
        county.flow()
        answer = county.get("web/v1/checkpoint")

        assert answer.text == county.get("ledger/v1/checkpoint").text
        assert "witness-key" not in answer.headers


def test_a_file_that_is_no_key_stops_the_start(tmp_path):
    file = tmp_path / "witness.pem"
    file.touch(mode=0o600)

    with pytest.raises(Broken, match="not a PEM private key"):
        Cosigner.of_file(file, "name")
