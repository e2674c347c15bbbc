"""Proving the books: journal, lines, documents, usage, payments and postings of every account.

The journal is hashed entry by entry, and says of each batch of lines what was written. So a line that was
changed later is found even where it was changed together with everything that depends on it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from comptoir.audit import service as audit
from comptoir.audit.model import Action, Recorded
from comptoir.billing import (
    invoices,
    keys,
    postings,
    store_invoices,
    store_verifying,
    verifying,
)
from comptoir.billing.invoice_model import Invoice
from comptoir.billing.verifying import Batch, CheckedDay, Held, Offender, Proof
from comptoir.core.accounts import Account
from comptoir.db import Tx
from comptoir.identity import service as identity

ACCOUNTS_AT_ONCE = 100
INSTALLATION = "all"

Found = tuple[str, str, str]
"""Kind and id of what does not hold, and why."""


class _BatchFacts(msgspec.Struct):
    """What the journal keeps of a batch of lines."""

    count: int
    first_sequence: int = msgspec.field(name="firstSequence")
    last_sequence: int = msgspec.field(name="lastSequence")
    digest: str


_FACTS = msgspec.json.Decoder(_BatchFacts)


async def verify(tx: Tx, account_name: str | None = None) -> Proof | Offender:
    """Prove the books of every account, or of one: how much was looked at, or the first thing that does not
    hold. Raises ``NAME_UNKNOWN``.
    """
    proof = Proof()
    async for account in _accounts(tx, account_name):
        found = await verify_account(tx, account)
        if isinstance(found, Offender):
            return found
        proof += found
    if account_name is None:
        fault = await _number_fault(tx)
        if fault is not None:
            return Offender(INSTALLATION, *fault)
    return proof


async def verify_account(tx: Tx, account: Account) -> Proof | Offender:
    """Prove the books of an account."""
    broken = await audit.verify_chain(tx, account.id)
    if broken is not None:
        return Offender(account.name, "journal entry", str(broken.sequence), broken.reason)
    documents = {each.id: each for each in await store_invoices.list_all(tx, account.id)}
    inquiry = _Inquiry(tx, account.id, documents)
    fault = await inquiry.run()
    if fault is not None:
        return Offender(account.name, *fault)
    return inquiry.proof


async def _accounts(tx: Tx, name: str | None) -> AsyncIterator[Account]:
    if name is not None:
        yield (await identity.require_account(tx, name)).account
        return
    after = ""
    while page := await identity.list_accounts(tx, after=after, most=ACCOUNTS_AT_ONCE):
        for record in page:
            yield record.account
        after = page[-1].account.name


async def _number_fault(tx: Tx) -> Found | None:
    for series in invoices.SERIES.values():
        expected = 0
        async for number in store_verifying.stream_numbers(tx, series):
            expected += 1
            if number != expected:
                return "document", f"{series}{expected:09}", "its number is missing"
        last = await store_invoices.last_number(tx, series)
        if last != expected:
            return (
                "document",
                f"{series}{last:09}",
                f"{last} numbers were drawn, {expected} documents have one",
            )
    return None


@dataclass(slots=True)
class _Inquiry:
    """One account's books. ``held`` is what the lines of each document come to."""

    tx: Tx
    account_id: str
    documents: Mapping[str, Invoice]
    held: dict[str, Held] = field(default_factory=dict)
    proof: Proof = field(default_factory=lambda: Proof(accounts=1))

    async def run(self) -> Found | None:
        return (
            await self._lines()
            or self._documents()
            or await self._usage()
            or await self._postings()
            or await self._counts()
        )

    async def _lines(self) -> Found | None:
        """Batch by batch, as the journal says that they were written."""
        notes = frozenset(each.id for each in self.documents.values() if each.amends_id is not None)
        last_sequence = 0
        async for batch in self._batches():
            if batch.first_sequence <= last_sequence:
                return "lines", f"{batch.first_sequence}", "they were written twice"
            last_sequence = batch.last_sequence
            fault = await self._batch(batch, notes)
            if fault is not None:
                return fault
        return None

    async def _batches(self) -> AsyncIterator[Batch]:
        after = 0
        while entries := await audit.read(self.tx, self.account_id, after, audit.READ_MAX):
            after = entries[-1].sequence
            self.proof = replace(self.proof, journal_entries=after)
            for recorded in entries:
                if recorded.entry.action == Action.WRITE_LINES:
                    yield _batch(recorded)

    async def _batch(self, batch: Batch, notes: frozenset[str]) -> Found | None:
        checked = await store_verifying.list_lines(
            self.tx, self.account_id, batch.first_sequence, batch.last_sequence
        )
        for each in checked:
            document = self.documents.get(each.line.invoice_id or "")
            reason = verifying.line_fault(each, document)
            if reason is not None:
                return "line", each.line.id, reason
            if document is not None:
                self.held.setdefault(document.id, Held()).add(each.line)
        lines = [each.line for each in checked]
        fault = verifying.events_fault(lines, notes)
        if fault is not None:
            return "line", *fault
        self.proof = replace(self.proof, lines=self.proof.lines + len(lines))
        if len(lines) != batch.count or keys.digest(lines) != batch.digest:
            which = f"{batch.first_sequence} to {batch.last_sequence}"
            return "lines", which, "their content is not what was recorded"
        return None

    def _documents(self) -> Found | None:
        for document in self.documents.values():
            reason = verifying.document_fault(
                document, self.held.get(document.id, Held())
            ) or verifying.family_fault(document, self.documents)
            if reason is not None:
                return "document", document.id, reason
        self.proof = replace(self.proof, documents=len(self.documents))
        return None

    async def _usage(self) -> Found | None:
        """Day by day, and the days of each subscription together, against the lines that sum them up."""
        counts: dict[str, tuple[int, int]] = {}
        days: list[CheckedDay] = []
        async for day in store_verifying.stream_days(self.tx, self.account_id):
            reason = verifying.day_fault(day, self.documents)
            if reason is not None:
                return "consumption line", day.id, reason
            if days and _place(day) != _place(days[-1]):
                fault = self._units(days, counts)
                if fault is not None:
                    return fault
                days = []
            days.append(day)
            self.proof = replace(self.proof, consumption_lines=self.proof.consumption_lines + 1)
        return self._units(days, counts) or self._usage_counts(counts)

    @staticmethod
    def _units(days: Sequence[CheckedDay], counts: dict[str, tuple[int, int]]) -> Found | None:
        """The days of one subscription; how many days and lines each document has is added to ``counts``."""
        fault = verifying.units_fault(days)
        if fault is not None:
            return "line", *fault
        if days and days[0].invoice_id is not None:
            day_count, line_count = counts.get(days[0].invoice_id, (0, 0))
            line_ids = {day.line_id for day in days}
            counts[days[0].invoice_id] = (day_count + len(days), line_count + len(line_ids))
        return None

    def _usage_counts(self, counts: Mapping[str, tuple[int, int]]) -> Found | None:
        for document in self.documents.values():
            fault = verifying.usage_fault(
                document, self.held.get(document.id, Held()), *counts.get(document.id, (0, 0))
            )
            if fault is not None:
                return "document", document.id, fault
        return None

    async def _postings(self) -> Found | None:
        found = await store_verifying.list_postings(self.tx, self.account_id)
        payments = await store_invoices.list_payments(self.tx, self.account_id)
        for payment in payments:
            reason = verifying.payment_fault(payment, self.documents)
            if reason is not None:
                return "payment", payment.id, reason
        voided = {each.source_id: each for each in found.values() if each.source_kind == postings.VOID}
        expected = verifying.expected_postings(self.documents.values(), payments, self.held, voided)
        fault = verifying.postings_fault(found, expected)
        if fault is not None:
            return "postings", *fault
        self.proof = replace(self.proof, payments=len(payments), postings=len(expected) + self.proof.lines)
        return None

    async def _counts(self) -> Found | None:
        """Nothing is there besides what was looked at."""
        counts = await store_verifying.count(self.tx, self.account_id)
        head = await store_invoices.line_sequence(self.tx, self.account_id)
        proof = self.proof
        for kind, stored, proven in (
            ("lines", counts.lines, proof.lines),
            ("consumption lines", counts.consumption_lines, proof.consumption_lines),
            ("postings", counts.postings, proof.postings),
            ("lines of both kinds", counts.lines + counts.consumption_lines, head),
        ):
            if stored != proven:
                return kind, "all", f"there are {stored} and {proven} are accounted for"
        return None


def _batch(recorded: Recorded) -> Batch:
    facts = _FACTS.decode(recorded.entry.after or "{}")
    return Batch(facts.first_sequence, facts.last_sequence, facts.count, facts.digest)


def _place(day: CheckedDay) -> tuple[str | None, int, str]:
    return day.invoice_id, day.bill_month, day.subscription_id
