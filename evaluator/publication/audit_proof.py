"""The proof that something was logged, as `evaluator verify` and `evaluator scheme registered` take it."""

from __future__ import annotations

from litestar import Response

from evaluator.ledger.files import receipt_for
from evaluator.ledger.keys import AUDIT
from evaluator.problems import Problem
from evaluator.publication import api_answers
from evaluator.settings import Settings


def _(message: str) -> str:
    return message


async def proof_response(settings: Settings, leaf: str, name: str) -> Response[str]:
    """A text for whoever asks, of the entry in the audit log with this leaf; 503 until the log's files have it."""
    text = await receipt_for(settings, AUDIT, bytes.fromhex(leaf))
    if text is None:
        raise Problem(
            503, _("The proof is not ready yet"),
            _("The log's files are brought up to date every minute. Ask again in a minute."),
            headers={"Retry-After": "60"},
        )  # fmt: skip
    headers = {
        **api_answers.OPEN, "Content-Disposition": f'inline; filename="{name}-proof.txt"', "Cache-Control": "no-cache",
    }  # fmt: skip
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)
