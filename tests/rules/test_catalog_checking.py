"""Every fault that a catalogue file can have, with its line and reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.catalog_files import APP, HARBOR, TENANT, changed, contents, faults

from comptoir.catalog import checking
from comptoir.catalog.model import FileError

CONTRACT_EXAMPLE = f"""\
publisher: {{id: northbeam, name: Northbeam Labs, tenantId: {TENANT}, appId: {APP}}}
offer:
  id: harbor-insights
  name: Harbor Insights
  pricingModel: flatRate
  landingPageUrl: https://app.northbeam.example/start
  webhookUrl: https://app.northbeam.example/hooks/marketplace
  csp: all
  dimensions: [{{id: scans, displayName: Document scans, unitOfMeasure: per 100 scans}}]
  plans:
    - id: pro
      name: Pro
      markets: {{US: USD, FR: EUR}}
      terms:
        - {{termUnit: P1M, payment: P1M, price: {{USD: 90, EUR: 85}}, included: {{scans: 20}}}}
        - {{termUnit: P1Y, payment: P1Y, price: {{USD: 900, EUR: 850}}, included: {{scans: 300}}}}
      meters: {{scans: {{price: {{USD: 0.6, EUR: 0.55}}}}}}
"""
"""The example of 40 section 8.1, with whole GUIDs."""

PLAN = "offers[0].plans[0]"
TERM = f"{PLAN}.terms[0]"
IDS = "up to 50 lower-case letters, digits, - and _"
SEGMENTS = "commercial or education or government or nonprofit"
GUID = f"a GUID such as {TENANT}"
ADDRESS = "an http or https address without # and without spaces"

ONE_FAULT: list[tuple[str, str, int, str]] = [
    # What the schema says
    ("id: northbeam", "id: North", 2, f"publisher.id: North is not {IDS}"),
    ("id: northbeam", f"id: {'x' * 51}", 2, f"publisher.id: {'x' * 51} is not {IDS}"),
    ("id: northbeam", 'id: "northbeam\\n"', 2, f"publisher.id: northbeam is not {IDS}"),
    ("    name: {en-US: Harbor Insights, fr-FR: Regards sur le port}\n", "", 7, "offers[0]: name is missing"),
    (f"tenantId: {TENANT}", "tenantId: 7", 4, "publisher.tenantId: must be a text, not 7"),
    (f"tenantId: {TENANT}", f"tenantId: {TENANT}0", 4, f"publisher.tenantId: {TENANT}0 is not {GUID}"),
    ("name: Northbeam Labs", "name:", 3, "publisher.name: must be a text, not empty"),
    (
        "name: Northbeam Labs",
        f"name: {'n' * 51}",
        3,
        "publisher.name: has 51 characters; at most 50 are allowed",
    ),
    ("name: Northbeam Labs", "name: ''", 3, "publisher.name: has 0 characters; at least 1 are allowed"),
    ("name: Northbeam Labs", "name: Labs\n  colour: red", 4, "publisher.colour: is not known here"),
    ("fr-FR: Regards", "fr: Regards", 8, "offers[0].name.fr: fr is not a locale such as en-US"),
    (
        "pricingModel: flatRate",
        "pricingModel: flat",
        9,
        "offers[0].pricingModel: must be flatRate or perUser, not flat",
    ),
    (
        "northbeam.example/start",
        "northbeam.example/start#top",
        10,
        f"offers[0].landingPageUrl: https://app.northbeam.example/start#top is not {ADDRESS}",
    ),
    (
        "northbeam.example/start",
        "northbeam.example/a b",
        10,
        f"offers[0].landingPageUrl: https://app.northbeam.example/a b is not {ADDRESS}",
    ),
    (
        "https://app.northbeam.example/start",
        "ftp://northbeam.example",
        10,
        f"offers[0].landingPageUrl: ftp://northbeam.example is not {ADDRESS}",
    ),
    (
        "{US: USD, FR: EUR}\n        terms:\n          - {termUnit: P1M, payment: P1M, price: {USD: 90",
        "{us: USD, FR: EUR}\n        terms:\n          - {termUnit: P1M, payment: P1M, price: {USD: 90",
        17,
        f"{PLAN}.markets.us: us is not an ISO 3166 code of two capitals",
    ),
    (
        "termUnit: P1M, payment: P1M, price: {USD: 90,",
        "termUnit: P2M, payment: P1M, price: {USD: 90,",
        19,
        f"{TERM}.termUnit: must be P1M or P1Y or P2Y or P3Y, not P2M",
    ),
    ("price: {USD: 90,", "price: {USD: ninety,", 19, f"{TERM}.price.USD: must be a number, not ninety"),
    ("price: {USD: 90,", "price: {USD: -1,", 19, f"{TERM}.price.USD: must be at least 0, not -1"),
    ("price: {USD: 90,", "price: {USD: true,", 19, f"{TERM}.price.USD: must be a number, not true"),
    (
        "price: {USD: 90,",
        "price: {USD: 1000000000.5,",
        19,
        f"{TERM}.price.USD: must be at most 1000000000, not 1000000000.5",
    ),
    ("scans: 20", "scans: 2.5", 19, f"{TERM}.included.scans: must be a whole number or infinite, not 2.5"),
    ("scans: 20", "scans: all", 19, f"{TERM}.included.scans: must be a whole number or infinite, not all"),
    ("trial: P1M", "trial: P1Y", 33, "offers[1].plans[0].trial: must be P1M, not P1Y"),
    (
        "seats: {minimum: 2,",
        "seats: {minimum: 0,",
        32,
        "offers[1].plans[0].seats.minimum: must be at least 1, not 0",
    ),
    (
        "seats: {minimum: 2, maximum: 50}",
        "stopSell: maybe",
        32,
        "offers[1].plans[0].stopSell: must be true or false, not maybe",
    ),
    (
        "seats: {minimum: 2, maximum: 50}",
        "segments: [commercial, commercial]",
        32,
        "offers[1].plans[0].segments: names the same thing twice",
    ),
    (
        "seats: {minimum: 2, maximum: 50}",
        "segments: [private]",
        32,
        f"offers[1].plans[0].segments[0]: must be {SEGMENTS}, not private",
    ),
    (
        "seats: {minimum: 2, maximum: 50}",
        "exclusiveTo: everyone",
        32,
        "offers[1].plans[0].exclusiveTo: must be a list, not everyone",
    ),
    (
        "webhookUrl: https://app.northbeam.example/hooks\n    dimensions",
        "webhookUrl: https://x.example\n    csp: some\n    dimensions",
        12,
        "offers[0].csp: must be all or none or a list, not some",
    ),
    (
        "addOnTo: [team]",
        "addOnTo: [a/b/c/d]",
        41,
        "offers[1].plans[1].addOnTo[0]: a/b/c/d is not plan, offer/plan or publisher/offer/plan",
    ),
    (
        "terms: [{termUnit: P1M, payment: P1M, price: {USD: 2}}]",
        "terms: []",
        43,
        "offers[1].plans[1].terms: has 0 entries; at least 1 are allowed",
    ),
    ("name: Extra", "name: Extra\n        name: Again", 40, "the key name occurs twice, first on line 39"),
    # What only makes sense together
    ("{en-US: Harbor Insights, fr-FR:", "{de-DE: Hafen, fr-FR:", 8, "the text in en-US is missing"),
    ("{US: USD, FR: EUR, JP: JPY}", "{US: USD, FR: EUR, XX: JPY}", 31, "XX is no country of ISO 3166"),
    ("{US: USD, FR: EUR, JP: JPY}", "{US: USD, FR: EUR, JP: JPN}", 31, "JPN is no currency of ISO 4217"),
    ("{USD: 8, EUR: 7.40, JPY: 1200}", "{USD: 8, EUR: 7.40}", 35, "the price in JPY is missing (market JP)"),
    ("{USD: 0.6, EUR: 0.55}", "{USD: 0.6}", 22, "the price in EUR is missing (market FR)"),
    ("USD: 0.6,", "USD: 0.12345678901,", 22, "a price has at most 10 decimals"),
    (
        "termUnit: P1Y, payment: P1M",
        "termUnit: P1M, payment: upfront",
        36,
        "a second payment for P1M; each term has one",
    ),
    (
        "termUnit: P1M, payment: P1M, price: {USD: 8,",
        "termUnit: P1M, payment: P1Y, price: {USD: 8,",
        35,
        "a month cannot be paid yearly",
    ),
    ("included: {scans: 300}", "included: {pages: 300}", 20, "the plan has no meter pages"),
    (
        "        meters:\n",
        "        trial: P1M\n        meters:\n",
        21,
        "a plan with meters has no free trial",
    ),
    (
        "        meters:\n",
        "        seats: {maximum: 5}\n        meters:\n",
        21,
        "only plans of per-user offers have seats",
    ),
    (
        "        meters:\n",
        "        seatReduction: next_term\n        meters:\n",
        21,
        "only plans of per-user offers have seats",
    ),
    ("minimum: 2, maximum: 50", "minimum: 51, maximum: 50", 32, "the maximum is less than the minimum"),
    ("        addOnTo: [team]\n", "", 41, "only add-ons have a base plan"),
    ("addOnTo: [team]", "addOnTo: [nothing]", 41, "the plan nothing is not known"),
    ("addOnTo: [team]", "addOnTo: [harbor/team]", 41, "the plan harbor/team is not known"),
    ("addOnTo: [team]", "addOnTo: [other/harbor/pro]", 41, "the plan other/harbor/pro is not known"),
    ("addOnTo: [team]", "addOnTo: [extra]", 41, "a plan cannot be an add-on to itself"),
    ("id: desk", "id: harbor", 23, "the offer harbor occurs twice"),
    (
        "      - {id: scans,",
        "      - {id: scans, displayName: S, unitOfMeasure: u}\n      - {id: scans,",
        14,
        "the dimension scans occurs twice",
    ),
    (
        "pricingModel: perUser",
        "pricingModel: perUser\n    dimensions: [{id: x, displayName: X, unitOfMeasure: u}]",
        26,
        "only flat-rate offers have dimensions",
    ),
]


SEVERAL_FAULTS: list[tuple[str, str, list[tuple[int, str]]]] = [
    ("meters:\n          scans:", "meters:\n          pages:", [
        (19, "the plan has no meter scans"),
        (20, "the plan has no meter scans"),
        (22, "the offer has no dimension pages"),
    ]),
    ("trial: P1M", "addOnTo: [extra]", [
        (33, "the plan extra is an add-on itself"),
        (41, "the plan team is an add-on itself"),
    ]),
    ("id: extra", "id: team", [
        (38, "the plan team occurs twice"),
        (41, "a plan cannot be an add-on to itself"),
    ]),
]  # fmt: skip
"""Slips that break more than one rule."""


@pytest.mark.parametrize(("old", "new", "line", "reason"), ONE_FAULT)
def test_a_fault_is_told_with_its_line_and_alone(old: str, new: str, line: int, reason: str) -> None:
    assert faults(changed(old, new)) == [FileError("1.yaml", line, reason)]


@pytest.mark.parametrize(("old", "new", "expected"), SEVERAL_FAULTS)
def test_a_slip_that_breaks_several_rules(old: str, new: str, expected: list[tuple[int, str]]) -> None:
    assert [(error.line, error.reason) for error in faults(changed(old, new))] == expected


def test_right_files_have_no_fault() -> None:
    assert faults(HARBOR) == []
    assert faults(CONTRACT_EXAMPLE) == []


def test_every_fault_is_told_at_once() -> None:
    text = HARBOR
    for old, new in (
        ("id: northbeam", "id: North Beam"),
        ("https://app.northbeam.example/start", "nowhere"),
        ("termUnit: P1M, payment: P1M, price: {USD: 90,", "termUnit: P9M, payment: P1M, price: {USD: 90,"),
        ("USD: 0.6, ", ""),
        ("{minimum: 2, maximum: 50}", "{minimum: 2, maximum: 1}"),
        ("addOnTo: [team]", "addOnTo: [nothing]"),
        ("name: Extra", "nmae: Extra"),
    ):
        text = changed(old, new, text)
    assert [(error.line, error.reason) for error in faults(text)] == [
        (2, f"publisher.id: North Beam is not {IDS}"),
        (10, f"offers[0].landingPageUrl: nowhere is not {ADDRESS}"),
        (19, f"{TERM}.termUnit: must be P1M or P1Y or P2Y or P3Y, not P9M"),
        (22, "the price in USD is missing (market US)"),
        (32, "the maximum is less than the minimum"),
        (38, "offers[1].plans[1]: name is missing"),
        (39, "offers[1].plans[1].nmae: is not known here"),
        (41, "the plan nothing is not known"),
    ]


def test_a_part_that_is_cut_out_is_not_missed_elsewhere() -> None:
    text = changed(
        "id: team\n        name: {en-US: Team, fr-FR: Équipe}\n        markets:",
        "id: team\n        name: Team\n        market:",
    )
    assert [error.reason for error in faults(text)] == [
        "offers[1].plans[0]: markets is missing",
        "offers[1].plans[0].market: is not known here",
    ]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("[1, 2]", ["must be a mapping, not a list"]),
        ("words", ["must be a mapping, not words"]),
        ("{}", ["publisher is missing"]),
        ("a: [", ["not valid YAML: while parsing a flow node, did not find expected node content"]),
    ],
)
def test_texts_that_are_no_catalogue(text: str, reasons: list[str]) -> None:
    assert [error.reason for error in faults(text)] == reasons


def test_one_offer_or_a_list_of_offers() -> None:
    head = HARBOR[: HARBOR.index("offers:")]
    assert [error.reason for error in faults(head)] == ["offers is missing"]
    both = CONTRACT_EXAMPLE + "offers: []\n"
    assert FileError("1.yaml", 18, "a file has either offer or offers, not both") in faults(both)


def test_files_are_checked_together() -> None:
    second = CONTRACT_EXAMPLE.replace("offer:\n", "offer:\n  gettingStarted: Begin.\n")
    assert faults(HARBOR, second) == []
    repeated = changed("id: harbor-insights", "id: harbor", second)
    assert faults(HARBOR, repeated) == [FileError("2.yaml", 4, "the offer harbor occurs twice")]
    renamed = changed("name: Northbeam Labs", "name: Northbeam", second)
    reason = "the publisher northbeam differs from an earlier file's"
    assert faults(HARBOR, renamed) == [FileError("2.yaml", 1, reason)]
    stolen = changed("id: northbeam", "id: southbeam", second)
    reason = "tenantId and appId are those of northbeam already"
    assert faults(HARBOR, stolen) == [FileError("2.yaml", 1, reason)]


def test_missing_ids_are_not_taken_for_equal_ones() -> None:
    first = changed(f"  tenantId: {TENANT}\n  appId: {APP}\n", "")
    second = first.replace("id: northbeam", "id: southbeam")
    missing = ["publisher: appId is missing", "publisher: tenantId is missing"]
    assert sorted(error.reason for error in faults(first, second)) == sorted(missing * 2)


def test_an_add_on_may_extend_another_publishers_plan() -> None:
    other = CONTRACT_EXAMPLE.replace("northbeam", "southbeam").replace(TENANT, TENANT.replace("5", "6"))
    extending = changed("      meters:", "      addOnTo: [northbeam/desk/team]\n      meters:", other)
    assert faults(HARBOR, extending) == []
    assert [error.reason for error in faults(extending)] == ["the plan northbeam/desk/team is not known"]


def test_the_order_of_the_files_does_not_matter() -> None:
    files = [("b.yaml", HARBOR), ("a.yaml", CONTRACT_EXAMPLE)]
    forth, _ = checking.read_files(files)
    back, _ = checking.read_files(files[::-1])
    assert [file.name for file in forth] == [file.name for file in back] == ["a.yaml", "b.yaml"]


def test_the_number_of_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "FILES_MAX", 1)
    assert faults(HARBOR) == []
    assert faults(HARBOR, HARBOR) == [FileError("2.yaml", 1, "more than 1 files at once")]


def test_the_number_of_faults_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "ERRORS_MAX", 3)
    assert len(faults(*("{}",) * 5)) == 3


def test_prices_are_exact() -> None:
    (file,) = contents(HARBOR)
    assert [str(offer.plans[0].terms[0].price["EUR"]) for _, offer in file.all_offers()] == ["85.50", "7.40"]


_WORDS = st.sampled_from(
    ["", "x", "P1M", "northbeam", "USD", "-1", "1.5", "true", "null", "{}", "[]", "{a: 1}", "en-US"]
)


@given(lines=st.lists(st.integers(0, HARBOR.count("\n") - 1), min_size=1, max_size=4), words=st.data())
@settings(max_examples=60, deadline=None)
def test_no_change_of_values_breaks_the_checker(lines: list[int], words: st.DataObject) -> None:
    """Whatever stands behind a colon, the checker ends with errors or with a file that can be used."""
    texts = HARBOR.splitlines()
    for line in lines:
        key, colon, _ = texts[line].partition(":")
        texts[line] = f"{key}{colon} {words.draw(_WORDS)}"
    found = faults("\n".join(texts))
    assert all(1 <= error.line <= len(texts) + 1 and error.reason for error in found)
