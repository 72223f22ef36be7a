"""The county's key signs a backup to the last byte; a restore trusts that key and no other."""

import io
import os
import stat
import tarfile
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.operations.archive import signed_file as archive
from services.operations.archive.contents import ArchiveManifest, BadArchive, describe_parts
from services.operations.archive.encryption import identities, make_identity, recipients
from services.operations.archive.header import Header
from services.operations.archive.key import KEY_FILE, PINNED_FILE, own_key, parse_keys, pinned
from services.operations.backups.backup import backup
from services.runtime.embedded import Embedded
from shared.config import Settings
from shared.errors import Broken, Invalid, Unavailable
from tests.harness.backups import as_of_before, contents, packed, put_back, signed, silent, taken_apart
from tests.harness.pipeline import item, pipeline

REGION, ELSEWHERE = "339921000000", "440232000000"


def settings_of(folder, **more):
    return Settings(data_dir=folder, **{"region": REGION, **more})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small county and its backup."""
    folder = tmp_path_factory.mktemp("county")
    with pipeline(folder) as county:
        county.release(item(1))
        county.flow()
    return backup(settings_of(folder), folder / "county.backup", silent)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """An operator's identity file, and its recipient on the county's machine."""
    file = tmp_path_factory.mktemp("safe") / "identity"
    return file, make_identity(file)


@pytest.fixture(scope="module")
def encrypted(made, identity):
    """The same county's backup, encrypted."""
    folder = made.file.parent
    return backup(settings_of(folder), folder / "encrypted.backup", silent, [identity[1]])


def written(path, content):
    path.write_bytes(content)
    return path


def left(folder):
    """Return what a refused restore leaves; the lock is an empty file."""
    return sorted(path.name for path in folder.rglob("*") if path.name != "lock") if folder.exists() else []


def test_a_backup_names_its_county_and_key_in_lines_that_people_read(made):
    lines = made.file.read_bytes().split(b"\n\n")[0].decode().splitlines()
    facts = dict(line.split(" ", 1) for line in lines[1:])

    assert lines[0] == "tongyuan-backup/2"
    assert (facts["region"], facts["origin"], facts["payload"]) == (REGION, f"tongyuan/{REGION}", "gzip")
    assert facts["key"] == made.key
    assert int(facts["size"]) == len(taken_apart(made.file)[1])


def test_the_key_is_made_once_kept_private_pinned_and_in_no_backup(made):
    folder = made.file.parent
    _, public = own_key(folder, f"tongyuan/{REGION}")

    assert [one.vkey for one in pinned(folder)] == [public.vkey] == [made.key]
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in (KEY_FILE, PINNED_FILE)} == {0o600}
    assert not [name for name in contents(made.file) if "backup" in name]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_of_a_backup_can_be_changed_cut_off_or_added(made, encrypted, tmp_path, data):
    whole = data.draw(st.sampled_from([made, encrypted])).file.read_bytes()
    head = whole.index(b"\n\n") + 2
    # Half of them in the header, which is a thousandth of the file.
    at = data.draw(st.one_of(st.integers(0, head - 1), st.integers(0, len(whole) - 1)))
    bad = data.draw(
        st.one_of(
            st.integers(1, 255).map(lambda mask: whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :]),
            st.just(whole[:at]),
            st.binary(min_size=1, max_size=9).map(lambda more: whole + more),
        )
    )
    with pytest.raises(BadArchive):
        put_back(settings_of(tmp_path / "data"), written(tmp_path / "bad.backup", bad), key=made.key, unsigned=True)
    assert left(tmp_path / "data") == []


def test_a_machine_that_knows_no_key_asks_for_one_and_pins_the_one_it_was_given(made, tmp_path):
    new = settings_of(tmp_path / "data")
    with pytest.raises(BadArchive, match="no key for backups is known here: --key states which one to trust"):
        put_back(new, made.file)
    assert left(new.data_dir) == []

    paper = written(tmp_path / "paper", f"{made.key}\n".encode())
    assert put_back(new, made.file, key=str(paper)).key == made.key
    assert put_back(new, made.file, force=True).key == made.key, "from now on it needs no telling"
    again = backup(new, tmp_path / "again.backup", silent)
    assert again.key != made.key, "the private half was in no backup: this machine has its own"
    assert [one.vkey for one in pinned(new.data_dir)] == [made.key, again.key]


def test_what_another_key_has_signed_is_refused_with_both_names(made, tmp_path):
    header, payload = taken_apart(made.file)
    _, stranger = own_key(tmp_path, header.origin)
    forged = written(tmp_path / "forged.backup", signed(replace(header, key=stranger), payload, tmp_path))

    with pytest.raises(BadArchive, match="which is not trusted here: only") as refused:
        put_back(settings_of(tmp_path / "data"), forged, key=made.key)
    assert stranger.vkey in str(refused.value)
    assert made.key in str(refused.value)
    under_our_name = written(tmp_path / "ours.backup", signed(header, payload, tmp_path))
    with pytest.raises(BadArchive, match="its signature is not by the key that it names"):
        put_back(settings_of(tmp_path / "data"), under_our_name, key=made.key)


@pytest.mark.parametrize("value", ["", "no key", "tongyuan/1/backup+00000000+AAAA", "/no/such/file"])
def test_what_is_no_key_is_refused_by_name(made, tmp_path, value):
    with pytest.raises(Invalid, match=r"^key: "):
        parse_keys(value)


def test_a_backup_of_before_signatures_is_restored_only_when_told_to(made, tmp_path):
    old = written(tmp_path / "old.tar.gz", packed(as_of_before(contents(made.file))))
    with pytest.raises(BadArchive, match=r"old.tar.gz: is not signed.*--unsigned"):
        put_back(settings_of(tmp_path / "data"), old, key=made.key)
    assert left(tmp_path / "data") == []

    done = put_back(settings_of(tmp_path / "data"), old, unsigned=True)
    assert (done.manifest.format, done.manifest.origin, done.key) == (1, None, "")


def test_a_signature_cannot_be_taken_away(made, tmp_path):
    _, payload = taken_apart(made.file)
    bare = written(tmp_path / "bare.tar.gz", payload)
    with pytest.raises(BadArchive, match="a signature was removed"):
        put_back(settings_of(tmp_path / "data"), bare, unsigned=True)


def test_a_backup_of_another_county_is_refused_by_what_was_signed(tmp_path):
    elsewhere = settings_of(tmp_path / "theirs", region=ELSEWHERE)
    Embedded(elsewhere).close()
    theirs = backup(elsewhere, tmp_path / "theirs.backup", silent)
    with pytest.raises(BadArchive, match=f"region: the backup is of {ELSEWHERE}, but TONGYUAN_REGION is {REGION}"):
        put_back(settings_of(tmp_path / "data"), theirs.file, key=theirs.key)
    assert left(tmp_path / "data") == []


def member(name, kind, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


MEMBERS = {
    "symbolic link": member("stores/web.db", tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": member("stores/web.db", tarfile.LNKTYPE, "stores/ledger.db"),
    "device": member("stores/web.db", tarfile.CHRTYPE),
    "folder above": member("../outside", tarfile.DIRTYPE),
    "absolute": member("/tmp/outside", tarfile.REGTYPE),
}


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("unsigned", [True, False], ids=["unsigned", "signed"])
def test_what_is_no_plain_file_of_the_manifest_is_refused_whoever_signed_it(made, tmp_path, kind, unsigned):
    header, _ = taken_apart(made.file)
    parts = contents(made.file)
    parts.pop("stores/web.db")
    if unsigned:
        bad = packed(as_of_before(parts), [MEMBERS[kind]])
    else:
        bad = signed(header, packed(parts, [MEMBERS[kind]]), made.file.parent)
    with pytest.raises(BadArchive, match=r"stores/web.db: has 0 bytes|which its manifest does not name"):
        put_back(settings_of(tmp_path / "data"), written(tmp_path / "bad", bad), key=made.key, unsigned=unsigned)
    assert left(tmp_path / "data") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "data"]


def test_a_small_file_that_unpacks_to_more_than_it_says_is_refused(made, tmp_path):
    parts = as_of_before(contents(made.file))
    bomb = written(tmp_path / "bomb", packed(parts | {"zeros": bytes(24 * 2**20)}))
    with pytest.raises(BadArchive, match="which its manifest does not name"):
        put_back(settings_of(tmp_path / "data"), bomb, unsigned=True)

    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz", format=tarfile.PAX_FORMAT) as members:
        long = tarfile.TarInfo("manifest.json")
        long.pax_headers = {"comment": "0" * 24 * 2**20}
        members.addfile(long)
    long_name = written(tmp_path / "long", sink.getvalue())
    assert long_name.stat().st_size < 2**20
    with pytest.raises(BadArchive, match=r"contains a name of 25\d+ bytes"):
        put_back(settings_of(tmp_path / "data"), long_name, unsigned=True)
    endless = written(tmp_path / "endless", packed({"manifest.json": b" " * 2 * 2**20}))
    with pytest.raises(BadArchive, match=r"does not begin with manifest.json"):
        put_back(settings_of(tmp_path / "data"), endless, unsigned=True)
    assert left(tmp_path / "data") == []


def test_a_backup_for_which_there_is_no_room_is_refused_before_it_is_unpacked(made, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(Unavailable, match=r"the backup needs \d+ MiB, but 0 are free"):
        put_back(settings_of(tmp_path / "data"), made.file, key=made.key)
    assert [name for name in left(tmp_path / "data") if name != PINNED_FILE] == []


# Encryption


def test_an_encrypted_backup_comes_back_with_its_identity_and_says_nothing_without(made, encrypted, identity, tmp_path):
    assert b"ledger" not in encrypted.file.read_bytes()
    new = settings_of(tmp_path / "data")
    with pytest.raises(BadArchive, match="is encrypted: name the file with its private key with --identity"):
        put_back(new, encrypted.file, key=made.key)
    other = tmp_path / "other"
    make_identity(other)
    with pytest.raises(
        BadArchive,
        match=r"encrypted.backup: cannot be decrypted: .*check that this is the identity it was encrypted to",
    ):
        put_back(new, encrypted.file, key=made.key, identity=other)
    assert left(new.data_dir) == []

    done = put_back(new, encrypted.file, key=made.key, identity=identity[0])
    assert done.manifest.marks == encrypted.manifest.marks
    with pipeline(new.data_dir) as county:
        assert all(county.rebuild(name).differences == [] for name in county.channels)


def test_what_is_plain_of_an_encrypted_backup_lies_in_the_data_folder_alone(made, identity, tmp_path):
    target = tmp_path / "elsewhere"
    target.mkdir()
    seen = set()

    def look(_what, _number):
        seen.update(path.name for path in target.rglob("*"))

    backup(settings_of(made.file.parent), target, look, [identity[1]])
    assert seen == set()
    assert len(list(target.iterdir())) == 1


@pytest.mark.parametrize("value", ["", "age1", "AGE-SECRET-KEY-1QQ", "ssh-ed25519 AAAA"])
def test_what_is_no_recipient_is_refused_and_nothing_is_written(made, tmp_path, value):
    with pytest.raises(Invalid, match=r"^encrypt-to: "):
        backup(settings_of(made.file.parent), tmp_path, silent, [value])
    assert list(tmp_path.iterdir()) == []


def test_an_identity_is_for_its_owner_alone_and_never_overwritten(identity, made, encrypted, tmp_path):
    file, recipient = identity
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(Invalid, match="already exists"):
        make_identity(file)
    open_ = written(tmp_path / "open", file.read_bytes())
    open_.chmod(0o644)
    with pytest.raises(Broken, match="readable by others"):
        put_back(settings_of(tmp_path / "data"), encrypted.file, key=made.key, identity=open_)
    nothing = written(tmp_path / "nothing", b"# remark\n")
    nothing.chmod(0o600)
    with pytest.raises(Broken, match="contains no age identity"):
        put_back(settings_of(tmp_path / "data"), encrypted.file, key=made.key, identity=nothing)
    assert recipient in file.read_text()


def test_memory_stays_flat_however_large_a_backup_is(identity, tmp_path):
    """24 MiB of incompressible data, written and checked encrypted, in the memory of a few chunks."""
    (tmp_path / "stores").mkdir()
    with (tmp_path / "stores" / "web.db").open("wb") as large:
        for _ in range(24):
            large.write(os.urandom(2**20))
    private, public = own_key(identity[0].parent, "tongyuan/1")
    manifest = ArchiveManifest.model_validate({
        "made_at": "2026-01-01T00:00:00.000000Z", "version": "0", "mode": "sqlite", "region": REGION,
        "origin": "tongyuan/1", "head": None, "marks": {}, "stores": {}, "parts": describe_parts(tmp_path),
    })  # fmt: skip
    header = Header(REGION, "tongyuan/1", "2026-01-01T00:00:00.000000Z", "age", public)
    target = tmp_path / "large.backup"
    tracemalloc.start()
    archive.write(target, manifest, tmp_path, header, private, recipients([identity[1]]))
    checked = archive.check(target, [public])
    (tmp_path / "out").mkdir()
    archive.unpack(replace(checked, identities=identities(identity[0])), tmp_path / "out")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 2**20
    assert (tmp_path / "out" / "stores" / "web.db").stat().st_size == 24 * 2**20
