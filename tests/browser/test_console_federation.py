"""Signing in with an account of the unit in real browsers: the provider's page is another site, and cookies know it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from contracts.topology import CONSOLE
from shared.tokens.person import StaffRole
from shared.web.server.process import mount
from tests.harness.accessibility import barriers
from tests.harness.browser import PHONE, Browser
from tests.harness.county import wait_for
from tests.harness.desk import desk
from tests.harness.openid_provider import OpenIdProvider, openid_provider
from tests.harness.ports import free_port


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    """One that is another site than the desk: `localhost`, not 127.0.0.1."""
    with openid_provider() as made:
        made.host, made.shows_page, made.person = "localhost", True, {"preferred_username": "editor"}
        yield made


@pytest.fixture(scope="module")
def address(provider: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("federated")
    with desk(folder, demo=False, **provider.settings(folder)) as made:
        made.person("editor", StaffRole.EDITOR)
        port = free_port()
        server = uvicorn.Server(uvicorn.Config(mount({CONSOLE: made.api}), port=port, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            wait_for(lambda: server.started, "the desk answers")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


def test_a_person_comes_back_from_the_providers_page_signed_in(
    browser: Browser, address: str, provider: OpenIdProvider
) -> None:
    """The session's cookie is not sent with what another site has begun; the return's own step makes up for it."""
    with browser.page(address, PHONE) as page:
        page.open("/console/sign-in?next=/console/account")
        assert barriers(page) == []
        page.click('a[href^="/console/sign-in/oidc"]')
        page.wait("() => !!document.querySelector('#go')")
        page.click("#go")
        page.arrive("/console/account")
        assert "editor 的姓名" in page.text()

        page.open("/console/sign-in/oidc/return?state=x&code=y", status=403)
        assert barriers(page) == []
        page.settle()
        elsewhere = f"a request to another origin: http://localhost:{provider.port}/"
        page.complaints[:] = [one for one in page.complaints if not one.startswith(elsewhere)]
