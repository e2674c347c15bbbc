"""Catalogue files for tests: one that is right, and ways to change it."""

from textwrap import dedent

from comptoir.catalog.checking import check_together, in_order, read_files
from comptoir.catalog.file_format import CatalogFile
from comptoir.catalog.model import FileError

TENANT = "5d1f0c7e-8a52-4f6e-9b1d-2f3f6f0a7c11"
APP = "91c2e6a4-0b77-4d0e-8f55-7d1f1f4d2b90"
PARTNER = "3c0e7d52-5a1f-4c7e-9f0b-6a4d8b2e7716"

HARBOR = dedent(f"""\
    publisher:
      id: northbeam
      name: Northbeam Labs
      tenantId: {TENANT}
      appId: {APP}
    offers:
      - id: harbor
        name: {{en-US: Harbor Insights, fr-FR: Regards sur le port}}
        pricingModel: flatRate
        landingPageUrl: https://app.northbeam.example/start
        webhookUrl: https://app.northbeam.example/hooks
        dimensions:
          - {{id: scans, displayName: Document scans, unitOfMeasure: per 100 scans}}
        plans:
          - id: pro
            name: Pro
            markets: {{US: USD, FR: EUR}}
            terms:
              - {{termUnit: P1M, payment: P1M, price: {{USD: 90, EUR: 85.50}}, included: {{scans: 20}}}}
              - {{termUnit: P1Y, payment: P1Y, price: {{USD: 900, EUR: 850}}, included: {{scans: 300}}}}
            meters:
              scans: {{price: {{USD: 0.6, EUR: 0.55}}}}
      - id: desk
        name: Desk
        pricingModel: perUser
        landingPageUrl: https://app.northbeam.example/desk
        webhookUrl: https://app.northbeam.example/hooks
        plans:
          - id: team
            name: {{en-US: Team, fr-FR: Équipe}}
            markets: {{US: USD, FR: EUR, JP: JPY}}
            seats: {{minimum: 2, maximum: 50}}
            trial: P1M
            terms:
              - {{termUnit: P1M, payment: P1M, price: {{USD: 8, EUR: 7.40, JPY: 1200}}}}
              - {{termUnit: P1Y, payment: P1M, price: {{USD: 7.20, EUR: 6.60, JPY: 1080}}}}
              - {{termUnit: P3Y, payment: upfront, price: {{USD: 200, EUR: 190, JPY: 30000}}}}
          - id: extra
            name: Extra
            markets: {{US: USD}}
            addOnTo: [team]
            minimumParentSeats: 5
            terms: [{{termUnit: P1M, payment: P1M, price: {{USD: 2}}}}]
    """)
"""Northbeam: a metered product, and a product by seat with a free trial and an add-on."""


def changed(old: str, new: str, text: str = HARBOR) -> str:
    """The file with one place replaced, which must be there exactly once."""
    assert text.count(old) == 1, (text.count(old), old)
    return text.replace(old, new)


def faults(*texts: str) -> list[FileError]:
    """Every fault of files named 1.yaml, 2.yaml and so on, without a stored catalogue."""
    files, errors = read_files([(f"{number}.yaml", text) for number, text in enumerate(texts, 1)])
    return in_order([*errors, *check_together(files, {})])


def contents(*texts: str) -> list[CatalogFile]:
    """The files as structs; they must be right."""
    assert faults(*texts) == []
    files, _ = read_files([(f"{number}.yaml", text) for number, text in enumerate(texts, 1)])
    return [file.part.content for file in files]
