"""``comptoir export``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from comptoir.cli.common import fail, print_table, run, settings_of


def export(
    dataset: Literal["lines", "consumption", "postings"],
    *,
    account: str,
    output: Path,
    format: Literal["csv", "jsonl", "parquet"] = "csv",  # noqa: A002 - the flag's name
    invoice: str | None = None,
    unbilled: Annotated[bool, Parameter(negative="")] = False,
    currency: str | None = None,
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Write an account's lines, daily consumption or postings into a folder, beside a running server.

    CSV has the columns of Microsoft's reconciliation files, the other formats the names of the API. A file
    manifest.json lists rows, totals and digests.

    Parameters
    ----------
    dataset
        lines, consumption or postings.
    account
        Name of the account.
    output
        Folder, which is made if there is none.
    format
        csv, jsonl (JSON lines in gzip) or parquet (needs the extra comptoir[export]).
    invoice
        Number of the document whose lines are meant.
    unbilled
        What is not billed yet.
    currency
        ISO 4217 code of unbilled lines. Left out: the account's own currency.
    json
        Print the manifest as JSON instead of a table.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    import msgspec

    from comptoir.bootstrap.exporting import Dataset, Format, Wanted, export_books

    if dataset == "postings":
        if invoice or unbilled or currency:
            fail("postings are exported whole: give neither --invoice nor --unbilled nor --currency")
    elif (invoice is not None) == unbilled:
        fail("give either --invoice or --unbilled")
    elif invoice is not None and currency:
        fail("--currency belongs to --unbilled: a document has a currency of its own")
    wanted = Wanted(
        dataset=Dataset(dataset),
        account=account,
        format=Format(format),
        folder=output,
        invoice_id=(invoice or "").strip(),
        currency=(currency or "").strip().upper(),
    )
    made = run(export_books(settings_of(config, database=database), wanted))
    if json:
        print(msgspec.json.encode(made).decode())
        return
    print_table(
        ("File", "Rows", "Bytes"),
        [(str(output / file.name), str(file.rows), str(file.size)) for file in made.files],
    )
    if made.totals:
        print_table(
            ("Currency", *next(iter(made.totals.values()))),
            [(code, *amounts.values()) for code, amounts in made.totals.items()],
        )
