"""Texts in the reader's language, and the sentences that terms describe themselves with."""

from collections.abc import Mapping

from comptoir.catalog.model import DEFAULT_LOCALE, BillingCycle, Texts
from comptoir.core.terms import Duration

_ENGLISH_COUNTS = ("", "One", "Two", "Three", "Four", "Five")
_FRENCH_COUNTS = ("", "Un", "Deux", "Trois", "Quatre", "Cinq")

_ENGLISH_CYCLES: Mapping[BillingCycle, str] = {
    BillingCycle.MONTHLY: "billed monthly",
    BillingCycle.ANNUAL: "billed annually",
    BillingCycle.BIENNIAL: "billed every two years",
    BillingCycle.TRIENNIAL: "billed every three years",
    BillingCycle.ONE_TIME: "paid upfront",
    BillingCycle.NONE: "free trial",
}
_FRENCH_CYCLES: Mapping[BillingCycle, str] = {
    BillingCycle.MONTHLY: "facturation mensuelle",
    BillingCycle.ANNUAL: "facturation annuelle",
    BillingCycle.BIENNIAL: "facturation tous les deux ans",
    BillingCycle.TRIENNIAL: "facturation tous les trois ans",
    BillingCycle.ONE_TIME: "paiement d’avance",
    BillingCycle.NONE: "essai gratuit",
}


def in_locale(texts: Texts, locale: str) -> str:
    """The text in the locale asked for, else in another one of its language, else in English.

    Unknown locales are no error (``00-cross-cutting`` section 2, ``X-Locale``).
    """
    wanted = locale.lower()
    by_locale = {name.lower(): text for name, text in texts.items()}
    if wanted in by_locale:
        return by_locale[wanted]
    language = _language(wanted)
    same_language = (text for name, text in sorted(by_locale.items()) if _language(name) == language)
    return texts[DEFAULT_LOCALE] if language == "en" else next(same_language, texts[DEFAULT_LOCALE])


def describe_duration(duration: Duration, locale: str = DEFAULT_LOCALE) -> str:
    """A term's length in words: "One month", "Trois ans"."""
    count, unit = _count_and_unit(duration)
    if _language(locale.lower()) == "fr":
        return f"{_word(_FRENCH_COUNTS, count)} {_plural(_FRENCH_UNITS[unit], count)}"
    return f"{_word(_ENGLISH_COUNTS, count)} {_plural(unit, count)}"


def describe_term(duration: Duration, cycle: BillingCycle, locale: str = DEFAULT_LOCALE) -> str:
    """A term in words: "One year, billed monthly" (``10-catalog-cart-orders`` section 1.4)."""
    cycles = _FRENCH_CYCLES if _language(locale.lower()) == "fr" else _ENGLISH_CYCLES
    length = describe_duration(duration, locale)
    return f"{length}, {cycles[cycle]}" if cycle in cycles else length


def describe_included(
    units: int | None, name: str, unit: str, term: str, locale: str = DEFAULT_LOCALE
) -> str:
    """What a term includes of a metered dimension, for the buyer to read."""
    if _language(locale.lower()) == "fr":
        count = "illimité" if units is None else str(units)
        return f"{name} ({unit}) : {count} par période ({term})"
    count = "unlimited" if units is None else str(units)
    return f"{name} ({unit}): {count} per term ({term})"


_FRENCH_UNITS = {"day": "jour", "month": "mois", "year": "an"}


def _language(locale: str) -> str:
    return locale.partition("-")[0]


def _count_and_unit(duration: Duration) -> tuple[int, str]:
    if duration.days:
        return duration.days, "day"
    if duration.months % 12 == 0:
        return duration.months // 12, "year"
    return duration.months, "month"


def _word(words: tuple[str, ...], count: int) -> str:
    return words[count] if count < len(words) else str(count)


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 or unit.endswith("s") else f"{unit}s"
