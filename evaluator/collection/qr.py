"""QR codes, on paper and on pages: where they lead, and how they are drawn.

The address of an invitation holds its code behind #. That part stays in the browser: no server, no proxy and no access
log ever gets it.
"""

from __future__ import annotations

import segno
from markupsafe import Markup

from evaluator import language
from evaluator.collection.admission import shown_code
from evaluator.settings import Settings

QUIET = 4  # modules of white around it, as ISO/IEC 18004 wants
CORRECTION = "m"  # a seventh of it may be dirty
ON_A_SCREEN = "l"  # which stays clean: fewer and larger modules
MASK = 3  # of the eight on a screen: to compare them takes three times as long as all the rest, while somebody waits


def _(message: str) -> str:
    return message


def code_address(settings: Settings, code: str, *, grouped: bool = True) -> str:
    """Where the QR code of a letter leads; in a short message the code is not grouped: each character counts."""
    return f"{settings.base_url.rstrip('/')}/code#{shown_code(code) if grouped else code}"


def unit_address(settings: Settings, campaign: str, unit: str) -> str:
    """Where the QR code of a poster leads: the open link."""
    return f"{settings.base_url.rstrip('/')}/rate/{campaign}/{unit}"


def drawn(text: str, *, correction: str = CORRECTION) -> Markup:
    """A QR code as SVG without a size: the style of the page around it says how large it is. It needs no style else.

    Raises
    ------
    segno.DataOverflowError
        No QR code holds so much.
    """
    mask = MASK if correction == ON_A_SCREEN else None  # on paper, which wrinkles, the best one
    drawing = segno.make_qr(text, error=correction, mask=mask).svg_inline(
        border=QUIET, omitsize=True, light="#fff", svgclass="qr", lineclass=None
    )
    label = language.gettext(_("QR code"))
    return Markup(drawing.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))  # noqa: S704 - squares, no text
