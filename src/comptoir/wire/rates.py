"""The operator API of exchange rates, tax rates and private offers."""

from collections.abc import Sequence
from decimal import Decimal

from comptoir.wire.catalog import CatalogFilesBody
from comptoir.wire.operation import Audience, Mode, Operation
from comptoir.wire.types import Reply


class RatesImport(Reply, kw_only=True):
    """How many entries of each kind were taken over."""

    exchange_rates: int
    tax_rates: int
    private_offers: int


class ExchangeRateOnWire(Reply, kw_only=True):
    """What one unit of a currency was worth in US dollars in a month, written ``YYYYMM``."""

    currency: str
    month: str
    usd_per_unit: Decimal


class TaxRateOnWire(Reply, kw_only=True):
    """The tax of a country from a day on, as a fraction."""

    country: str
    valid_from: str
    rate: Decimal
    name: str


class Rates(Reply, kw_only=True):
    """What is in force: of each currency the last known months, of each country every rate."""

    exchange_rates: Sequence[ExchangeRateOnWire]
    tax_rates: Sequence[TaxRateOnWire]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="rates.import",
        method="POST",
        path="/operator/v1/rates/import",
        summary="Take over files of exchange rates, tax rates and private offers: all of them, or nothing.",
        request=CatalogFilesBody,
        reply=RatesImport,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/800002", "400/3000"),
    ),
    Operation(
        id="rates.list",
        method="GET",
        path="/operator/v1/rates",
        summary="The newest exchange rates and tax rates.",
        reply=Rates,
        audience=Audience.OPERATOR,
    ),
)
