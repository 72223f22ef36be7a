"""Files of guides over HTTP: missing, refused and endless answers are told apart; no more is read than a form has."""

import httpx
import pytest

from contracts.content.files import LARGEST_FILE
from services.channels.files.upstream import HttpFiles
from shared.errors import NotFound, UpstreamDown
from tests.harness.form_files import pdf

SHA = "a" * 64


def reader(answer):
    transport = httpx.MockTransport(answer)
    return HttpFiles(lambda: httpx.Client(base_url="http://guides.test", transport=transport))


def test_the_bytes_are_asked_for_by_their_hash():
    asked = []

    def answer(request):
        asked.append(request.url.path)
        return httpx.Response(200, content=pdf())

    assert reader(answer).content(SHA) == pdf()
    assert asked == [f"/guides/v1/files/{SHA}"]


def test_a_file_that_guides_does_not_have_is_not_found():
    with pytest.raises(NotFound):
        reader(lambda _: httpx.Response(404)).content(SHA)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_any_other_answer_is_no_file(status):
    with pytest.raises(UpstreamDown):
        reader(lambda _: httpx.Response(status, json={"detail": "no"})).content(SHA)


def test_no_more_is_read_than_a_form_may_have():
    read = []

    def endless():
        for _ in range(100):
            read.append(1)
            yield b"x" * 1024 * 1024

    with pytest.raises(UpstreamDown):
        reader(lambda _: httpx.Response(200, content=endless())).content(SHA)

    assert len(read) <= LARGEST_FILE // 1024**2 + 2


def test_a_dead_guides_is_down():
    def refused(request):
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(UpstreamDown):
        reader(refused).content(SHA)


def test_no_client_is_made_before_a_file_is_wanted():
    made = []

    HttpFiles(lambda: made.append(1))

    assert made == []
