"""Signing in by OpenID Connect: the authorization code flow with PKCE, for accounts that exist here already."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote_plus, urlencode

from services.console.accounts import changes
from services.console.accounts.binding import BoundElsewhere, subject_of
from services.console.accounts.lockout import Lockout
from services.console.accounts.sessions import Arrival, Method
from services.console.accounts.sign_in import Begun, SignIn
from services.console.federation.exchange import Exchange
from services.console.federation.id_token import Identity, identity
from services.console.federation.metadata import Endpoints, Metadata
from services.console.federation.pending import Pending, PendingSignIns
from services.console.federation.provider import Provider
from services.console.federation.refusal import Reason, SignInRefused
from shared import log
from shared.database.engine import Database
from shared.errors import NotAllowed, NotFound
from shared.tokens.person import LONGEST_ADDRESS, NAME_PATTERN, SYSTEM

COUNTED_AS = "oidc:"
"""The lockout counts returns from the provider as attempts at this: no account has such a name."""

STRANGER = "*"
LONGEST_CODE = 4096
_log = log.get("federation")


@dataclass(frozen=True, slots=True)
class Started:
    """Where the browser goes, and the cookie that it takes along."""

    location: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Came:
    """A browser that comes back. `query`: of its address; `cookie`: what it got at the start.

    `callback`: the desk's own address of the return; `address`, `browser`: where it is and what it says of itself.
    """

    query: Mapping[str, str]
    cookie: str
    callback: str
    address: str
    browser: str


class Federation:
    """Signing in with the accounts of one provider."""

    def __init__(self, db: Database, sign_in: SignIn, provider: Provider, exchange: Exchange | None = None) -> None:
        self._db, self._sign_in, self._provider = db, sign_in, provider
        self._exchange = exchange or Exchange(provider)
        self.metadata = Metadata(provider, self._exchange)
        self.pending = PendingSignIns()
        self._lockout = Lockout(db)

    def start(self, callback: str, following: str) -> Started:
        """Begin; `callback`: the address at which the provider's answer arrives. Raises `SignInRefused`."""
        pending, place = self.pending.begin(following), self._endpoints().authorization
        asked = {
            "response_type": "code",
            "scope": "openid profile",
            "client_id": self._provider.client_id,
            "redirect_uri": callback,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": pending.challenge,
            "code_challenge_method": "S256",
        }
        if self._provider.trusted_acr:
            asked["acr_values"] = " ".join(self._provider.trusted_acr)
        joint = "&" if "?" in place else "?"
        return Started(f"{place}{joint}{urlencode(asked)}", self.pending.sealed(pending))

    def _endpoints(self) -> Endpoints:
        try:
            return self.metadata.endpoints()
        except SignInRefused as refused:
            _log.warning("a sign-in cannot begin", reason=refused.reason)
            raise

    def finish(self, came: Came) -> tuple[Begun, str]:
        """Begin a session; return it and where the person wanted to go.

        Raises `SignInRefused`, which is in the audit log then; `TooManyRequests` after several.
        """
        self._lockout.attempt(COUNTED_AS, came.address)
        try:
            pending = self.pending.take(came.cookie, came.query.get("state", ""))
            begun = self._begin(self._identity(pending, came), came)
        except SignInRefused as refused:
            self._note(refused, came.address)
            raise
        self._lockout.succeeded(COUNTED_AS, came.address)
        return begun, pending.following

    def _identity(self, pending: Pending, came: Came) -> Identity:
        query = came.query
        # RFC 9207: an answer of another provider must not be taken for this one's.
        if query.get("iss", self._provider.issuer) != self._provider.issuer:
            raise SignInRefused(Reason.ISSUER)
        code = query.get("code", "")
        if "error" in query or not 0 < len(code) <= LONGEST_CODE:
            raise SignInRefused(Reason.DENIED)
        answer = self._redeemed(code, pending, came.callback)
        return identity(answer.get("id_token"), self._provider, self.metadata, pending.nonce)

    def _redeemed(self, code: str, pending: Pending, callback: str) -> Mapping[str, object]:
        endpoints, provider = self.metadata.endpoints(), self._provider
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": pending.verifier,
        }
        if endpoints.basic:
            # RFC 6749, 2.3.1: both are encoded as in a form first.
            auth = quote_plus(provider.client_id), quote_plus(provider.client_secret)
            return self._exchange.post(endpoints.token, fields, auth)
        fields |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
        return self._exchange.post(endpoints.token, fields, None)

    def _begin(self, known: Identity, came: Came) -> Begun:
        if not re.fullmatch(NAME_PATTERN, known.name):
            raise SignInRefused(Reason.NO_ACCOUNT)
        method = Method.OIDC_TWO_FACTORS if known.two_factors else Method.OIDC
        subject = subject_of(self._provider.issuer, known.sub)
        try:
            return self._sign_in.by_provider(known.name, Arrival(came.address, came.browser, method, subject))
        except NotFound:
            raise SignInRefused(Reason.NO_ACCOUNT) from None
        except BoundElsewhere:
            raise SignInRefused(Reason.BOUND, known.name) from None
        except NotAllowed:
            raise SignInRefused(Reason.LOCKED, known.name) from None

    def _note(self, refused: SignInRefused, address: str) -> None:
        """Note a refusal. What the provider says of somebody who has no account here is not kept."""
        by = replace(SYSTEM, address=address[:LONGEST_ADDRESS])
        told = {"method": Method.OIDC, "reason": refused.reason}
        with self._db.write() as session:
            changes.note(session, by, "person.sign_in_refused", refused.account or STRANGER, after=told)
