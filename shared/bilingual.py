"""Words in two languages, side by side in one page: the reader's choice shows one of them, and no page is made twice.

Only what we say is said twice. What the county releases stays as it was released.
"""

from markupsafe import Markup

ATTRIBUTE = Markup('{name}="{zh}" data-{name}-zh="{zh}" data-{name}-en="{en}"')


def t(zh: str, en: str) -> Markup:
    """`zh` and `en` for running text; shared/static/tokens.css hides the one that was not chosen."""
    return Markup('<span class="zh" lang="zh-CN">{}</span><span class="en" lang="en">{}</span>').format(zh, en)


def attribute(name: str, zh: str, en: str) -> Markup:
    """An attribute that people are told (`placeholder`, `aria-label`); shared/static/modes.js sets the chosen one."""
    return ATTRIBUTE.format(name=name, zh=zh, en=en)
