"""``comptoir reconcile``."""

from pathlib import Path

from comptoir.cli.common import FOUND_FAULTS, run, settings_of


def reconcile(
    file: Path,
    *,
    account: str,
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Compare a reconciliation file with the books: the documents that it names, and what is not billed yet.

    Prints what stands in one of them alone and what differs, each with its likely cause. The exit status is
    1 if there is anything.

    Parameters
    ----------
    file
        CSV with the columns of Microsoft's reconciliation files, or JSON lines of an export; either may be
        in gzip.
    account
        Name of the account.
    json
        Print one JSON object instead of lines.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    import msgspec

    from comptoir.billing.reconciling import Difference, Kind
    from comptoir.bootstrap.reconciling import reconcile as compare

    found = run(compare(settings_of(config, database=database), account, file))

    def shown(difference: Difference) -> str:
        row = difference.row
        what = f"{row.charge_type} of {row.subscription_id} from {row.charge_start}"
        said = f"{row.place}: {what}"
        if difference.kind is Kind.DIFFERENT:
            said += f": {difference.member} is {difference.in_file}, in the books {difference.in_books}"
        else:
            amount = "" if row.subtotal is None else f" ({row.subtotal} {row.currency})"
            said += f"{amount}: {difference.kind}"
        return f"{said}: {difference.cause}"

    if json:
        print(msgspec.json.encode(found).decode())
    else:
        for difference in found.differences:
            print(shown(difference))
        print(
            f"{found.matched} rows stand in both, {found.equal} of them alike; "
            f"{len(found.differences)} differences."
        )
    if found.differences:
        raise SystemExit(FOUND_FAULTS)
