"""Requests of an attacker without a right: credentials, headers, spellings and methods."""

from base64 import b64encode
from collections.abc import Iterator

from tests.harness.raw_http import Header

EVIL = "evil.example"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "POSTS")


def credentials(token: str) -> dict[str, list[Header]]:
    """Return headers by name of the trick; none is `Authorization: Bearer <token>`."""
    basic = b64encode(f"admin:{token}".encode()).decode()
    return {
        "none": [],
        "an empty token": [("Authorization", "Bearer ")],
        "only the scheme": [("Authorization", "Bearer")],
        "another token": [("Authorization", "Bearer x")],
        "the token cut": [("Authorization", f"Bearer {token[:-1]}")],
        "the token and more": [("Authorization", f"Bearer {token}x")],
        "the token in capitals": [("Authorization", f"Bearer {token.upper()}")],
        "the token twice": [("Authorization", f"Bearer {token} {token}")],
        "the token without a scheme": [("Authorization", token)],
        "the token as a password": [("Authorization", f"Basic {basic}")],
        "another scheme": [("Authorization", f"Token {token}")],
        "the token in a header of another name": [("X-Admin-Token", token), ("Proxy-Authorization", f"Bearer {token}")],
        "the token in a cookie": [("Cookie", f"token={token}; screen={token}; Authorization=Bearer {token}")],
        "null": [("Authorization", "Bearer null")],
        "bytes that are no text": [("Authorization", "Bearer \xff\xfe")],
        "a token signed by nobody": [("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.")],
    }


def headers(guarded: str) -> dict[str, list[Header]]:
    """Return headers by name of the trick. `guarded`: the path that is attacked."""
    return {
        "as from this machine": [("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1")],
        "as from a list of proxies": [("X-Forwarded-For", "127.0.0.1, 10.0.0.1, ::1"), ("Via", "1.1 gateway")],
        "for another host": [("Host", EVIL)],
        "for this machine": [("Host", "localhost")],
        "for a host of another time": [("Host", f"{EVIL}:80\t")],
        "forwarded for another host": [("X-Forwarded-Host", EVIL), ("X-Forwarded-Proto", "https")],
        "forwarded, by its standard": [("Forwarded", f"for=127.0.0.1;host={EVIL};proto=https")],
        "under another prefix": [("X-Forwarded-Prefix", f"//{EVIL}"), ("X-Script-Name", f"//{EVIL}")],
        "rewritten": [("X-Original-URL", guarded), ("X-Rewrite-URL", guarded)],
        "as another method": [
            ("X-HTTP-Method-Override", "GET"),
            ("X-Method-Override", "GET"),
            ("X-HTTP-Method", "GET"),
        ],
        "as a service": [("X-Service", "ledger"), ("X-User", "admin"), ("X-Remote-User", "admin")],
        "as a certificate": [("X-SSL-Client-Verify", "SUCCESS"), ("X-Client-Cert", "CN=ledger")],
        "from another origin": [("Origin", f"https://{EVIL}"), ("Referer", f"https://{EVIL}/")],
        "as a script's question": [("Origin", f"https://{EVIL}"), ("Access-Control-Request-Method", "PUT")],
        "as a message": [("Content-Type", "multipart/form-data; boundary=x")],
    }


def spellings(path: str) -> Iterator[str]:
    """Yield other spellings of a path such as `/catalog/v1/items`; a server may treat some as the path itself."""
    service, rest = path[1:].split("/", 1)
    first = f"%{ord(service[0]):02x}"
    yield f"//{service}/{rest}"
    yield f"/{service}//{rest}"
    yield f"/./{service}/./{rest}"
    yield f"/web/../{service}/{rest}"
    yield f"/web/%2e%2e/{service}/{rest}"
    yield f"/web/..%2f{service}/{rest}"
    yield f"/{first}{service[1:]}/{rest}"
    yield f"/{service}%2f{rest}"
    yield f"/{service}/{rest}/"
    yield f"/{service}/{rest};a=b"
    yield f"/{service}/{rest}%00"
    yield f"/{service}/{rest}%20"
    yield f"/{service}/{rest}.json"
    yield f"/{service.upper()}/{rest.upper()}"
    yield f"/{service}\\{rest}"
    yield f"/{service}/{rest}?access_token=x&token=x&_method=GET"
    yield f"http://127.0.0.1/{service}/{rest}"
    yield f"http://{EVIL}/{service}/{rest}"
