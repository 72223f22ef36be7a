"""Text in two languages in one page: the reader's choice shows one of them, so no page is rendered twice.

Only our own words are translated. What the county releases is shown as it was released, and is marked as Chinese.
"""

import re

from markupsafe import Markup, escape

ATTRIBUTE = Markup('{name}="{zh}" data-{name}-zh="{zh}" data-{name}-en="{en}"')
_CHINESE = "[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60]"
_CHINESE_IN_ENGLISH = re.compile(f"{_CHINESE}(?:[^A-Za-z<>&]*{_CHINESE})*")


def t(zh: str, en: str) -> Markup:
    """Return `zh` and `en` for running text; shared/web/static/tokens.css hides the one that is not chosen.

    Chinese within `en` (a unit's name, an example) is marked as Chinese for those who hear the page.
    """
    return Markup('<span class="zh" lang="zh-CN">{}</span><span class="en" lang="en">{}</span>').format(zh, marked(en))


def marked(english: str) -> Markup:
    """Return English text as HTML in which Chinese parts have their language."""
    text = str(escape(english))
    if text.isascii():
        return Markup(text)  # noqa: S704  # escaped above
    return Markup(_CHINESE_IN_ENGLISH.sub(r'<span lang="zh-CN">\g<0></span>', text))  # noqa: S704  # escaped above


def attribute(name: str, zh: str, en: str) -> Markup:
    """Return a readable attribute (`placeholder`, `aria-label`); shared/web/static/modes.js chooses the language."""
    return ATTRIBUTE.format(name=name, zh=zh, en=en)
