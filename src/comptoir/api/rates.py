"""Exchange rates, tax rates and private offers, for the operator."""

from collections.abc import Mapping
from dataclasses import asdict

from comptoir.api.call import Call, Handler
from comptoir.api.reading import files_from_wire
from comptoir.billing import service_reference, service_reference_import
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.wire import rates as wire


async def import_(tx: Tx, ctx: Context, call: Call) -> wire.RatesImport:
    """All of the files, or nothing."""
    summary = await service_reference_import.import_files(tx, ctx, files_from_wire(call.body))
    return wire.RatesImport(**asdict(summary))


async def list_(tx: Tx, _ctx: Context, _call: Call) -> wire.Rates:
    exchange_rates, tax_rates = await service_reference.newest(tx)
    return wire.Rates(
        exchange_rates=[
            wire.ExchangeRateOnWire(
                currency=rate.currency, month=str(rate.month), usd_per_unit=rate.usd_per_unit
            )
            for rate in exchange_rates
        ],
        tax_rates=[
            wire.TaxRateOnWire(
                country=rate.country,
                valid_from=rate.valid_from.date().isoformat(),
                rate=rate.rate,
                name=rate.name,
            )
            for rate in tax_rates
        ],
    )


HANDLERS: Mapping[str, Handler] = {"rates.import": import_, "rates.list": list_}
