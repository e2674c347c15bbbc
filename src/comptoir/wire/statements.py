"""Documents as PDF (``30-invoices-billing`` section 1.6)."""

from comptoir.wire.operation import Mode, Operation

PDF = "application/pdf"
_ERRORS = ("403/2032", "404/1000")

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="invoices.statement",
        method="GET",
        path="/v1/invoices/{invoice_id}/documents/statement",
        summary="Get an invoice as PDF.",
        reply=bytes,
        mode=Mode.STEPS,
        errors=_ERRORS,
        user_only=True,
        family="invoices",
        media_type=PDF,
    ),
    Operation(
        id="invoices.receipt",
        method="GET",
        path="/v1/invoices/{invoice_id}/receipts/{receipt_id}/documents/statement",
        summary="Get a tax receipt as PDF. No jurisdiction of ours issues any: none is found.",
        reply=bytes,
        errors=_ERRORS,
        user_only=True,
        family="invoices",
        media_type=PDF,
    ),
)
