"""A page that becomes its newest version in place leaves the reader's what is the reader's."""

import json
from typing import Any

import pytest

from tests.harness.browser import Page

PLAY = """async (before, after) => {
    const { morph } = await import("/web/static/morph.js");
    const stage = document.createElement("main");
    stage.id = "stage";
    stage.innerHTML = before;
    document.body.append(stage);
    READER
    const named = () =>
        new Map([...stage.querySelectorAll("[data-key], [id]")].map((each) => [each.id || each.dataset.key, each]));
    const old = named();
    const whole = `<main id="stage">${after}</main>`;
    const changed = morph(stage, new DOMParser().parseFromString(whole, "text/html").getElementById("stage"));
    const same = (name) => named().get(name) === old.get(name);
    const seen = (() => { LOOK })();
    const html = stage.innerHTML;
    stage.remove();
    return { changed, seen, html };
}"""


def morphed(page: Page, before: str, after: str, reader: str = "", look: str = "return null") -> dict[str, Any]:
    """How many changes were made, what `look` sees of the `stage`, and its HTML.

    `reader` acts on the `stage` before. `same(name)`: whether the element of that id or key is still the same object.
    """
    page.open("/web/")
    # Not by `new Function`: the page's content policy forbids it.
    answer = page.evaluate(PLAY.replace("READER", reader).replace("LOOK", look), before, after)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>one</p>", "<p>two</p>"),
        ("<p class=a title=b>one</p>", "<p title=c>one</p>"),
        ("<p>one</p><p>two</p>", "<p>one</p>"),
        ("<p>one</p>", "<h2>new</h2><p>one</p><ul><li>two</ul>"),
        ("<ul><li data-key=a>a<li data-key=b>b</ul>", "<ul><li data-key=b>b<li data-key=c>c<li data-key=a>a</ul>"),
        ("<p id=a>a</p><section><p id=b>b</p></section>", "<section><p id=b>b</p><p id=a>a!</p></section>"),
        ("<p data-key=a>a</p><p data-key=a>b</p>", "<p data-key=a>b</p><p data-key=a>a</p>"),
        ("<p>one", ""),
        ("", "<p>one</p>"),
        ("text <!-- note --> more", "other <!-- notes --> <b>more</b>"),
        (
            "<details><summary>s</summary>t</details>",
            "<details open><summary>s</summary>t</details><details open>u</details>",
        ),
    ],
)
def test_the_page_says_afterwards_what_the_newest_version_says(page: Page, before: str, after: str) -> None:
    answer = morphed(page, before, after)

    wanted = page.evaluate(
        "(html) => Object.assign(document.createElement('main'), {innerHTML: html}).innerHTML", after
    )
    assert answer["html"].replace(' open=""', "") == wanted.replace(' open=""', "")
    assert answer["changed"] > 0


def test_nothing_is_announced_when_only_the_readers_own_differs(page: Page) -> None:
    html = (
        "<details id=d><summary>s</summary>t</details><input id=i value=a><input id=c type=checkbox>"
        "<textarea id=t></textarea><p data-keep></p><ul><li data-key=x>x</ul>"
    )
    reader = """
        stage.querySelector("#d").open = true;
        stage.querySelector("#i").value = "typed";
        stage.querySelector("#c").checked = true;
        stage.querySelector("#t").value = "typed";
        stage.querySelector("[data-keep]").textContent = "by a script";"""

    assert morphed(page, html, html, reader)["changed"] == 0


def test_what_is_typed_ticked_chosen_and_unfolded_stays(page: Page) -> None:
    form = (
        "<details id=d><summary>s</summary>t</details><dialog id=g>g</dialog><input id=i value=a><input id=n>"
        "<input id=c type=checkbox><textarea id=t></textarea><select id=s><option>1<option>2</select>"
    )
    reader = """
        stage.querySelector("#d").open = true;
        stage.querySelector("#g").show();
        stage.querySelector("#i").value = "typed";
        stage.querySelector("#n").value = "typed";
        stage.querySelector("#c").checked = true;
        stage.querySelector("#t").value = "typed";
        stage.querySelector("#s").value = "2";"""
    look = """return [stage.querySelector("#d").open, stage.querySelector("#g").open, stage.querySelector("#i").value,
        stage.querySelector("#n").value, stage.querySelector("#c").checked, stage.querySelector("#t").value,
        stage.querySelector("#s").value, ...["d", "g", "i", "n", "c", "t", "s"].map(same)]"""

    answer = morphed(
        page, f"<p>a</p>{form}", f"<h2>new</h2><p>b</p>{form.replace('<input', '<input class=new')}", reader, look
    )

    assert answer["seen"] == [True, True, "typed", "typed", True, "typed", "2", *[True] * 7]


def test_the_focus_and_the_cursor_stay_where_they_are(page: Page) -> None:
    reader = "const i = stage.querySelector('#i'); i.value = 'typed'; i.focus(); i.setSelectionRange(2, 4)"
    look = "const i = document.activeElement; return [i.id, i.value, i.selectionStart, i.selectionEnd]"

    answer = morphed(page, "<p>a</p><p><input id=i></p>", "<h2>new</h2><p>b</p><p><input id=i></p>", reader, look)

    assert answer["seen"] == ["i", "typed", 2, 4]


def test_no_element_is_given_an_id_that_the_page_does_not_have(page: Page) -> None:
    answer = morphed(page, "<p data-key=a>a</p>", "<p data-key=b>b</p><p data-key=a>a</p>")

    assert "id=" not in answer["html"]


@pytest.mark.parametrize("after", ["new a b c", "b c", "x b y"])
@pytest.mark.parametrize("name", ["id", "data-key"])
def test_an_entry_of_a_list_stays_itself_whatever_comes_before_it(page: Page, name: str, after: str) -> None:
    def entries(keys: str) -> str:
        rest = "<details><summary>s</summary>t</details></li>"
        return f"<ul>{''.join(f'<li {name}={key}><a href=#{key}>{key}</a>{rest}' for key in keys.split())}</ul>"

    reader = f"stage.querySelector('[{name}=b] a').focus(); stage.querySelector('[{name}=b] details').open = true"
    look = f"return [document.activeElement.textContent, stage.querySelector('[{name}=b] details').open, same('b')]"

    assert morphed(page, entries("a b c"), entries(after), reader, look)["seen"] == ["b", True, True]


def test_an_entry_that_moves_takes_along_what_the_reader_did_with_it(page: Page) -> None:
    a = "<li data-key=a>a</li>"
    b = "<li data-key=b><details><summary>s</summary>t</details><input></li>"
    reader = "stage.querySelector('details').open = true; stage.querySelector('input').value = 'typed'"
    look = "return [stage.querySelector('details').open, stage.querySelector('input').value, same('a'), same('b')]"

    answer = morphed(page, f"<ul>{a}{b}</ul>", f"<ul>{b}{a}</ul>", reader, look)

    assert answer["seen"] == [True, "typed", True, True]


def test_what_a_script_writes_is_left_to_it(page: Page) -> None:
    reader = "const own = stage.querySelector('[data-keep]'); own.hidden = false; own.innerHTML = '<b>open now</b>'"
    look = "const own = stage.querySelector('[data-keep]'); return [own.hidden, own.textContent]"

    answer = morphed(
        page, "<p>a</p><span data-keep hidden></span>", "<p>b</p><span data-keep hidden></span>", reader, look
    )

    assert answer["seen"] == [False, "open now"]


def test_what_is_new_comes_as_the_server_sends_it(page: Page) -> None:
    unfolded = "<details open><summary>s</summary><p id=p>p</p></details>"
    new = f"<section>{unfolded}<input id=n value=v type=checkbox checked></section>"
    look = """return [stage.querySelector("details").open, stage.querySelector("#n").checked,
        stage.querySelector("#n").value, same("p")]"""

    assert morphed(page, "<p id=p>p</p>", new, "", look)["seen"][:3] == [True, True, "v"]


def test_one_new_entry_in_front_of_a_thousand_is_one_change(page: Page) -> None:
    entries = [f"<li data-key=k{number}><a href=#>{number}</a></li>" for number in range(1000)]

    answer = morphed(page, "".join(entries), "".join(["<li data-key=new>new</li>", *entries]))

    assert answer["changed"] == 1, json.dumps(answer)[:200]
