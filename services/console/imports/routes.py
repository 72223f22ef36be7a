"""Pages of imports."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.datastructures import FormData as SentForm
from starlette.datastructures import UploadFile

from contracts.base import Json
from services.console.accounts.rights import form_of
from services.console.desk import Desk
from services.console.imports import mapping_form, words
from services.console.imports.roles import WRITERS, Reader, Releaser, Writer
from services.console.imports.upstream import ImportsUpstream
from services.console.pages.frame import page, see_other
from services.console.reviews.upstream import Reviews
from shared.errors import Invalid, Refused, Unavailable
from shared.tokens.person import Person, StaffRole

Form = Annotated[Any, Depends(form_of)]
UploadId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
JobNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
FileName = Annotated[str, Path(pattern=r"^[a-z]{1,20}\.(csv|json|jsonl)$")]
SHOWN = 50


def routes_of(desk: Desk, reviews: Reviews) -> APIRouter:
    """Return the routes. `reviews`: tells whether an import is reviewed before it is run."""
    routes = APIRouter(prefix="/imports", include_in_schema=False)
    upstream = ImportsUpstream(desk.services)
    pages = _Pages(upstream, reviews)

    @routes.get("")
    def listed(request: Request, person: Reader, before: str | None = None) -> Response:
        return pages.listed(request, person, before=before)

    @routes.post("")
    def upload(request: Request, person: Writer, sent: Form) -> Response:
        return pages.upload(request, person, sent)

    @routes.get("/{upload}")
    def one(request: Request, person: Reader, upload: UploadId) -> Response:
        return pages.one(request, person, upload)

    _steps(routes, upstream, pages)

    @routes.get("/jobs/{job}/files/{name}")
    def file(
        person: Reader, job: JobNumber, name: Annotated[str, Path(pattern=r"^[a-z]{1,20}\.[a-z]{3,5}$")]
    ) -> Response:
        return download(upstream, person, job, name)

    return routes


def _steps(routes: APIRouter, upstream: ImportsUpstream, pages: "_Pages") -> None:
    @routes.post("/{upload}/preview")
    def preview(request: Request, person: Writer, upload: UploadId, sent: Form) -> Response:
        return pages.preview(request, person, upload, sent)

    @routes.post("/{upload}/run")
    def run(request: Request, person: Releaser, upload: UploadId, sent: Form) -> Response:
        content = {"preview": _number(sent.get("preview")), "digest": str(sent.get("digest", ""))}
        return pages.ask(request, person, upload, "runs", content)

    @routes.post("/{upload}/submit")
    def submit(request: Request, person: Writer, upload: UploadId, sent: Form) -> Response:
        content = {"preview": _number(sent.get("preview")), "digest": str(sent.get("digest", ""))}
        return pages.ask(request, person, upload, "submissions", content)

    @routes.post("/{upload}/undo")
    def undo(request: Request, person: Releaser, upload: UploadId, sent: Form) -> Response:
        return pages.ask(request, person, upload, "undos", {"preview": sent.get("sure") != "1"})

    @routes.post("/{upload}/cancel")
    def cancel(request: Request, person: Writer, upload: UploadId, sent: Form) -> Response:
        try:
            upstream.cancel(person, _number(sent.get("job")))
        except Refused as error:
            return pages.one(request, person, upload, problem=str(error))
        return see_other(f"imports/{upload}")


def download(upstream: ImportsUpstream, person: Person, job: int, name: str) -> Response:
    """Return a file of a job as an attachment: a browser never shows it as a page."""
    found = upstream.file(person, job, name)
    headers = {"Content-Disposition": f'attachment; filename="{job}-{name}"', "Cache-Control": "no-store"}
    return Response(found.raw, media_type=found.headers["content-type"], headers=headers)


class _Pages:
    """Renders the pages from what the service answers."""

    def __init__(self, upstream: ImportsUpstream, reviews: Reviews) -> None:
        self._upstream, self._reviews = upstream, reviews

    def listed(
        self, request: Request, person: Person, before: str | None = None, errors: Mapping[str, str] | None = None
    ) -> Response:
        found = self._upstream.listed(person, before, SHOWN)
        shown: Json = {"imports": found, "more": found[-1]["uploaded_at"] if len(found) == SHOWN else None}
        return page(
            request,
            "imports.html",
            person=person,
            status=422 if errors else 200,
            words=words,
            may_write=bool(person.roles & set(WRITERS)),
            errors=errors or {},
            **shown,
        )

    def upload(self, request: Request, person: Person, sent: SentForm) -> Response:
        file, beside = sent.get("file"), str(sent.get("beside", "")) or None
        problem = ""
        if not isinstance(file, UploadFile) or not file.filename:
            problem = "请先选择文件"
        else:
            try:
                with file.file as content:
                    made = self._upstream.upload(person, file.filename, content, beside)
                return see_other(f"imports/{made['id']}")
            except (Refused, Unavailable) as error:
                problem = sentence(error)
        if beside:
            return self.one(request, person, beside, problem=problem)
        return self.listed(request, person, errors={"file": problem})

    def one(
        self,
        request: Request,
        person: Person,
        upload: str,
        *,
        sent: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
        problem: str = "",
    ) -> Response:
        told = self._upstream.read(person, upload)
        jobs: list[Json] = told["jobs"]
        newest = self._upstream.job(person, jobs[-1]["id"]) if jobs else None
        open_job = newest if newest and newest["state"] in ("waiting", "running") else None
        preview = self._newest(person, jobs, "preview")
        form, unreadable = self._form(person, upload, preview, sent, errors) if open_job is None else (None, "")
        ended = newest is not None and newest["state"] == "finished"
        submitted = newest if newest and ended and newest["kind"] == "submission" else None
        counts = newest is not None and ended and newest["kind"] in ("preview", "submission")
        return page(
            request,
            "import.html",
            person=person,
            status=422 if errors or problem else 200,
            words=words,
            upload=told,
            open_job=open_job,
            newest=newest,
            preview=preview if counts else None,
            submitted=submitted,
            reviewed=self._reviews.is_known_to_be_needed(person),
            form=form,
            problem=problem or unreadable,
            errors=errors or {},
            may_write=bool(person.roles & set(WRITERS)),
            may_release=StaffRole.RELEASER in person.roles,
        )

    def preview(self, request: Request, person: Person, upload: str, form: SentForm) -> Response:
        sent = {name: value for name, value in form.items() if isinstance(value, str) and name != "csrf"}
        jobs = self._upstream.read(person, upload)["jobs"]
        before = self._newest(person, jobs, "preview")
        settings = before["settings"] if before else None
        confirm = [str(one) for one in form.getlist("confirm")]
        try:
            if "again" in sent and settings is not None:
                wanted = {**settings, "confirm": sorted(set(confirm))}
            else:
                suggestion = self._upstream.mapping(person, upload)
                wanted = mapping_form.settings_of(sent, suggestion, settings, confirm)
            self._upstream.ask(person, upload, "previews", wanted)
        except Invalid as error:
            found = mapping_form.errors_of(error.violations)
            return self.one(request, person, upload, sent=sent, errors=found)
        except Refused as error:
            return self.one(request, person, upload, sent=sent, problem=sentence(error))
        return see_other(f"imports/{upload}")

    def ask(self, request: Request, person: Person, upload: str, kind: str, content: Json) -> Response:
        try:
            self._upstream.ask(person, upload, kind, content)
        except Refused as error:
            return self.one(request, person, upload, problem=sentence(error))
        return see_other(f"imports/{upload}")

    def _newest(self, person: Person, jobs: list[Json], kind: str) -> Json | None:
        found = [job["id"] for job in jobs if job["kind"] == kind]
        return self._upstream.job(person, found[-1]) if found else None

    def _form(
        self,
        person: Person,
        upload: str,
        preview: Json | None,
        sent: Mapping[str, str] | None,
        errors: Mapping[str, str] | None,
    ) -> tuple[mapping_form.MappingForm | None, str]:
        try:
            suggestion = self._upstream.mapping(person, upload)
        except Refused as error:
            return None, sentence(error)
        settings = preview["settings"] if preview else None
        return mapping_form.form_of(suggestion, settings, sent, errors), ""


def sentence(error: Exception) -> str:
    """Return why something was refused, in Chinese where the service says it so."""
    if isinstance(error, Invalid):
        return "；".join(words.chinese(one.message) for one in error.violations)
    if isinstance(error, Unavailable):
        return "导入服务暂时没有应答，没有收下。请过一会儿再试"
    return words.chinese(str(error))


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10 else 0
