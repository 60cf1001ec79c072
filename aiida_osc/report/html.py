"""HTML pages from the templates of the package: one file each, no script, nothing loaded from elsewhere."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from aiida_osc import __version__
from aiida_osc.report import words

STYLESHEET = 'report.css'


def render_template(name: str, **values: Any) -> str:
    """Return the page that a template makes of ``values``; all text is escaped but what is ``Markup``.

    :param name: file in the folder of templates; it may use ``version`` and ``style`` besides the values.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {'short': words.short, 'family': words.family}
    style = Markup(_read(STYLESHEET))  # noqa: S704 (our own file)
    return environment.from_string(_read(name)).render(version=__version__, style=style, **values)


def _read(name: str) -> str:
    return files('aiida_osc.report').joinpath('templates', name).read_text(encoding='utf-8')
