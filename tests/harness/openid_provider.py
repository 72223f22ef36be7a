"""A little OpenID provider on loopback: discovery, keys, authorization, tokens, and every way to be wrong."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "desk of the county", "a secret: with % and +"
Claims = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Sign = Callable[["OpenIdProvider", Claims], str]


@cache
def rsa_key(_number: int = 0) -> rsa.RSAPrivateKey:
    """Return a key of a process's tests: making one takes long."""
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(_number: int = 0) -> ec.EllipticCurvePrivateKey:
    """Likewise."""
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(kid: str, key: Any) -> Claims:
    """Return what the provider publishes of a key."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


def signed(provider: "OpenIdProvider", claims: Claims) -> str:
    """Return the token as an honest provider signs it."""
    kid = provider.signs_with
    return jwt.encode(claims, provider.keys[kid], provider.algorithm, headers={"kid": kid})


@dataclass
class OpenIdProvider:
    """`person`: whom it has signed in: claims of the token. `changes`: claims that are wrong; None: left out.

    `answers`: path → what is answered instead. `asked`: every path, in order.
    """

    person: Claims = field(default_factory=dict)
    changes: Claims = field(default_factory=dict)
    sign: Sign = signed
    keys: dict[str, Any] = field(default_factory=lambda: {"one": rsa_key()})
    signs_with: str = "one"
    algorithm: str = "RS256"
    auth_methods: list[str] | None = None
    answers: dict[str, Callable[[], Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    drips: bool = False
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 0
    shows_page: bool = False
    """Whether it asks the person, as real ones do, or leads back at once."""

    @property
    def issuer(self) -> str:
        """Its name."""
        return f"http://{self.host}:{self.port}/realm"

    def settings(self, folder: Path) -> dict[str, Any]:
        """Return the settings of a desk that trusts it."""
        file = folder / "oidc-client-secret"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(f"{CLIENT_SECRET}\n")
        return {"oidc_issuer": self.issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret_file": file}

    def authorize(self, location: str) -> str:
        """Sign in whom `person` names, as a browser would that the desk has sent; return where it leads back to."""
        answer = httpx.get(location, trust_env=False)
        assert answer.status_code == httpx.codes.FOUND, answer.text
        return str(answer.headers["location"])

    def answer(self, method: str, url: str, form: dict[str, str], authorization: str) -> Answer:
        """Answer one request."""
        path = urlsplit(url).path.removeprefix("/realm")
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]()
        if path == "/.well-known/openid-configuration":
            return _json(self._metadata())
        if path == "/keys":
            return _json({"keys": [public_jwk(kid, key) for kid, key in self.keys.items()]})
        if path == "/authorize":
            return self._authorized({name: one[0] for name, one in parse_qs(urlsplit(url).query).items()})
        return self._token(form, authorization) if (method, path) == ("POST", "/token") else (404, {}, b"")

    def _metadata(self) -> Claims:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        told: Claims = {"issuer": self.issuer, **{name: f"{self.issuer}/{path}" for name, path in places.items()}}
        return told | ({"token_endpoint_auth_methods_supported": self.auth_methods} if self.auth_methods else {})

    def _authorized(self, query: dict[str, str]) -> Answer:
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        back = urlencode({"code": code, "state": query["state"], "iss": self.issuer})
        address = f"{query['redirect_uri']}?{back}"
        if self.shows_page:
            return 200, {"Content-Type": "text/html"}, f'<a id="go" href="{escape(address)}">go on</a>'.encode()
        return 302, {"Location": address}, b""

    def _token(self, form: dict[str, str], authorization: str) -> Answer:
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or not self._knows(form, authorization)
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        # One person a name, as long as no test says otherwise.
        sub = f"sub-of-{self.person.get('preferred_username')}"
        own = {"iss": self.issuer, "aud": CLIENT_ID, "sub": sub, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: one for name, one in {**own, **self.person, **self.changes}.items() if one is not None}
        return _json({"access_token": "unused", "token_type": "Bearer", "id_token": self.sign(self, claims)})

    def _knows(self, form: dict[str, str], authorization: str) -> bool:
        if self.auth_methods == ["client_secret_post"]:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        pair = urlencode({CLIENT_ID: CLIENT_SECRET}).replace("=", ":")
        return authorization == "Basic " + base64.b64encode(pair.encode()).decode()


def _json(body: Claims, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


@contextmanager
def openid_provider() -> Iterator[OpenIdProvider]:
    """Yield a provider that answers on a port of its own."""
    provider = OpenIdProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._answer({name: one[0] for name, one in parse_qs(sent).items()})

        def _answer(self, form: dict[str, str]) -> None:
            authorization = self.headers.get("Authorization", "")
            status, headers, body = provider.answer(self.command, self.path, form, authorization)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self._send(body)
            except OSError:
                self.close_connection = True

        def _send(self, body: bytes) -> None:
            if not provider.drips:
                self.wfile.write(body)
                return
            for octet in body:
                self.wfile.write(bytes([octet]))
                time.sleep(0.05)

        def log_message(self, *_: Any) -> None:
            """Keep the output of tests clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
