"""The page behind the QR code says in words whether a copy is authentic and in force; it needs no JavaScript."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.verify_address import page_address, printed_address
from services.ledger.signing.heads import sign_head
from services.ledger.verify import page
from services.ledger.verify.copy_judgement import CopyStatus, judge
from tests.harness.pipeline import code_of, guide, item, pipeline, progress
from tests.harness.wall_clock import WallClock

FALSE = "不是真的"
TIMES = st.integers(0, 9).map(lambda second: f"2026-03-01T00:00:0{second}.000000Z")


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=()) as made:
        yield made


def released(county, *things, **period):
    """Release these and record them in the ledger."""
    made = [county.release(thing, **period) for thing in things]
    county.flow()
    return made


def verdict(county, address):
    """Return (status, headline, whole page) of an address."""
    answer = county.http.get(address, follow_redirects=True)
    headline = re.search(r'<h1 id="said">\s*<span class="zh" lang="zh-CN">(.*?)</span>', answer.text)
    return answer.status_code, headline[1], answer.text


def test_a_released_guide_is_authentic_and_in_force(county):
    _, made = released(county, item(1), guide(1))

    status, headline, page = verdict(county, printed_address(made.key, made.version, made.digest))

    assert (status, headline) == (200, "是真的，现行有效")
    assert "居民身份证办理" in page
    assert made.digest[:16] in page
    assert f'href="/web/items/{code_of(1)}"' in page
    assert 'datetime="' in page


def test_a_guide_that_was_released_anew_says_since_when_and_which_version_holds(county):
    _, old = released(county, item(1), guide(1))
    released(county, guide(1, link_way="0570-1234567"))

    status, headline, page = verdict(county, printed_address(old.key, 1, old.digest))

    assert (status, headline) == (200, "是真的，但已有新版")
    assert "起改用第 2 版" in page
    assert f'href="/web/items/{code_of(1)}"' in page


def test_a_copy_superseded_twice_names_the_version_in_force_now(county):
    _, old = released(county, item(1), guide(1))
    released(county, guide(1, link_way="0570-1234567"))
    released(county, guide(1, link_way="0570-7654321"))

    _, headline, page = verdict(county, printed_address(old.key, 1, old.digest))

    assert headline == "是真的，但已有新版"
    assert "起改用第 2 版" in page
    assert "现在有效的是第 3 版" in page


def test_a_superseded_copy_whose_successor_has_expired_says_that_nothing_is_in_force(county, monkeypatch):
    _, old = released(county, item(1), guide(1))
    released(county, guide(1, link_way="0570-1234567"), expires_at=datetime.now(UTC) + timedelta(days=1))

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=2)

    monkeypatch.setattr("services.ledger.verify.page.datetime", Later)
    _, _, page = verdict(county, printed_address(old.key, 1, old.digest))

    assert "第 2 版后来也已经过期，现在没有有效的版本" in page
    assert "/web/items/" not in page


def test_what_the_newest_statement_does_not_cover_is_told_with_the_time_to_look_again(county):
    """Also to programs, and to browsers that run no scripts."""
    made = released(county, item(1))[0]
    sign_head(county.dbs["ledger"], county.signer, timedelta(0))
    address = page_address("item", code_of(1), 1)
    covered = county.http.get(address)
    released(county, item(1, short_name="新"))

    for version in (1, 2):
        young = county.http.get(page_address("item", code_of(1), version))
        wait = int(young.headers["retry-after"])
        assert young.status_code == 200
        assert 2 <= wait <= 12
        assert f"约 {wait} 秒后再看一次" in young.text
        assert f'<noscript><meta http-equiv="refresh" content="{wait}"></noscript>' in young.text
    assert "retry-after" not in covered.headers
    assert "http-equiv" not in covered.text
    assert made.version == 1


def test_a_withdrawn_item_is_authentic_and_not_to_be_used(county):
    (made,) = released(county, item(1))
    county.withdraw(item(1))
    county.flow()

    status, headline, page = verdict(county, printed_address(made.key, 1, made.digest))

    assert (status, headline) == (200, "是真的，但已经撤回")
    assert "/web/items/" not in page


def test_a_guide_says_until_when_its_item_lasts_and_does_not_hold_from_then_on(county, monkeypatch):
    _, made = released(county, item(1), guide(1))
    county.watch.take = lambda messages: []  # the guides are not told, so the ledger has nothing that hides the guide
    released(county, item(1, "限期的事项"), expires_at=datetime.now(UTC) + timedelta(hours=1))
    address = printed_address(made.key, made.version, made.digest)
    assert (verdict(county, address)[1], "注意：有效期到" in verdict(county, address)[2]) == ("是真的，现行有效", True)

    WallClock(monkeypatch, page).forward(timedelta(hours=2))

    assert verdict(county, address)[:2] == (200, "是真的，但这个事项现在不办")


def test_a_guide_of_an_item_that_has_not_begun_does_not_hold_yet(county):
    county.watch.take = lambda messages: []
    (made,) = released(county, guide(1))
    released(county, item(1), effective_at=datetime.now(UTC) + timedelta(hours=1))

    _, headline, text = verdict(county, printed_address(made.key, made.version, made.digest))

    assert (headline, "还没有开办" in text) == ("是真的，但这个事项现在不办", True)


def test_a_version_whose_time_has_not_come_says_from_when_on_it_holds(county):
    (made,) = released(county, item(1), effective_at=datetime(2050, 3, 1, 1, 5, tzinfo=UTC))

    _, headline, page = verdict(county, printed_address(made.key, 1, made.digest))

    assert headline == "是真的，但还没有生效"
    assert "2050年3月1日 09:05" in page
    assert "1 March 2050, 09:05" in page


def test_a_version_in_force_tells_which_one_comes_next(county):
    (made,) = released(county, item(1))
    released(county, item(1, short_name="新"), effective_at=datetime(2050, 3, 1, tzinfo=UTC))

    _, headline, page = verdict(county, printed_address(made.key, 1, made.digest))

    assert headline == "是真的，现行有效"
    assert "起改用第 2 版" in page


def test_a_copy_with_another_digest_is_not_authentic(county):
    _, made = released(county, item(1), guide(1))
    other = f"{int(made.digest[0], 16) ^ 1:x}{made.digest[1:]}"

    status, headline, _ = verdict(county, printed_address(made.key, 1, other))

    assert status == 404
    assert headline.startswith(FALSE)


@pytest.mark.parametrize(
    "address",
    [
        page_address("guide", code_of(1), 2),
        page_address("guide", code_of(2), 1),
        printed_address(f"item:{code_of(2)}", 1, "0" * 64),
    ],
)
def test_what_was_never_released_is_plainly_not_authentic(county, address):
    released(county, item(1), guide(1))

    status, headline, page = verdict(county, address)

    assert status == 404
    assert headline.startswith(FALSE)
    assert "<script>alert" not in page
    assert "verify-page.js" not in page, "there is nothing to check"


@pytest.mark.parametrize(
    "address",
    [
        page_address("guide", "<script>alert(1)</script>", 1),
        f"/verify/guide/{code_of(1)}/1/not-a-digest",
        f"/verify/guide/{code_of(1)}/1/abc",
        f"/verify/guide/{code_of(1)}/latest",
        f"/verify/guide/{code_of(1)}/0",
        f"/verify/guide/{code_of(1)[:-1]}/1",
        f"/verify/nonsense/{code_of(1)}/1",
        "/verify/guide/x/1",
        "/V/X/1/1/1",
        f"/V/X/{code_of(1)}/1/1",
    ],
)
def test_an_address_that_nobody_prints_is_mistyped_and_calls_no_paper_forged(county, address):
    released(county, item(1), guide(1))

    status, headline, page = verdict(county, address)

    assert (status, headline) == (404, "查不了：这个地址不完整，或者抄错了")
    assert FALSE not in page
    assert "<script>alert" not in page
    assert "verify-page.js" not in page, "there is nothing to check"


def spellings(made):
    """One printed address as people type it."""
    address = printed_address(made.key, made.version, made.digest)
    kind, _, code = made.key.partition(":")
    full_width = "".join(chr(ord(one) + 0xFEE0) if one.isalnum() else one for one in code)
    yield from (address, f"{address}/", f"{address}//", address.lower(), f"{address.lower()}/")
    yield from (address.replace(code, full_width), address.replace("/1/", "/01/"), address.replace(code, f"{code} "))
    for readable in (page_address(kind, code.lower(), 1, made.digest[:16]), page_address(kind, full_width, 1)):
        yield from (readable, f"{readable}/")


@pytest.mark.parametrize("place", [0, 1])
def test_a_genuine_paper_is_genuine_however_its_address_is_typed(county, place):
    made = released(county, item(1), guide(1))[place]

    for address in spellings(made):
        assert verdict(county, address)[:2] == (200, "是真的，现行有效"), address


def test_a_case_is_never_shown_and_looks_like_what_does_not_exist(county):
    key = county.release_case(progress())
    county.flow()
    reference = key.partition(":")[2]

    real = verdict(county, f"/verify/application/{reference}/1")
    invented = verdict(county, f"/verify/application/{'0' * len(reference)}/1")

    assert real[0] == 404
    assert real[2].replace(reference, "0" * len(reference)) == invented[2]
    with pytest.raises(KeyError):
        printed_address(key, 1, "0" * 64)


def test_the_page_loads_own_files_only_and_runs_nothing_inline(county):
    released(county, item(1))

    answer = county.http.get(page_address("item", code_of(1), 1))

    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert re.findall(r"<script(?! [^>]*src=)", answer.text) == []
    for address in re.findall(r'(?:src|href)="(/verify/static/[^"]+)"', answer.text):
        assert county.http.get(address).status_code == 200


def test_the_form_leads_to_the_page(county):
    answer = county.http.get("/verify/", params={"kind": "guide", "code": f" {code_of(1)} ", "version": "7"})

    assert answer.headers["location"] == page_address("guide", code_of(1), 7)
    assert county.http.get("/verify/").status_code == 200


def test_a_qr_codes_address_has_only_what_a_qr_code_packs_densest():
    assert re.fullmatch(r"[0-9A-Z $%*+\-./:]+", printed_address(f"guide:{code_of(1)}", 12, "ab" * 32))


@st.composite
def histories(draw):
    """Draw every entry of a key, recorded one after another, each with times of effect and expiry or none."""
    recorded = sorted(draw(st.lists(TIMES, min_size=1, max_size=6)))
    return [
        {
            "version": number,
            "recorded_at": at,
            "effective_at": draw(st.none() | TIMES),
            "expires_at": draw(st.none() | TIMES),
            "op": draw(st.sampled_from(["release", "withdraw"])),
            "digest": f"{number:064x}",
        }
        for number, at in enumerate(recorded, 1)
    ]


def shown(history, now):
    """Return what a channel shows: each version from its time on, but never one lower than it has."""
    counts = None
    for entry in sorted(history, key=lambda e: (max(e["recorded_at"], e["effective_at"] or ""), e["version"])):
        if max(entry["recorded_at"], entry["effective_at"] or "") <= now:
            counts = entry if counts is None or entry["version"] > counts["version"] else counts
    hidden = counts is None or counts["op"] == "withdraw" or (counts["expires_at"] and counts["expires_at"] <= now)
    return None if hidden else counts


@given(histories(), TIMES)
def test_in_force_is_exactly_what_the_channels_show(history, now):
    known = [entry for entry in history if entry["recorded_at"] <= now]
    in_force = [entry for entry in known if judge(known, entry["version"], "", now).standing == CopyStatus.IN_FORCE]

    expected = shown(known, now)
    assert in_force == ([expected] if expected else [])
    assert judge(known, 1, "", now).in_force == expected


@given(histories(), TIMES, st.integers(1, 9))
def test_every_released_version_is_authentic_and_no_other_is(history, now, wanted):
    judgement = judge(history, wanted, "", now)

    assert judgement.authentic == (wanted <= len(history))
    ended = (CopyStatus.SUPERSEDED, CopyStatus.WITHDRAWN, CopyStatus.EXPIRED)
    if judgement.standing in ended:
        assert judgement.since <= now
    if judgement.standing == CopyStatus.NOT_YET:
        assert judgement.since is None or judgement.since > now
