"""The public page behind a dummy activation link (``10-catalog-cart-orders`` section 5).

It is a text: it reads nothing stored, so whatever is put into its address can complete nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from string import Template

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.pages import HTML, page_headers
from comptoir.api.services import Services

SHOWN_MAX = 64
"""Characters of a query value that the page repeats."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --paper: #fbfaf7; --soft: #6b7280; --line: #d9d5cb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6e1; --paper: #171a20; --soft: #9aa1ad; --line: #333a45; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.05rem/1.6 system-ui, sans-serif; }
main { max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
code { font: 0.9rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { border: 1px solid var(--line); border-radius: 0.5rem; padding: 1rem; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 1.5rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
"""

PAGE = Template(
    """<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
<p>$why</p>
<dl>
<dt>$order_label</dt><dd>$order</dd>
<dt>$line_label</dt><dd>$line</dd>
</dl>
<p>$how</p>
<pre><code>POST /v1/customers/{customer-id}/subscriptions/{subscription-id}/activate</code></pre>
<p>$after</p>
</main>
</body>
</html>
"""
)


@dataclass(frozen=True, slots=True)
class Texts:
    """What the page says in one language."""

    title: str
    why: str
    order_label: str
    line_label: str
    missing: str
    how: str
    after: str


TEXTS = {
    "en": Texts(
        title="This link cannot complete the set-up",
        why="Subscriptions of an integration sandbox have no publisher behind them, so their activation link "
        "is a dummy. Nothing was changed by opening it.",
        order_label="Order",
        line_label="Line",
        missing="not given",
        how="Activate the subscription with this call of the API instead, with the same token as your other "
        "calls:",
        after="It answers with the status Success. From then on the subscription is active: its term and its "
        "billing have started.",
    ),
    "fr": Texts(
        title="Ce lien ne permet pas de terminer la configuration",
        why="Les abonnements d’un bac à sable d’intégration n’ont pas d’éditeur : leur lien d’activation est "
        "factice. L’ouvrir n’a rien changé.",
        order_label="Commande",
        line_label="Ligne",
        missing="non indiquée",
        how="Activez plutôt l’abonnement par cet appel de l’API, avec le même jeton que vos autres appels :",
        after="La réponse porte l’état Success. L’abonnement est alors actif : son engagement et sa "
        "facturation ont commencé.",
    ),
}
DEFAULT_LANGUAGE = "en"

SECURITY_HEADERS = {**page_headers(STYLE), "Cache-Control": "no-store"}
_LANGUAGE_RANGE = re.compile(
    r"\s*([a-zA-Z]{1,8})(?:-[a-zA-Z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?"
)


async def activation_placeholder(services: Services, call: Call) -> Answer:
    """``GET /sandbox/activation-placeholder?order=&line=``"""
    language = preferred_language(call.headers.get("Accept-Language") or "")
    page = render(language, call.query.get("order") or "", call.query.get("line") or "")
    return Answer(
        page.encode(),
        content_type=HTML,
        headers={**SECURITY_HEADERS, "Content-Language": language, "Vary": "Accept-Language"},
    )


def preferred_language(accept_language: str) -> str:
    """The language of the page that the header ranks highest; English where it names none of them."""
    weights: dict[str, float] = {}
    for part in accept_language.split(","):
        match = _LANGUAGE_RANGE.fullmatch(part)
        if match is not None and match[1].lower() in TEXTS:
            language = match[1].lower()
            weights[language] = max(weights.get(language, 0.0), float(match[2] or 1))
    best = max(weights, key=weights.__getitem__, default=DEFAULT_LANGUAGE)
    return best if weights.get(best, 1.0) > 0 else DEFAULT_LANGUAGE


def render(language: str, order: str, line: str) -> str:
    """The page. What came with the address is shortened and escaped."""
    texts = TEXTS[language]
    return PAGE.substitute(
        language=language,
        style=STYLE,
        title=escape(texts.title),
        why=escape(texts.why),
        order_label=escape(texts.order_label),
        order=escape(order[:SHOWN_MAX] or texts.missing),
        line_label=escape(texts.line_label),
        line=escape(line[:SHOWN_MAX] or texts.missing),
        how=escape(texts.how),
        after=escape(texts.after),
    )


HANDLERS: Mapping[str, Handler] = {"sandbox.activation_placeholder": activation_placeholder}
