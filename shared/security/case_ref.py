"""The public name of a citizen's case: computable with the receipt in hand, and by nobody else.

    query code   12 characters of Crockford base32 (60 random bits), printed `XXXX-XXXX-XXXX` and as QR on the receipt
    case_ref     scrypt(password = query code, salt = "tongyuan/case-ref/v1" 0x00 project_no, N = 16384, r = 8, p = 1,
                 32 bytes) in lower-case RFC 4648 base32 without padding: 52 characters of `a-z2-7`

Anybody can recompute it, with Python for example:

    import base64, hashlib
    salt = b"tongyuan/case-ref/v1\\0" + project_no.encode("ascii")
    key = hashlib.scrypt(query_code.encode("ascii"), salt=salt, n=16384, r=8, p=1, dklen=32)
    case_ref = base64.b32encode(key).decode("ascii").rstrip("=").lower()

Test vectors (project_no, query code, case_ref):

    11440232MB2D06811W4000117051000202010200008  0123456789AB  ossmsqalrmoj2l7zbkj5rmaof5rag62bkgedpluzngfgy6a42rjq
    37-2020-1                                    ZZZZZZZZZZZZ  galoirtox5o56kij4ibqssrtcgmbdlywkn3zwn63blkwy7pu7iyq

One call takes about 16 MiB and 50 ms, on purpose: a case number is easy to guess, 60 bits behind scrypt are not.
"""

import base64
import hashlib
import re
import secrets
import unicodedata

from shared.errors import Invalid, Violation

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford base32: no I, L, O (read as digits) and no U."""

CODE_LENGTH = 12

_SALT = b"tongyuan/case-ref/v1\0"
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_CODE = re.compile(f"[{ALPHABET}]{{{CODE_LENGTH}}}")
_PROJECT_NO = re.compile(r"[0-9A-Z-]{1,50}")
_SEPARATORS = re.compile(r"[\s\-\u00ad\u200b\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+")


def new_query_code() -> str:
    """Return a new query code (查询码), 12 characters without separators, from the operating system's random source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def display_query_code(code: str) -> str:
    """Return the code as printed on the receipt: `XXXX-XXXX-XXXX`."""
    plain = normalise_query_code(code)
    return "-".join(plain[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def normalise_query_code(text: str) -> str:
    """Return the 12 characters a person meant: any case, width, spaces, hyphens; O is read as 0, I and L as 1.

    Raises `Invalid` (field `query_code`) when it is not a query code; the error never repeats the input.
    """
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper().translate(_LOOKALIKES)
    if not _CODE.fullmatch(plain):
        raise Invalid(
            Violation("query_code", "query-code", f"must be the {CODE_LENGTH} letters and digits from the receipt")
        )
    return plain


def normalise_project_no(text: str) -> str:
    """Return a case number (办件编号) as stored: half width, upper case, no spaces (domain section 3.4).

    Raises `Invalid`.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if not _PROJECT_NO.fullmatch(plain):
        raise Invalid(Violation("project_no", "project-no", "must be 1 to 50 of the characters 0-9, A-Z and hyphen"))
    return plain


def case_ref(project_no: str, query_code: str) -> str:
    """Return the public name of a case: 52 characters `a-z2-7`; the ledger key is `application:<case_ref>`.

    Takes both as typed. Raises `Invalid` when one has the wrong form.
    """
    salt = _SALT + normalise_project_no(project_no).encode("ascii")
    password = normalise_query_code(query_code).encode("ascii")
    key = hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1, maxmem=64 * 2**20, dklen=32)
    return base64.b32encode(key).decode("ascii").rstrip("=").lower()
