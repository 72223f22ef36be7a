"""A cached answer equals a fresh one, and the cache never takes a reader back in time."""

import asyncio
import gzip
from collections import Counter

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Unavailable
from shared.web.encoding import encode, wanted
from shared.web.response_cache import KEEP_SECONDS, CachedService, ResponseCache, ResponseCacheMiddleware, StoreVersion

LARGE = "材料清单。" * 400
KEY = (b"http", b"+county", b"/web/a", b"")


class Store:
    """A channel of one document; `moving` changes it in the middle of each answer, `broken` ends each with an error.
    Its clock stands still.
    """

    def __init__(self, body=LARGE):
        self.version, self.head, self.ends_in = 1, "h1", 1.0
        self.moving = self.broken = False
        self.body, self.made = body, Counter()
        self.now = 1_000.0
        self.page = ResponseCache("test", self.look, lambda: self.now)
        self.front = ResponseCacheMiddleware(self.app, {"web": CachedService(self.page, lambda _path: True)})

    def look(self):
        return StoreVersion("e", self.version, self.head), self.ends_in

    async def app(self, scope, receive, send):
        path = scope["path"]
        if self.broken:
            await asyncio.sleep(0)
            raise OSError("gone")
        self.made[path] += 1
        headers = [(b"content-type", b"application/json")]
        status = 404 if "absent" in path else 200
        if "plain" not in path and status == 200:
            headers.append((b"etag", f'"v{self.version}"'.encode()))
        if "private" in path:
            headers.append((b"cache-control", b"no-store"))
        body = f"{self.version} {self.body}".encode()
        if self.moving:
            self.version += 1
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def get(self, path, method="GET", scheme="http", **headers):
        sent = []
        named = {"host": "county", **headers}
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]
        scope = {"type": "http", "scheme": scheme, "method": method, "path": path, "headers": raw}
        scope |= {"raw_path": path.encode(), "query_string": b""}

        async def send(message):
            sent.append(message)

        await self.front(scope, None, send)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    def ask(self, path="/web/a", **more):
        return asyncio.run(self.get(path, **more))

    def version_of(self, path):
        return int(self.ask(path)[2].split()[0])


def unreachable():
    raise Unavailable("the database is away")


@pytest.fixture
def store():
    made = Store()
    made.page.turn(made.look()[0])
    return made


def test_what_is_asked_for_again_is_made_once(store):
    answers = [store.ask() for _ in range(5)]

    assert store.made["/web/a"] == 1
    assert all(answer == answers[0] for answer in answers)


def test_many_at_once_wait_for_one(store):
    async def together():
        return await asyncio.gather(*(store.get("/web/a") for _ in range(50)))

    answers = asyncio.run(together())

    assert store.made["/web/a"] == 1
    assert len({answer[2] for answer in answers}) == 1


def test_without_the_store_the_app_behind_still_answers_and_nothing_older_is_kept(store):
    store.ask()
    store.page.look = unreachable

    assert store.ask("/web/absent")[0] == 404
    store.version = 2
    assert store.version_of("/web/a") == 2
    assert store.page.find(KEY) is None


def test_an_error_reaches_all_who_waited_and_the_next_one_tries_again(store):
    store.broken = True

    async def together():
        return await asyncio.gather(*(store.get("/web/a") for _ in range(3)), return_exceptions=True)

    assert all(isinstance(answer, OSError) for answer in asyncio.run(together()))
    store.broken = False
    assert store.ask()[0] == 200


@pytest.mark.parametrize("news", [{"version": 2}, {"head": "h2"}])
def test_news_of_the_store_ends_what_was_kept(store, news):
    store.ask()

    vars(store).update(news)
    store.page.turn(store.look()[0])
    store.ask()

    assert store.made["/web/a"] == 2


def test_old_news_ends_nothing(store):
    store.ask()

    store.page.turn(StoreVersion("e", 0, "h0"))
    store.ask()

    assert store.made["/web/a"] == 1


def test_another_life_of_the_store_is_news_whatever_its_numbers(store):
    store.ask()

    store.page.turn(StoreVersion("f", 0, ""))
    assert store.page.find(KEY) is None


def test_what_was_made_while_the_store_moved_is_given_and_not_kept(store):
    store.moving = True

    assert store.ask()[0] == 200
    assert store.page.find(KEY) is None


def test_nothing_is_kept_beyond_the_end_of_what_it_shows(store):
    store.ends_in = 0.0

    store.ask()

    assert store.page.find(KEY) is None


def test_nothing_is_kept_for_longer_than_a_second_though_nothing_ends(store):
    store.ends_in = 3_600.0
    store.ask()

    store.now += KEEP_SECONDS - 0.001
    assert store.page.find(KEY) is not None
    store.now += 0.001
    assert store.page.find(KEY) is None


@pytest.mark.parametrize("path", ["/web/plain", "/web/private", "/web/absent", "/ledger/v1/head"])
def test_what_names_no_version_or_forbids_it_is_not_kept(store, path):
    store.ask(path)
    store.ask(path)

    assert store.made[path] == 2


def test_an_answer_to_who_shows_a_token_is_made_for_him_and_packed_like_any_other(store):
    store.ask()

    for made in (2, 3):
        status, headers, _ = store.ask(authorization="Bearer x", accept_encoding="gzip")
        assert (status, store.made["/web/a"]) == (200, made)
        assert headers[b"content-encoding"] == b"gzip"


@pytest.mark.parametrize("other", [{"host": "evil"}, {"scheme": "https"}])
def test_nobody_chooses_for_others_under_which_name_a_page_was_asked_for(store, other):
    store.ask()

    store.ask(**other)

    assert store.made["/web/a"] == 2


def test_only_reading_is_kept(store):
    store.ask()

    store.ask(method="POST")

    assert store.made["/web/a"] == 2


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip, zstd", b"zstd"), ("gzip;q=0.5, br", b"gzip")])
def test_a_long_text_is_packed_as_the_reader_wants_it_under_a_tag_of_its_own(store, accepted, encoding):
    _, plain, body = store.ask()
    _, headers, packed = store.ask(accept_encoding=accepted)

    unpack = zstandard.ZstdDecompressor().decompress if encoding == b"zstd" else gzip.decompress
    assert headers[b"content-encoding"] == encoding
    assert unpack(packed) == body
    assert len(packed) < len(body) / 2
    assert headers[b"etag"] == plain[b"etag"][:-1] + b"+" + encoding + b'"'
    assert headers[b"vary"] == b"accept-encoding"


@pytest.mark.parametrize("accepted", ["", "br", "zstd;q=0, gzip; q=0", "identity"])
def test_who_takes_no_packing_gets_none(store, accepted):
    assert b"content-encoding" not in store.ask(accept_encoding=accepted)[1]


def test_short_bodies_and_pictures_are_not_packed():
    assert wanted(b"gzip", b"x" * 100, b"text/html") == ""
    assert wanted(b"gzip", b"x" * 9_000, b"image/png") == ""


@given(st.binary(max_size=5_000), st.sampled_from(["gzip", "zstd"]))
def test_packing_loses_nothing_and_is_the_same_every_time(body, encoding):
    packed = encode(encoding, body)

    unpack = gzip.decompress if encoding == "gzip" else zstandard.ZstdDecompressor().decompress
    assert packed == encode(encoding, body)
    assert unpack(packed) == body


@pytest.mark.parametrize("suffix", ["", "+zstd", "+gzip"])
@pytest.mark.parametrize("kept", [False, True])
def test_who_has_it_already_is_told_so_in_whatever_packing_he_has_it(store, suffix, kept):
    if kept:
        store.ask()

    status, headers, body = store.ask(if_none_match=f'W/"other", "v1{suffix}"', accept_encoding="zstd")

    assert (status, body) == (304, b"")
    assert headers[b"etag"] == b'"v1+zstd"'
    assert store.ask(if_none_match='"v2"')[0] == 200


@given(st.lists(st.sampled_from(["release", "hint", "/web/a", "/web/b", "/web/plain"]), max_size=40))
def test_a_reader_never_goes_back_however_late_the_store_tells(steps):
    store, seen, told = Store(""), 0, 0

    for step in steps:
        if step == "release":
            store.version += 1
        elif step == "hint":
            store.page.turn(store.look()[0])
            told = store.version
        else:
            found = store.version_of(step)
            assert found >= max(seen, told), "older than what was read or told before"
            seen = found
