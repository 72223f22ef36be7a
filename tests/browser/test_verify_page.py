"""The verify page in the browser: checks by itself what the server says, and finds whatever was altered."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope.publication import Publication
from contracts.verify_address import page_address, printed_address
from services.ledger.signing.heads import sign_head
from services.ledger.signing.keyring import rotate
from shared.transparency.checkpoint import NoteKey
from tests.harness.accessibility import barriers
from tests.harness.browser import HALL, NARROWEST, PHONE, Browser, Page
from tests.harness.county import EmbeddedCounty, wait_for
from tests.harness.pipeline import Pipeline, code_of, guide, item, pipeline

STEPS = ["entry", "digest", "signature", "key", "history", "tree", "newest"]
ALL_WELL = dict.fromkeys(STEPS, "ok")
FIRST_VISIT = {**ALL_WELL, "key": "new", "history": "new"}
FEW = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
PROVEN = {*Publication.model_fields} - {
    *("source", "lane", "sequence", "traceparent", "source_signature"),
    *("no_body", "withheld_until"),
}
"""Fields of an entry that digest or leaf cover: the page uses no other."""


@pytest.fixture(scope="package")
def mark(county: EmbeddedCounty) -> dict:
    """Key, version, position and digest of a guide that no other test of this county changes."""
    return _newest_guides(county)[-1]


def _newest_guides(county: EmbeddedCounty) -> list[dict]:
    """The newest entry of every guide of the demo, in order of codes. Other files change the first guides."""
    entries = county.http("ledger").get("/ledger/v1/entries", params={"limit": 1000}).json()["entries"]
    newest = {entry["key"]: entry for entry in entries if entry["kind"] == "guide"}
    return [newest[key] for key in sorted(newest)]


def opened(page: Page, mark: dict, digest: str | None = None) -> dict[str, str]:
    """Open the page of a mark and let it check; the state of each step."""
    page.open(printed_address(mark["key"], mark["version"], digest or mark["digest"]), status=None)
    return checked(page)


def checked(page: Page) -> dict[str, str]:
    """Wait for the end of the check, and for the statement that covers it: the state of each step."""
    page.wait("() => !['pending', 'waiting', undefined].includes(document.getElementById('proof')?.dataset.outcome)")
    return states(page)


def states(page: Page) -> dict[str, str]:
    page.wait("() => 'done' in (document.getElementById('proof')?.dataset ?? {})")
    names = page.evaluate(
        "() => [...document.querySelectorAll('#steps > li')].map((e) => [e.dataset.step, e.className])"
    )
    return dict(names)


def test_a_guide_is_checked_on_the_first_visit_and_against_it_on_the_next(page: Page, mark: dict) -> None:
    assert opened(page, mark) == FIRST_VISIT
    assert "是真的，现行有效" in page.text("#verdict")
    assert "全部对得上" in page.text("#outcome")

    assert opened(page, mark) == ALL_WELL
    assert page.evaluate("() => Object.keys(localStorage)") == ["ledger"]
    assert mark["key"] not in page.evaluate("() => localStorage.getItem('ledger')")


def test_another_digest_is_told_by_server_and_device(page: Page, mark: dict) -> None:
    page.open(printed_address(mark["key"], mark["version"], "0" * 64), status=None)

    assert checked(page) == FIRST_VISIT
    assert "不是真的" in page.text("#verdict")
    assert "确实和您那份不一样" in page.text("#outcome")


@pytest.mark.parametrize(
    ("step", "path", "old", "new"),
    [
        ("digest", "/ledger/v1/entries/{position}", '"dept_name":"', '"dept_name":"假'),
        ("entry", "/ledger/v1/entries/{position}", '"version":', '"version":1'),
        ("tree", "/ledger/v1/entries/{position}", '"recorded_at":"2', '"recorded_at":"1'),
        ("signature", "/ledger/v1/checkpoint", "\n\n", "\nextra\n\n"),
        ("signature", "/ledger/v1/keys", '"vkey":"tongyuan', '"vkey":"tongyuaN'),
        ("tree", "/ledger/v1/proof/inclusion", '"path":["', f'"path":["{"0" * 64}","'),
        ("newest", "/ledger/v1/state/{key}", '"version":', '"version":9'),
        ("newest", "/ledger/v1/statement", 'sequence\\":', 'sequence\\":1'),
    ],
)  # fmt: skip
def test_whatever_is_altered_on_its_way_turns_the_page_red(
    page: Page, mark: dict, step: str, path: str, old: str, new: str
) -> None:
    def change(body: bytes) -> bytes:
        assert old.encode() in body
        return body.replace(old.encode(), new.encode(), 1)

    page.alter(path.format(**mark), change)

    assert opened(page, mark)[step] == "bad"
    assert "核对不通过" in page.text("#outcome")
    assert "是真的" not in page.text("#verdict")
    assert page.evaluate("() => localStorage.getItem('ledger')") is None, "nothing of this is remembered"


def test_another_key_than_last_time_is_told(page: Page, mark: dict) -> None:
    opened(page, mark)
    other = NoteKey("tongyuan/339921000000", bytes(range(32))).vkey
    page.evaluate(
        """(vkey) => {
          const kept = JSON.parse(localStorage.getItem("ledger"));
          localStorage.setItem("ledger", JSON.stringify({ ...kept, vkey }));
        }""",
        other,
    )

    assert opened(page, mark)["key"] == "bad"
    page.click("details.limits summary")
    page.click("#forget")
    assert checked(page) == FIRST_VISIT


def test_a_ledger_that_rewrote_its_past_is_told(page: Page, mark: dict) -> None:
    opened(page, mark)
    page.evaluate("""() => {
      const kept = JSON.parse(localStorage.getItem("ledger"));
      const lines = kept.note.split("\\n");
      lines[2] = btoa("another root of thirty-two bytes");
      localStorage.setItem("ledger", JSON.stringify({ ...kept, note: lines.join("\\n") }));
    }""")

    assert opened(page, mark)["history"] == "bad"


def test_a_browser_that_cannot_check_signatures_says_so_and_shows_the_rest(page: Page, mark: dict) -> None:
    opened(page, mark)
    page.evaluate("""() => {
      crypto.subtle.importKey = () => Promise.reject(new DOMException("no such algorithm", "NotSupportedError"));
      document.getElementById("forget").click();
    }""")

    steps = checked(page)

    assert (steps["entry"], steps["digest"], steps["signature"], steps["tree"]) == ("ok", "ok", "unable", "skipped")
    assert "没能全部核对" in page.text("#outcome")


def test_a_device_without_network_says_that_nothing_was_checked(page: Page, mark: dict) -> None:
    opened(page, mark)
    page.offline(True)
    page.evaluate("() => document.getElementById('forget').click()")

    assert checked(page)["entry"] == "unable"
    assert "没能全部核对" in page.text("#outcome")


@pytest.mark.one_browser
def test_a_copy_released_a_moment_ago_is_never_called_forged_and_its_page_looks_again(
    page: Page, county: EmbeddedCounty
) -> None:
    """What is read of the ledger's newest statement is held back, so that the page surely meets the one before."""
    http = county.http("ledger")
    key = _newest_guides(county)[-2]["key"]
    paths = ("/ledger/v1/statement", f"/ledger/v1/state/{key}")
    before = {path: http.get(path).content for path in paths}
    newest = released_again(county, key.partition(":")[2])
    stale = {"on": True}
    for path in paths:
        page.alter(path, lambda body, old=before[path]: old if stale["on"] else body)

    page.open(printed_address(newest["key"], newest["version"], newest["digest"]))
    assert states(page)["newest"] == "pending"
    assert "刚刚发布，请稍等再看" in page.text("#verdict")
    assert "不说明您手里的是假的" in page.text("#verdict")
    assert "不能相信" not in page.text("main")
    assert barriers(page) == []

    stale["on"] = False
    page.wait("() => document.getElementById('proof').dataset.outcome === 'ok'")
    assert "是真的，现行有效" in page.text("#verdict")
    assert [state for state in checked(page).values() if state == "bad"] == []


def released_again(county: EmbeddedCounty, code: str) -> dict:
    """Release the guide's next version; its entry in the ledger."""
    http, path = county.http("guides"), f"/guides/v1/guides/{code}"
    found = http.get(path).json()
    draft = {**found["draft"], "link_way": f"0570-{found['revision']:07}"}
    http.put(path, json=draft, headers={"If-Match": f'"{found["revision"]}"'}).raise_for_status()
    version = http.post(f"{path}/release").raise_for_status().json()["version"]
    versions = f"/ledger/v1/versions/guide:{code}"
    return wait_for(
        lambda: next(
            (e for e in county.http("ledger").get(versions).json()["versions"] if e["version"] == version), None
        ),
        "the release is recorded",
    )


@pytest.mark.one_browser
@pytest.mark.parametrize("size", [NARROWEST, PHONE, HALL], ids=str)
def test_the_page_fits_and_keeps_nobody_out(page: Page, mark: dict, size: tuple[int, int]) -> None:
    page.resize(*size)
    for address in ("/verify/", page_address("guide", "nothing", 1)):
        page.open(address, status=None)
        assert barriers(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
    opened(page, mark)
    page.evaluate("() => document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert barriers(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]


def test_the_page_speaks_english_at_a_touch(page: Page, mark: dict) -> None:
    opened(page, mark)
    page.click("button[data-mode=lang]")

    assert "Authentic, and in force" in page.text("#verdict")
    assert "是真的" not in page.text("#verdict")
    assert "everything agrees" in page.text("#outcome")


class Given:
    """A small county whose public answers are handed to verify.js one by one, so that a test may alter each byte."""

    def __init__(self, county, code: str) -> None:
        self.county, self.key = county, f"guide:{code}"
        versions = county.get(f"ledger/v1/versions/{self.key}").json()["versions"]
        self.newest = versions[-1]
        size = county.get("ledger/v1/head").json()["size"]
        signed = county.get("ledger/v1/statement").json()["statement"]["size"]
        paths = [
            f"/ledger/v1/entries/{self.newest['position']}",
            "/ledger/v1/checkpoint",
            "/ledger/v1/keys",
            "/ledger/v1/statement",
            f"/ledger/v1/state/{self.key}",
            f"/ledger/v1/proof/inclusion?position={self.newest['position']}&size={size}",
            f"/ledger/v1/proof/consistency?first={signed}&second={size}",
        ]
        self.answers = {path: county.http.get(path).content for path in paths}
        self.subject = {
            **{name: self.newest[name] for name in ("key", "version", "position")},
            "printed": self.newest["digest"][:16],
            "standing": "in_force",
            "released": self.newest["released_at"],
            "size": size,
            "ruling": self.newest["position"],
        }

    def check(self, page: Page, answers: dict[str, bytes] | None = None, memory: dict | None = None) -> dict[str, str]:
        """State of each step. What is not UTF-8 is read as a browser reads it."""
        texts = {path: body.decode("utf-8", "replace") for path, body in (answers or self.answers).items()}
        function = """async (subject, texts, memory) => {
          const { check, Unreachable } = await import("/verify/static/verify.js");
          const read = async (path) => {
            if (!(path in texts)) throw new Unreachable(path);
            return texts[path];
          };
          const steps = await check(subject, { read, memory: { get: () => memory, set: () => {} } });
          return Object.fromEntries(steps.map(({ name, state }) => [name, state]));
        }"""
        return page.evaluate(function, self.subject, texts, memory)


@pytest.fixture(scope="module")
def given_county(tmp_path_factory):
    """Two versions of a guide among others."""
    with pipeline(tmp_path_factory.mktemp("given"), channels=()) as county:
        for number in range(1, 8):
            county.release(item(number))
            county.release(guide(number))
        county.release(guide(3, link_way="0570-1234567"))
        county.flow()
        yield county


@pytest.fixture(scope="module")
def verifier(browser: Browser, county: EmbeddedCounty):
    with browser.page(county.url("web")) as page:
        page.open("/verify/")
        yield page


@pytest.fixture(scope="module")
def whole(given_county) -> Given:
    return Given(given_county, code_of(3))


def test_a_key_is_believed_when_the_remembered_one_vouches_for_it(verifier: Page, tmp_path) -> None:
    """Also after the old one signs no more: what it says about its successor stays."""
    with pipeline(tmp_path, channels=()) as county:
        county.release(item(1))
        county.release(guide(1))
        county.flow()
        note = county.http.get("/ledger/v1/checkpoint").text
        first = county.get("ledger/v1/keys").json()["keys"][0]["vkey"]
        memory = {"vkey": first, "note": note}
        rotate(tmp_path, timedelta(seconds=0), datetime.now(UTC))
        sign_head(county.dbs["ledger"], county.signer, timedelta(0))
        now = Given(county, code_of(1))
        keys = now.answers["/ledger/v1/keys"]
        unsaid = json.loads(keys)
        unsaid["keys"][1]["endorsement"] = None

        assert now.check(verifier, memory=memory) == ALL_WELL
        now.answers["/ledger/v1/keys"] = json.dumps(unsaid).encode()
        assert now.check(verifier, memory=memory)["key"] == "bad"


@FEW
@given(data=st.data())
def test_any_altered_byte_of_any_answer_is_found(verifier: Page, whole: Given, data: st.DataObject) -> None:
    """Or it stands in a field that nothing covers and the page does not use: then what the page takes is the same."""
    path = data.draw(st.sampled_from(sorted(whole.answers)))
    body = whole.answers[path]
    place = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != body[place]))
    altered = body[:place] + bytes([byte]) + body[place + 1 :]

    states = whole.check(verifier, {**whole.answers, path: altered}).values()

    if meaning(path, altered) == meaning(path, body):
        assert "bad" not in states
    else:
        assert "bad" in states, (path, place, byte)


def test_nothing_is_found_in_what_is_whole(verifier: Page, whole: Given) -> None:
    assert whole.check(verifier) == FIRST_VISIT


def test_an_older_version_cannot_pass_for_the_newest(verifier: Page, given_county) -> None:
    """The page says in force of version 1, while the signed list says 2: with all proofs of version 1 intact."""
    old = Given(given_county, code_of(3))
    first = given_county.get(f"ledger/v1/versions/{old.key}").json()["versions"][0]
    size, newest = old.subject["size"], old.newest["position"]
    old.answers |= {
        path: given_county.http.get(path).content
        for path in (
            f"/ledger/v1/entries/{first['position']}",
            f"/ledger/v1/entries/{newest}",
            f"/ledger/v1/proof/inclusion?position={first['position']}&size={size}",
        )
    }
    old.subject |= {name: first[name] for name in ("version", "position")}
    old.subject |= {"printed": first["digest"][:16], "released": first["released_at"]}

    assert old.check(verifier) == {**FIRST_VISIT, "newest": "bad"}
    old.subject["standing"] = "superseded"
    assert old.check(verifier) == FIRST_VISIT


def early(county: Pipeline, made: Given, *releases: Any) -> None:
    """Release these after the newest statement, and have `made` ask about the newest version as the page does."""
    for one in releases:
        county.release(one)
    county.flow()
    later = Given(county, made.key.partition(":")[2])
    assert json.loads(later.answers["/ledger/v1/statement"])["statement"]["size"] < later.newest["position"]
    made.subject, made.answers, made.newest = later.subject, later.answers, later.newest


@pytest.fixture
def young(tmp_path: Path) -> Iterator[tuple[Pipeline, Given]]:
    """A county whose statement, signed every ten seconds, is older than what is released next."""
    with pipeline(tmp_path, channels=()) as county:
        county.release(guide(1))
        county.flow()
        sign_head(county.dbs["ledger"], county.signer, timedelta(0))
        yield county, Given(county, code_of(1))


def test_what_the_newest_statement_does_not_cover_yet_is_neither_true_nor_false(verifier: Page, young) -> None:
    county, made = young
    early(county, made, guide(1, link_way="0570-1234567"))

    assert made.check(verifier) == {**FIRST_VISIT, "newest": "pending"}

    sign_head(county.dbs["ledger"], county.signer, timedelta(0))
    assert Given(county, code_of(1)).check(verifier) == FIRST_VISIT


def test_a_key_that_the_newest_statement_does_not_know_yet_is_neither_true_nor_false(verifier: Page, young) -> None:
    county, _ = young
    made = Given(county, code_of(1))
    county.release(guide(2))
    made.key = f"guide:{code_of(2)}"
    early(county, made)

    assert made.check(verifier) == {**FIRST_VISIT, "newest": "pending"}


def test_a_superseded_copy_waits_for_the_statement_that_covers_its_successor(verifier: Page, young) -> None:
    county, made = young
    first = made.subject
    early(county, made, guide(1, link_way="0570-1234567"))
    size, ruling = made.subject["size"], made.subject["position"]
    made.subject = {**first, "standing": "superseded", "size": size, "ruling": ruling}
    for path in (
        f"/ledger/v1/entries/{first['position']}",
        f"/ledger/v1/proof/inclusion?position={first['position']}&size={size}",
    ):
        made.answers[path] = county.http.get(path).content

    assert made.check(verifier) == {**FIRST_VISIT, "newest": "pending"}


def test_a_page_that_is_older_than_the_signed_list_is_looked_at_again(verifier: Page, given_county) -> None:
    made = Given(given_county, code_of(3))
    made.subject["size"] = made.newest["position"] - 1

    assert made.check(verifier)["newest"] == "pending"


def test_a_signed_list_that_covers_the_position_and_lacks_the_version_is_wrong(verifier: Page, given_county) -> None:
    """Whoever holds back a release cannot call it too young."""
    other = Given(given_county, code_of(2))
    other.subject["version"] = 2
    path = f"/ledger/v1/entries/{other.newest['position']}"
    other.answers[path] = json.dumps({**json.loads(other.answers[path]), "version": 2}).encode()

    assert "bad" in other.check(verifier).values()
    assert "pending" not in other.check(verifier).values()


def planned(folder: Path) -> Iterator[tuple[Pipeline, Given, dict]]:
    """A guide in force, the answers about it, and the version that comes next year, whose content is not public."""
    with pipeline(folder, channels=()) as county:
        county.release(guide(1))
        county.release(guide(1, "以后"), effective_at=datetime.now(UTC) + timedelta(days=365))
        county.flow()
        sign_head(county.dbs["ledger"], county.signer, timedelta(0))
        made = Given(county, code_of(1))
        first, later = county.get(f"ledger/v1/versions/{made.key}").json()["versions"]
        size = made.subject["size"]
        made.answers |= {
            path: county.http.get(path).content
            for path in (
                f"/ledger/v1/entries/{first['position']}",
                f"/ledger/v1/proof/inclusion?position={first['position']}&size={size}",
            )
        }
        made.subject |= {name: first[name] for name in ("key", "version", "position")}
        made.subject |= {"printed": first["digest"][:16], "released": first["released_at"], "ruling": first["position"]}
        yield county, made, later


@pytest.fixture
def with_plan(tmp_path: Path) -> Iterator[tuple[Pipeline, Given, dict]]:
    yield from planned(tmp_path)


def test_what_is_in_force_is_proven_though_what_comes_next_is_not_public(verifier: Page, with_plan) -> None:
    county, made, later = with_plan
    told = county.get(f"ledger/v1/entries/{later['position']}").json()

    assert (told["body"], told["no_body"]) == (None, "withheld")
    assert made.check(verifier) == FIRST_VISIT


@pytest.mark.parametrize(
    ("field", "value"), [("effective_at", "2099-01-01T00:00:00.000000Z"), ("digest", "0" * 64), ("no_body", "erased")]
)
def test_a_lie_about_what_comes_next_is_found(verifier: Page, with_plan, field: str, value: str) -> None:
    _, made, later = with_plan
    path = f"/ledger/v1/entries/{later['position']}"
    made.answers[path] = json.dumps({**json.loads(made.answers[path]), field: value}).encode()

    assert made.check(verifier)["newest"] == "bad"


def test_of_what_is_not_public_yet_the_page_says_that_it_cannot_tell(verifier: Page, with_plan) -> None:
    county, _, later = with_plan
    made = Given(county, code_of(1))
    made.subject |= {"standing": "not_yet"}
    states = made.check(verifier)

    assert (later["version"], states["entry"], states["digest"]) == (2, "ok", "unable")
    assert "bad" not in states.values()


SET = "act:guides-set-1"


@pytest.fixture
def with_set(tmp_path: Path) -> Iterator[tuple[Pipeline, Given]]:
    """A guide in force, and a newer version whose time has come, but whose set is not complete."""
    moment = datetime.now(UTC) + timedelta(milliseconds=100)
    with pipeline(tmp_path, channels=()) as county:
        first = county.release(guide(1))
        body = {**guide(1, "以后").model_dump(mode="json", exclude_none=True), "salt": "0" * 32}
        county.emit("guides", first.key, body, 2, effective_at=moment, part_of=SET)
        county.flow()
        sign_head(county.dbs["ledger"], county.signer, timedelta(0))
        made = Given(county, code_of(1))
        one = county.get(f"ledger/v1/versions/{made.key}").json()["versions"][0]
        paths = (
            f"/ledger/v1/entries/{one['position']}",
            f"/ledger/v1/proof/inclusion?position={one['position']}&size={made.subject['size']}",
            f"/ledger/v1/state/{SET}",
        )
        made.answers |= {path: county.http.get(path).content for path in paths}
        made.subject |= {name: one[name] for name in ("key", "version", "position")}
        made.subject |= {"printed": one["digest"][:16], "released": one["released_at"], "ruling": one["position"]}
        wait_for(lambda: datetime.now(UTC) > moment, "its time has come", 5)
        yield county, made


def test_a_version_of_an_incomplete_set_does_not_count_though_its_time_has_come(verifier: Page, with_set) -> None:
    _, made = with_set

    assert made.check(verifier) == FIRST_VISIT


def test_without_the_proof_that_its_act_is_absent_the_newer_version_counts(verifier: Page, with_set) -> None:
    _, made = with_set
    path = f"/ledger/v1/state/{SET}"
    made.answers[path] = json.dumps({**json.loads(made.answers[path]), "leaves": []}).encode()

    assert made.check(verifier)["newest"] == "bad"


def meaning(path: str, body: bytes):
    """What verify.js takes from an answer."""
    if path.endswith("/checkpoint"):
        return body
    try:
        said = json.loads(body.decode("utf-8", "replace"))
        if "/entries/" in path:
            return {name: value for name, value in said.items() if name in PROVEN}
        if path.endswith("/keys"):
            return [key["vkey"] for key in said["keys"]]
        if path.endswith("/statement"):
            return said["note"]
        if "/state/" in path:
            return said["state_root"], said["count"], said["leaves"]
        if "/inclusion" in path:
            return said
        return said["path"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return base64.b64encode(body)
