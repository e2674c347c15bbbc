"""What all pages of ours have in common: they load nothing, and run only what stands in them."""

import base64
import hashlib

HTML = "text/html; charset=utf-8"


def page_headers(style: str, script: str = "") -> dict[str, str]:
    """Headers that let a browser use exactly this style sheet and this script, and nothing from elsewhere."""
    allowed = f"style-src '{_digest(style)}'; " + (f"script-src '{_digest(script)}'; " if script else "")
    return {
        "Content-Security-Policy": f"default-src 'none'; {allowed}base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
