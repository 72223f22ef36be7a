"""Text in two languages in one page: the reader's choice shows one of them, so no page is rendered twice.

Only our own words are translated. What the county releases is shown as it was released.
"""

from markupsafe import Markup

ATTRIBUTE = Markup('{name}="{zh}" data-{name}-zh="{zh}" data-{name}-en="{en}"')


def t(zh: str, en: str) -> Markup:
    """Return `zh` and `en` for running text; shared/web/static/tokens.css hides the one that is not chosen."""
    return Markup('<span class="zh" lang="zh-CN">{}</span><span class="en" lang="en">{}</span>').format(zh, en)


def attribute(name: str, zh: str, en: str) -> Markup:
    """Return a readable attribute (`placeholder`, `aria-label`); shared/web/static/modes.js chooses the language."""
    return ATTRIBUTE.format(name=name, zh=zh, en=en)
