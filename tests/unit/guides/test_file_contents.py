"""What is taken as a form: the bytes decide, and nothing that acts or hides gets through."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.content.files import FILE_TYPES, LARGEST_FILE
from services.guides.files.content_check import OLE, media_type_of
from services.guides.files.office_check import CONTENT_TYPES, DOCX, XLSX
from services.guides.files.refusal import ACTIVE, DAMAGED, EMPTY, LOCKED, PERSONAL, TOO_LARGE, UNKNOWN_TYPE
from services.guides.files.store import proper_name
from shared.errors import Invalid
from tests.harness.form_files import JPEG, docx, external, packed_objects, pdf, png, xlsx

PLAIN = {
    "application/pdf": pdf(),
    "image/png": png(),
    "image/jpeg": JPEG,
    DOCX: docx(),
    XLSX: xlsx("姓名", "张××"),
}
MACRO_WORD = "application/vnd.ms-word.document.macroEnabled.main+xml"
SCRIPT = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"
FIELD = '<w:instrText>DD</w:instrText></w:r><w:r><w:instrText>EAUTO c:\\\\x "a"</w:instrText>'
HTML = b"<!doctype html><script>alert(1)</script>"


def rule_of(content: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        media_type_of(content)
    (violation,) = refused.value.violations
    assert violation.field == "file"
    return violation.rule


def outcome(content: bytes) -> str:
    """Return the media type, or the field that is refused."""
    try:
        return media_type_of(content)
    except Invalid as refused:
        return refused.violations[0].field


@pytest.mark.parametrize("media_type", FILE_TYPES)
def test_a_plain_file_is_what_its_bytes_are(media_type):
    assert media_type_of(PLAIN[media_type]) == media_type


@pytest.mark.parametrize(
    "pdf_that_acts",
    {
        "script": pdf(more=b"8 0 obj\n" + SCRIPT + b"\nendobj\n"),
        "script in an escaped name": pdf(more=b"8 0 obj\n<</S/J#61vaScript/JS(1)>>\nendobj\n"),
        "launch": pdf(catalog=b"/OpenAction<</S/Launch/F(cmd.exe)>>"),
        "attached file": pdf(catalog=b"/Names<</EmbeddedFiles 8 0 R>>"),
        "form that is sent": pdf(more=b"8 0 obj\n<</S/SubmitForm/F(http://example.com)>>\nendobj\n"),
        "script in packed objects": pdf(more=packed_objects(SCRIPT)),
        "packed so that nobody sees": pdf(more=packed_objects(SCRIPT, b"/Filter[/ASCIIHexDecode/FlateDecode]")),
        "objects mixed with a predictor": pdf(more=packed_objects(SCRIPT, b"/DecodeParms<</Predictor 12>>")),
        "a stream that breaks off": pdf(
            more=b"9 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\n" + zlib.compress(SCRIPT)[:-4] + b"\nendstream\n"
        ),
    }.items(),
    ids=lambda one: one[0],
)
def test_a_pdf_that_does_something_is_refused(pdf_that_acts):
    assert rule_of(pdf_that_acts[1]) == ACTIVE


@pytest.mark.parametrize(
    "office_that_acts",
    {
        "macro by its type": docx(main=MACRO_WORD),
        "macro by its part": docx(parts={"word/vbaProject.bin": b"\x01"}),
        "embedded object": docx(parts={"word/embeddings/oleObject1.bin": b"\x01"}),
        "template from afar": docx(parts=external("attachedTemplate")),
        "picture from afar": docx(parts=external("image")),
        "field that starts a program": docx(text=f"</w:t></w:r><w:r>{FIELD}</w:r><w:r><w:t>"),
        "document type": docx(parts={"word/document.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
        "Word of before 2007": OLE + b"\x00" * 600,
    }.items(),
    ids=lambda one: one[0],
)
def test_a_document_of_office_that_does_something_is_refused(office_that_acts):
    assert rule_of(office_that_acts[1]) == ACTIVE


def test_a_link_that_a_reader_clicks_is_fine():
    assert media_type_of(docx(parts=external("hyperlink"))) == DOCX


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", EMPTY),
        (b"%PDF-" + b" " * LARGEST_FILE, TOO_LARGE),
        (HTML, UNKNOWN_TYPE),
        (b"MZ" + b"\x00" * 60, UNKNOWN_TYPE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UNKNOWN_TYPE),
        (docx(parts={CONTENT_TYPES: b"<Types/>"}), UNKNOWN_TYPE),
        (pdf()[:-200], DAMAGED),
        (png(60_000, 60_000), DAMAGED),
        (pdf(catalog=b"/Encrypt 8 0 R"), LOCKED),
        (docx(text="身份证号 11010519491231002X"), PERSONAL),
        (xlsx("身份证号", "11010519491231002X"), PERSONAL),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_not_taken_is_told_by_its_rule(content, rule):
    assert rule_of(content) == rule


@pytest.mark.parametrize("media_type", FILE_TYPES)
@given(tail=st.binary(min_size=1, max_size=40).map(lambda some: HTML + some))
def test_no_file_is_two_files(media_type, tail):
    """A page, or another archive, behind the bytes of a file: each reader would see what it looks for."""
    with pytest.raises(Invalid):
        media_type_of(PLAIN[media_type] + tail)
    with pytest.raises(Invalid):
        media_type_of(tail + PLAIN[media_type])


@given(st.data())
def test_a_damaged_file_is_refused_or_taken_and_never_an_error_of_ours(data):
    content = bytearray(data.draw(st.sampled_from(list(PLAIN.values()))))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    assert outcome(bytes(content)) in {*FILE_TYPES, "file"}


@given(st.text(max_size=150), st.sampled_from(list(FILE_TYPES)))
def test_a_name_is_safe_and_says_what_the_file_is(name, media_type):
    made = proper_name(name, media_type)

    assert made.endswith(FILE_TYPES[media_type].extension)
    assert len(made) <= 100
    assert not set(made) & set('/\\:*?"<>|\r\n\x00')


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("申请表.exe", "申请表.pdf"),
        ("C:\\桌面\\申请表.pdf", "申请表.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("", "文件.pdf"),
        ("..", "文件.pdf"),
        ("申请表（2026.3 版）", "申请表（2026.3 版）.pdf"),
    ],
)
def test_the_extension_follows_the_bytes(name, made):
    assert proper_name(name, "application/pdf") == made
