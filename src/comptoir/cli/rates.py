"""``comptoir rates``."""

from pathlib import Path

from cyclopts import App

from comptoir.cli.common import fail, print_table, run, settings_of

app = App(name="rates", help="Import exchange rates, tax rates and private offers, and list what is known.")


@app.command(name="import")
def import_(*files: Path, database: str | None = None, config: Path | None = None) -> None:
    """Take CSV files over, all of them or nothing; their first line says what they hold.

    CurrencyCode,USDPerUnit,Month are exchange rates, CountryCode,TaxRate,ValidFrom,TaxName tax rates, and
    Account,Publisher,Offer,Plan,ValidFrom,ValidUntil,Margin,Price private offers. What was known for the same
    key is replaced; lines that are written already stay as they are.

    Parameters
    ----------
    files
        CSV files.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import import_rates

    if not files:
        fail("name at least one file")
    taken = run(
        import_rates(settings_of(config, database=database), [(str(file), _read(file)) for file in files])
    )
    print(
        f"Taken over: {taken.exchange_rates} exchange rates, {taken.tax_rates} tax rates, "
        f"{taken.private_offers} private offers."
    )


@app.command(name="list")
def list_(*, database: str | None = None, config: Path | None = None, json: bool = False) -> None:
    """The newest exchange rates of each month, and the tax rates of each country.

    Parameters
    ----------
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    json
        Print one JSON object instead of tables.
    """
    import msgspec

    from comptoir.bootstrap.commands import list_rates

    known = run(list_rates(settings_of(config, database=database)))
    if json:
        print(msgspec.json.encode(known).decode())
        return
    print_table(
        ("currency", "month", "USD per unit"),
        [(rate.currency, rate.month, str(rate.usd_per_unit)) for rate in known.exchange_rates],
    )
    print_table(
        ("country", "valid from", "rate", "name"),
        [(rate.country, rate.valid_from, str(rate.rate), rate.name) for rate in known.tax_rates],
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}")
