"""A channel follows one ledger: an older restore or another history halts it, and the channel never goes back.

A signer with its saved state would not sign such a ledger (test_signer_memory.py). Here an operator has accepted it, or
an attacker has the key: a channel does not rely on the signer.
"""

import shutil
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.channels.recovery.content_loss import WouldLose
from services.channels.recovery.rebuild import Rebuild
from services.channels.trust.continuity import Halted
from services.ledger.signing.heads import sign_head
from shared.errors import Conflict, TongyuanError, Unavailable, UpstreamDown
from tests.harness.pipeline import ADMIN, SERVICE, Pipeline, code_of, guide, item

WEB = ["web"]


def county_of(folder):
    return closing(Pipeline(folder, channels=WEB))


def keep(folder, name):
    """Copy the store, as a backup would have it; the county must be closed."""
    shutil.copyfile(folder / f"{name}.db", folder / f"{name}.kept")


def put_back(folder, name):
    for journal in folder.glob(f"{name}.db-*"):
        journal.unlink()
    shutil.copyfile(folder / f"{name}.kept", folder / f"{name}.db")


def name_of(county, number):
    answer = county.get(f"web/v1/items/{code_of(number)}")
    return answer.json().get("name") if answer.status_code == 200 else answer.status_code


def halted(county):
    return county.get("web/v1/lineage", SERVICE).json()["halted"]


def try_to_follow(county):
    """Do what every process does: read from the sources, sign, send, and compare with upstream."""
    county.accept_ledger()
    county.intake.reconcile()
    sign_head(county.dbs["ledger"], county.signer)
    for act in (county.flow, county.channels["web"].reconcile):
        try:
            act()
        except TongyuanError:
            continue


@pytest.fixture
def lost(tmp_path):
    """A ledger restored to two entries; its source has five releases, and web has shown all of them."""
    with county_of(tmp_path) as county:
        for number in (1, 2):
            county.release(item(number, f"旧{number}"))
        county.flow()
    keep(tmp_path, "ledger")
    with county_of(tmp_path) as county:
        county.release(item(1, "新1"))
        county.release(item(3))
        county.release(item(4))
        county.flow()
        assert name_of(county, 1) == "新1"
    keep_newest(tmp_path)
    put_back(tmp_path, "ledger")
    return tmp_path


def keep_newest(folder):
    shutil.copyfile(folder / "ledger.db", folder / "ledger.newest")


def test_a_ledger_older_than_the_channel_halts_it_and_it_keeps_what_it_shows(lost):
    with county_of(lost) as county:
        with pytest.raises(Halted, match="covers 2 entries, but this channel has seen one of 5"):
            county.channels["web"].catch_up()
        assert county.channels["web"].reconcile() == 0

        assert "covers 2 entries" in halted(county)["reason"]
        assert REGISTRY.get_sample_value("tongyuan_channel_halted", {"channel": "web"}) == 1
        assert name_of(county, 1) == "新1"
        assert county.get("web/v1/position").json()["head"]["size"] == 5


def test_what_the_restored_ledger_records_anew_is_refused_even_beyond_where_the_channel_was(lost):
    with county_of(lost) as county:
        county.release(item(5, "历史分叉之后"))
        county.release(item(6, "历史分叉之后"))
        try_to_follow(county)

        assert county.ledger.head().size == 7
        assert "does not continue" in halted(county)["reason"]
        assert name_of(county, 5) == 404
        assert county.get("web/v1/position").json()["position"] == 5


def test_the_ledger_asks_the_sources_again_and_keeps_the_order_of_versions(lost):
    with county_of(lost) as county:
        try_to_follow(county)
        entries = county.ledger.entries(0, 100)

        assert [(entry.key, entry.version) for entry in entries if entry.key == f"item:{code_of(1)}"] == [
            (f"item:{code_of(1)}", 1),
            (f"item:{code_of(1)}", 2),
        ]
        assert {entry.key for entry in entries} == {f"item:{code_of(number)}" for number in (1, 2, 3, 4)}


def test_nothing_of_a_fork_is_shown_although_no_head_was_signed_since_the_restore(lost):
    with county_of(lost) as county:
        county.release(item(5, "分叉"))
        county.accept_ledger()
        county.intake.reconcile()
        (to_web,) = [relay for relay in county.relays if relay.name == "web"]
        with pytest.raises(Unavailable, match="covers 2 entries"):
            to_web.step()

        assert county.ledger.head().size == 2
        assert name_of(county, 5) == 404


def test_a_rebuild_without_a_new_epoch_is_refused_while_the_channel_is_halted(lost):
    with county_of(lost) as county:
        try_to_follow(county)
        with pytest.raises(Conflict, match="--new-epoch"):
            county.rebuild("web")
        assert name_of(county, 1) == "新1"


def test_a_rebuild_under_a_new_epoch_is_the_way_out_and_screens_start_over(lost):
    with county_of(lost) as county:
        county.release(item(5, "分叉之后"))
        cursor = county.get("web/v1/changes").json()["cursor"]
        try_to_follow(county)
        answer = county.http.post("/web/v1/rebuild?new_epoch=true", headers={"Authorization": f"Bearer {ADMIN}"})
        assert '"done":true' in answer.text, answer.text

        assert halted(county) is None
        assert county.get("web/v1/changes", since=cursor).status_code == 410
        county.flow()
        assert REGISTRY.get_sample_value("tongyuan_channel_halted", {"channel": "web"}) == 0
        county.release(item(6, "照常"))
        county.flow()
        assert [name_of(county, number) for number in (1, 5, 6)] == ["新1", "分叉之后", "照常"]
        assert county.rebuild("web").differences == []


def test_a_rebuild_in_the_middle_of_a_comparison_stays_rebuilt(lost, monkeypatch):
    with county_of(lost) as county:
        try_to_follow(county)
        assert halted(county) is not None
        for number in (5, 6):
            county.release(item(number, "分叉之后"))
        county.intake.reconcile()
        sign_head(county.dbs["ledger"], county.signer)
        monkeypatch.setattr(county.ledger, "consistency", rebuilt_after_the_comparison(county))
        county.channels["web"].reconcile()

        assert halted(county) is None
        county.release(item(7, "照常"))
        county.flow()
        assert name_of(county, 7) == "照常"


def rebuilt_after_the_comparison(county):
    """The second proof is for the anchor that was just read again; before it is judged, the channel is rebuilt."""
    prove, asked = county.ledger.consistency, []

    def overtaken(first, second):
        asked.append(first)
        if len(asked) == 2:
            county.rebuild("web", new_epoch=True)
        return prove(first, second)

    return overtaken


def test_a_channel_may_go_back_under_a_new_epoch_when_sources_were_lost_too(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1, "旧"))
        county.flow()
    for name in ("ledger", "catalog"):
        keep(tmp_path, name)
    with county_of(tmp_path) as county:
        county.release(item(1, "丢失的版本"))
        county.release(item(2, "丢失的事项"))
        county.flow()
    for name in ("ledger", "catalog"):
        put_back(tmp_path, name)

    with county_of(tmp_path) as county:
        try_to_follow(county)
        with pytest.raises(WouldLose) as refused:
            county.rebuild("web", new_epoch=True)
        assert refused.value.lost == {
            f"item:{code_of(1)}": "the ledger ends with version 1",
            f"item:{code_of(2)}": "the ledger has no entry for it",
        }
        assert [name_of(county, 1), name_of(county, 2)] == ["丢失的版本", "丢失的事项"]
        done = county.rebuild("web", new_epoch=True, accept_loss=True)
        assert {one.partition(": ")[0] for one in done.lost} == refused.value.lost.keys()
        assert sorted(done.differences) == [f"item:{code_of(1)}", f"item:{code_of(2)}"]
        assert [name_of(county, 1), name_of(county, 2)] == ["旧", 410]
        county.release(item(2, "重新发布"))
        county.flow()
        assert name_of(county, 2) == "重新发布"


def test_a_newer_backup_of_the_same_ledger_lets_the_channel_go_on_by_itself(lost):
    with county_of(lost) as county, pytest.raises(Halted):
        county.channels["web"].catch_up()
    shutil.copyfile(lost / "ledger.newest", lost / "ledger.kept")
    put_back(lost, "ledger")

    with county_of(lost) as county:
        assert halted(county) is not None
        county.release(item(7))
        county.flow()
        assert halted(county) is None
        assert name_of(county, 7) == "居民身份证办理"


def test_a_ledger_that_lost_entries_which_no_head_had_covered_yet_is_found_too(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
    keep(tmp_path, "ledger")
    with county_of(tmp_path) as county:
        county.release(item(2))
        while sum(relay.step() for relay in county.relays):
            pass
        assert county.get("web/v1/position").json()["position"] == 2
    put_back(tmp_path, "ledger")

    with county_of(tmp_path) as county:
        with pytest.raises(Halted, match="no entry 2"):
            county.channels["web"].catch_up()
        assert halted(county) is not None
        county.release(item(3))
        try_to_follow(county)

        # The source gave the same release again, but recorded at another time it is another entry 2.
        assert "entry 2 of the ledger" in halted(county)["reason"]
        assert name_of(county, 3) == 404
        assert list(Rebuild(county.channels["web"], new_epoch=True).run())[-1].differences == [f"item:{code_of(3)}"]
        assert halted(county) is None


def test_another_entry_in_the_place_of_one_that_no_head_had_covered_is_found_too(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
    keep(tmp_path, "ledger")
    with county_of(tmp_path) as county:
        county.release(item(2))
        while sum(relay.step() for relay in county.relays):
            pass
    put_back(tmp_path, "ledger")

    with county_of(tmp_path) as county:
        county.release(guide(1))
        for relay in county.relays:
            if relay.db.service == "guides":
                relay.step()
        county.release(item(3))
        try_to_follow(county)

        assert "entry 2 of the ledger" in halted(county)["reason"]
        assert name_of(county, 3) == 404


def test_a_head_that_comes_late_is_no_rollback(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
        early = county.ledger.head()
        county.release(item(2))
        county.flow()
        county.channels["web"].on_head(early)

        assert halted(county) is None
        assert county.get("web/v1/position").json()["head"]["size"] == 2


def test_a_head_is_remembered_while_nobody_can_prove_it_and_proven_later(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
        web = county.channels["web"]
        proof, web.ledger.consistency = web.ledger.consistency, unreachable
        county.release(item(2))
        county.flow()
        assert county.get("web/v1/position").json()["head"]["size"] == 2
        assert county.get("web/v1/lineage", SERVICE).json()["anchor"]["size"] == 1

        web.ledger.consistency = proof
        county.release(item(3))
        county.flow()
        assert county.get("web/v1/lineage", SERVICE).json()["anchor"]["size"] == 3


def unreachable(_first, _second):
    raise UpstreamDown("the ledger does not answer")


def test_strangers_are_not_told_of_it(tmp_path):
    with county_of(tmp_path) as county:
        assert county.get("web/v1/lineage").status_code == 401


@settings(max_examples=6)
@given(kept=st.integers(0, 4), lost_too=st.integers(1, 4), more=st.integers(0, 6))
def test_whatever_was_lost_the_channel_never_goes_back_and_never_mixes(tmp_path_factory, kept, lost_too, more):
    folder = tmp_path_factory.mktemp("county")
    with county_of(folder) as county:
        for number in range(kept):
            county.release(item(number))
        county.flow()
    keep(folder, "ledger")
    with county_of(folder) as county:
        for number in range(kept, kept + lost_too):
            county.release(item(number))
        county.flow()
        before = county.get("web/v1/source").json()["digests"]
    put_back(folder, "ledger")
    with county_of(folder) as county:
        for number in range(100, 100 + more):
            county.release(item(number))
        try_to_follow(county)
        assert halted(county) is not None
        assert county.get("web/v1/source").json()["digests"] == before


def test_a_halted_channel_does_not_look_fresh_and_a_late_head_does_not_let_it_go_on(lost):
    with county_of(lost) as county:
        try_to_follow(county)
        seen = county.get("web/v1/position").json()["head"]
        for _ in range(2):
            county.channels["web"].on_head(county.ledger.head())
        assert county.get("web/v1/position").json()["head"] == seen
        assert county.get("web/v1/lineage", SERVICE).json()["anchor"]["size"] == 5
        assert halted(county) is not None
