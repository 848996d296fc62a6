"""QR codes for paper: where they lead, and how they are drawn.

The address of an invitation holds its code behind #. That part stays in the browser: no server, no proxy and no access
log ever gets it.
"""

from __future__ import annotations

import segno
from markupsafe import Markup

from evaluator.collection.admission import shown_code
from evaluator.settings import Settings

QUIET = 4  # modules of white around it, as ISO/IEC 18004 wants
CORRECTION = "m"  # a seventh of it may be dirty


def code_address(settings: Settings, code: str, *, grouped: bool = True) -> str:
    """Where the QR code of a letter leads; in a short message the code is not grouped: each character counts."""
    return f"{settings.base_url.rstrip('/')}/code#{shown_code(code) if grouped else code}"


def unit_address(settings: Settings, campaign: str, unit: str) -> str:
    """Where the QR code of a poster leads: the open link."""
    return f"{settings.base_url.rstrip('/')}/rate/{campaign}/{unit}"


def drawn(address: str) -> Markup:
    """A QR code as SVG without a size: the style of the page around it says how large it is."""
    return Markup(  # noqa: S704 - made of black squares, not of the address
        segno.make(address, error=CORRECTION, micro=False).svg_inline(border=QUIET, omitsize=True, svgclass="qr")
    )
