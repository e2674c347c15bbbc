"""Customers on both engines: every column, every list, every race."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from tests.customers_factory import CUSTOMER_ID, NOW, billing, context, customer, draft

from comptoir.audit import service as audit
from comptoir.audit.model import Recorded
from comptoir.core.accounts import AccountKind, AccountSettings
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import Ids
from comptoir.customers import (
    agreements,
    paging,
    rules,
    service,
    service_agreements,
    service_resellers,
    store,
)
from comptoir.customers.model import (
    AgreementDraft,
    AgreementType,
    Contact,
    Customer,
    Qualification,
    Relationship,
    Reseller,
    Vetting,
    VettingStatus,
)
from comptoir.customers.paging import FilterField, SeekOperation
from comptoir.db import Database, Tx
from comptoir.identity import service as identity
from comptoir.identity.model import AccountDraft, Address, Organization

pytestmark = pytest.mark.anyio

OTHER_ID = "11111111-2222-4333-8444-555555555555"
RESELLER = Reseller(
    "22222222-3333-4444-8555-666666666666",
    "Kiosque du Port",
    "4400",
    "Active",
    "FR",
    has_signed_agreement=True,
)
TEMPLATE = agreements.template_of(AgreementType.MICROSOFT_CUSTOMER_AGREEMENT)
CONTACT = Contact("Aimée", "Lenoir", "aimee@rive-gauche.example")
AGREEMENT = AgreementDraft(CONTACT, TEMPLATE.id, TEMPLATE.type.value, NOW)
ORGANIZATION = Organization("a@b.example", "fr", "fr-FR", Address("1 rue", "Lyon", "69002", "FR"))


async def make_context(database: Database, *, name: str = "partner", **settings: Any) -> Context:
    """A context for an account that exists."""

    async def work(tx: Tx) -> str:
        account_draft = AccountDraft(
            name=name,
            kind=AccountKind.PRODUCTION,
            domain=f"{name}.example",
            company_name=name,
            country="FR",
            currency="EUR",
            mpn_id="1000001",
            organization=ORGANIZATION,
            is_indirect_provider=True,
        )
        return (await identity.create_account(tx, account_draft, ids=Ids(), wall=NOW)).id

    account_id = await database.write(work)
    return replace(context(AccountSettings(**settings), account_id), ids=Ids())


async def create(
    database: Database, ctx: Context, domain: str, name: str = "Rive Gauche", **more: Any
) -> Customer:
    wanted = draft(domain=domain, billing=billing(company_name=name), **more)
    return await database.write(lambda tx: service.create(tx, ctx, wanted))


async def journal(database: Database, ctx: Context) -> list[Recorded]:
    return await database.read(lambda tx: audit.read(tx, ctx.account.id, 0, 1_000))


async def refused(work: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await work
    return caught.value


async def test_every_member_of_a_customer_is_kept(database: Database) -> None:
    stored = customer(
        "RU",
        registration_number="7701234567",
        associated_partner_id=OTHER_ID,
        qualification=Qualification.EDUCATION,
        spending_budget=Decimal("100.250"),
        vettings=(
            Vetting(
                Qualification.EDUCATION,
                VettingStatus.APPROVED,
                NOW,
                "fine",
                "higher",
                "c",
                "https://u.example",
            ),
        ),
    )
    assert await database.write(lambda tx: store.insert(tx, stored))
    assert await database.read(lambda tx: store.get(tx, CUSTOMER_ID)) == stored
    changed = replace(
        stored,
        billing=replace(stored.billing, company_name="Иное", email="other@b.example", first_name=""),
        billing_version=2,
        relationship=Relationship.NONE,
        qualification=Qualification.NONE,
        spending_budget=None,
        vettings=(),
    )
    await database.write(lambda tx: store.update(tx, changed))
    assert await database.read(lambda tx: store.get(tx, CUSTOMER_ID)) == changed


async def test_creating_a_customer_is_journalled(database: Database) -> None:
    ctx = await make_context(database)
    made = await create(database, ctx, "rive-gauche.example")
    [entry] = await journal(database, ctx)
    assert (entry.entry.action, entry.entry.subject_id) == ("add_customer", made.id)
    assert entry.entry.before is None


async def test_require_tells_malformed_unknown_deleted_foreign_and_given_up_apart(database: Database) -> None:
    ctx = await make_context(database, allow_customer_delete=True)
    other = await make_context(database, name="other")
    mine = await create(database, ctx, "mine.example")
    theirs = await create(database, other, "theirs.example")
    left = await create(database, ctx, "left.example")
    gone = await create(database, ctx, "gone.example")
    await database.write(lambda tx: service.remove_relationship(tx, ctx, left, has_open_subscriptions=False))
    await database.write(lambda tx: service.delete(tx, ctx, gone))

    assert await database.read(lambda tx: service.require(tx, ctx, mine.id.upper())) == mine
    assert await database.write(lambda tx: service.require(tx, ctx, mine.id, hold=True)) == mine
    codes = {
        "not-a-guid": Code.CUSTOMER_ID_INVALID,
        OTHER_ID: Code.CUSTOMER_NOT_FOUND,
        gone.id: Code.CUSTOMER_NOT_FOUND,
        theirs.id: Code.CUSTOMER_FOREIGN,
        left.id: Code.CUSTOMER_FOREIGN,
    }
    for customer_id, code in codes.items():
        refusal = await refused(database.read(partial(service.require, ctx=ctx, customer_id=customer_id)))
        assert refusal.code is code


async def test_a_domain_is_taken_over_all_accounts_until_its_customer_is_deleted(database: Database) -> None:
    ctx = await make_context(database, allow_customer_delete=True)
    other = await make_context(database, name="other")
    first = await create(database, ctx, "Rive-Gauche.example")
    assert await database.read(lambda tx: service.is_domain_taken(tx, "RIVE-GAUCHE.example"))
    refusal = await refused(create(database, other, "rive-gauche.EXAMPLE"))
    assert (refusal.code, len(await journal(database, other))) == (Code.DOMAIN_TAKEN, 0)
    await database.write(lambda tx: service.delete(tx, ctx, first))
    assert not await database.read(lambda tx: service.is_domain_taken(tx, "rive-gauche.example"))
    assert (await create(database, other, "rive-gauche.example")).id != first.id


async def test_an_accounts_own_domain_is_taken(database: Database) -> None:
    ctx = await make_context(database)
    assert await database.read(lambda tx: service.is_domain_taken(tx, "partner.example"))
    assert not await database.read(lambda tx: service.is_domain_taken(tx, ctx.account.id))
    assert (await refused(create(database, ctx, "partner.example"))).code is Code.DOMAIN_TAKEN


async def test_simultaneous_creations_share_one_domain_and_one_limit(database: Database) -> None:
    ctx = await make_context(database, limit_customers=3)
    same = await asyncio.gather(
        *(create(database, ctx, "same.example") for _ in range(4)), return_exceptions=True
    )
    assert [type(outcome) for outcome in same].count(Customer) == 1
    others = await asyncio.gather(
        *(create(database, ctx, f"other-{index}.example") for index in range(6)), return_exceptions=True
    )
    assert [type(outcome) for outcome in others].count(Customer) == 2
    assert {outcome.code for outcome in others if isinstance(outcome, Refusal)} == {Code.CUSTOMER_LIMIT}
    assert len(await journal(database, ctx)) == 3


async def test_a_deleted_customer_makes_room_under_the_limit(database: Database) -> None:
    ctx = await make_context(database, limit_customers=1, allow_customer_delete=True)
    first = await create(database, ctx, "first.example")
    assert (await refused(create(database, ctx, "second.example"))).code is Code.CUSTOMER_LIMIT
    await database.write(lambda tx: service.delete(tx, ctx, first))
    await create(database, ctx, "second.example")


NAMES = [
    "Zèbre",
    "acme",
    "ACME",
    "Éclair",
    "Ömega",
    "acme",
    "青葉",
    "Bleu",
    "bleu",
    "ecole",
    "😀 Smile",
    "Ａｃｍｅ",
]


async def fill(database: Database, ctx: Context) -> list[tuple[str, str]]:
    """Customers with awkward names; their positions in order."""
    made = [await create(database, ctx, f"d{index}.example", name) for index, name in enumerate(NAMES)]
    return sorted((paging.name_key(one.company_name), one.id) for one in made)


async def walk(
    database: Database, ctx: Context, seek: paging.Seek, operation: SeekOperation = SeekOperation.NEXT
) -> list[list[tuple[str, str]]]:
    """The positions on each page from ``seek`` on."""
    pages = []
    for _ in range(len(NAMES) + 1):
        page = await database.read(partial(service.list_page, ctx=ctx, seek=seek))
        pages.append([(item.name_key, item.id) for item in page.items])
        has_more = page.has_next if operation is SeekOperation.NEXT else page.has_previous
        if not has_more:
            return pages
        seek = service.resume(ctx, operation, service.continuation_token(ctx, page))
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("size", [1, 3, 12, 500, 0])
async def test_pages_hold_every_customer_once_in_the_order_of_bytes(database: Database, size: int) -> None:
    ctx = await make_context(database)
    await create(database, await make_context(database, name="other"), "foreign.example", "Aaa")
    expected = await fill(database, ctx)
    pages = await walk(database, ctx, paging.plan(size, None))
    assert [position for page in pages for position in page] == expected
    assert all(len(page) == size for page in pages[:-1])


async def test_backward_from_the_last_page_to_the_first(database: Database) -> None:
    ctx = await make_context(database)
    expected = await fill(database, ctx)
    last = await database.read(lambda tx: service.list_page(tx, ctx, paging.plan(500, None)))
    end = replace(paging.plan(5, None), position=paging.Position(last.items[-1].name_key, last.items[-1].id))
    pages = await walk(database, ctx, replace(end, is_backward=True), SeekOperation.PREVIOUS)
    assert [position for page in pages[::-1] for position in page] == expected[:-1]


async def test_customers_that_come_and_go_disturb_no_page(database: Database) -> None:
    ctx = await make_context(database, allow_customer_delete=True)
    expected = await fill(database, ctx)
    first = await database.read(lambda tx: service.list_page(tx, ctx, paging.plan(4, None)))
    shown = [(item.name_key, item.id) for item in first.items]
    await create(database, ctx, "early.example", "Aaaa")
    vanished = await database.read(lambda tx: service.require(tx, ctx, first.items[-1].id))
    await database.write(lambda tx: service.delete(tx, ctx, vanished))
    late = await create(database, ctx, "late.example", "zzzz")
    token = service.continuation_token(ctx, first)
    for page in await walk(database, ctx, service.resume(ctx, SeekOperation.NEXT, token)):
        shown += page
    assert shown == sorted([*expected, ("zzzz", late.id)])


@pytest.mark.parametrize("is_backward", [False, True])
@pytest.mark.parametrize(
    ("field", "value", "domains"),
    [
        (FilterField.COMPANY_NAME, "ACM", {"d1.example", "d2.example", "d5.example"}),
        (FilterField.COMPANY_NAME, "éc", {"d3.example"}),
        (FilterField.COMPANY_NAME, "%", set()),
        (FilterField.DOMAIN, "D1", {"d1.example", "d10.example", "d11.example"}),
        (FilterField.INDIRECT_RESELLER, RESELLER.id.upper(), {"through.example"}),
        (FilterField.INDIRECT_RESELLER, RESELLER.id[:6], {"through.example"}),
        (FilterField.INDIRECT_RESELLER, OTHER_ID, set()),
        (FilterField.INDIRECT_CLOUD_SOLUTION_PROVIDER, OTHER_ID, set()),
        (FilterField.INDIRECT_CLOUD_SOLUTION_PROVIDER, "", {"through.example"}),
    ],
)
async def test_filters_in_both_directions(
    database: Database, field: FilterField, value: str, domains: set[str], is_backward: bool
) -> None:
    ctx = await make_context(database)
    await fill(database, ctx)
    await database.write(lambda tx: service_resellers.add(tx, ctx, RESELLER))
    await create(database, ctx, "through.example", "Through", associated_partner_id=RESELLER.id)
    start = paging.Position("\U0010ffff", "") if is_backward else paging.BEGINNING
    seek = paging.Seek(0, paging.begins_with(field, value), start, is_backward)
    page = await database.read(lambda tx: service.list_page(tx, ctx, seek))
    assert {item.domain for item in page.items} == domains


async def test_a_customer_of_the_provider_is_found_by_the_accounts_id(database: Database) -> None:
    ctx = await make_context(database)
    await database.write(lambda tx: service_resellers.add(tx, ctx, RESELLER))
    await create(database, ctx, "direct.example")
    await create(database, ctx, "through.example", associated_partner_id=RESELLER.id)
    wanted = paging.begins_with(FilterField.INDIRECT_CLOUD_SOLUTION_PROVIDER, ctx.account.id)
    page = await database.read(lambda tx: service.list_page(tx, ctx, paging.plan(0, wanted)))
    assert [item.domain for item in page.items] == ["through.example"]
    assert page.items[0].associated_partner_id == RESELLER.id


async def test_a_list_without_a_size_is_bounded(database: Database) -> None:
    ctx = await make_context(database)
    count = paging.UNPAGED_SIZE_MAX + 1

    async def fill_up(tx: Tx) -> None:
        for index in range(count):
            one = customer(id=ctx.ids.guid(), domain=f"d{index}.example", account_id=ctx.account.id)
            assert await store.insert(tx, one)

    await database.write(fill_up)
    first = await database.read(lambda tx: service.list_page(tx, ctx, paging.plan(0, None)))
    rest = service.resume(ctx, SeekOperation.NEXT, service.continuation_token(ctx, first))
    second = await database.read(lambda tx: service.list_page(tx, ctx, rest))
    assert [len(page.items) for page in (first, second)] == [paging.UNPAGED_SIZE_MAX, 1]
    assert len({item.id for page in (first, second) for item in page.items}) == count


async def test_simultaneous_changes_of_a_profile_let_one_etag_win(database: Database) -> None:
    ctx = await make_context(database)
    made = await create(database, ctx, "race.example")
    etag = rules.billing_etag(made)

    async def change(name: str) -> Customer:
        wanted = billing(company_name=name)
        return await database.write(
            lambda tx: service.update_billing_profile(tx, ctx, made.id, wanted, (etag,))
        )

    outcomes = await asyncio.gather(*(change(f"Name {index}") for index in range(5)), return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Customer)]
    assert len(winners) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refusal)} == {Code.STALE_ETAG}
    assert await database.read(lambda tx: service.require(tx, ctx, made.id)) == winners[0]
    assert [entry.entry.action for entry in await journal(database, ctx)] == [
        "add_customer",
        "update_customer_billing_profile",
    ]


async def test_a_renamed_customer_moves_in_the_list(database: Database) -> None:
    ctx = await make_context(database)
    made = await create(database, ctx, "moved.example", "Alpha")
    await create(database, ctx, "stays.example", "Beta")
    wanted, etag = billing(company_name="Gamma"), rules.billing_etag(made)
    await database.write(lambda tx: service.update_billing_profile(tx, ctx, made.id, wanted, (etag,)))
    page = await database.read(lambda tx: service.list_page(tx, ctx, paging.plan(0, None)))
    assert [item.company_name for item in page.items] == ["Beta", "Gamma"]


async def test_a_change_that_changes_nothing_leaves_no_trace(database: Database) -> None:
    ctx = await make_context(database)
    made = await create(database, ctx, "same.example")
    await database.write(lambda tx: service.set_budget(tx, ctx, made.id, Decimal(0)))
    assert len(await journal(database, ctx)) == 1


async def test_the_agreement_and_who_has_it(database: Database) -> None:
    ctx = await make_context(database)
    other = await make_context(database, name="other")
    made = await create(database, ctx, "agreed.example")
    cloud = agreements.template_of(AgreementType.MICROSOFT_CLOUD_AGREEMENT)
    cloud_draft = AgreementDraft(CONTACT, cloud.id, cloud.type.value, NOW)

    await database.write(lambda tx: service_agreements.confirm(tx, ctx, made.id, cloud_draft))
    assert not await database.read(lambda tx: service.has_agreement(tx, ctx, made.id))
    confirmed = await database.write(lambda tx: service_agreements.confirm(tx, ctx, made.id, AGREEMENT))
    assert await database.read(lambda tx: service.has_agreement(tx, ctx, made.id))
    assert not await database.read(lambda tx: service.has_agreement(tx, other, made.id))
    listed = await database.read(
        lambda tx: service_agreements.list_for_customer(
            tx, ctx, made.id, AgreementType.MICROSOFT_CUSTOMER_AGREEMENT
        )
    )
    assert listed == [confirmed]
    every = await database.read(lambda tx: service_agreements.list_for_customer(tx, ctx, made.id, None))
    assert {agreement.type for agreement in every} == set(AgreementType)
    assert [entry.entry.action for entry in await journal(database, ctx)][1:] == ["create_agreement"] * 2


async def test_simultaneous_confirmations_by_one_contact_count_once(database: Database) -> None:
    ctx = await make_context(database)
    made = await create(database, ctx, "agreed.example")
    outcomes = await asyncio.gather(
        *(
            database.write(lambda tx: service_agreements.confirm(tx, ctx, made.id, AGREEMENT))
            for _ in range(4)
        ),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "Agreement",
        "Refusal",
        "Refusal",
        "Refusal",
    ]


async def test_a_direct_signature_counts_but_is_not_listed(database: Database) -> None:
    ctx = await make_context(database)
    made = await create(database, ctx, "direct.example")
    assert not await database.read(lambda tx: service_agreements.is_signed_directly(tx, ctx, made.id))
    for _ in range(2):
        await database.write(lambda tx: service_agreements.sign_directly(tx, ctx, made.id))
    assert await database.read(lambda tx: service_agreements.is_signed_directly(tx, ctx, made.id))
    assert await database.read(lambda tx: service.has_agreement(tx, ctx, made.id))
    assert await database.read(lambda tx: service_agreements.list_for_customer(tx, ctx, made.id, None)) == []
    assert [entry.entry.action for entry in await journal(database, ctx)] == [
        "add_customer",
        "create_agreement",
    ]


async def test_resellers_by_id_by_mpn_and_in_the_list(database: Database) -> None:
    ctx = await make_context(database)
    other = await make_context(database, name="other")
    unsigned = Reseller(OTHER_ID, "Échoppe", "4500", "Active", "FR", has_signed_agreement=False)
    for reseller in (RESELLER, unsigned):
        await database.write(partial(service_resellers.add, ctx=ctx, reseller=reseller))
    made = await create(database, ctx, "through.example", associated_partner_id=RESELLER.id)

    async def signed(context: Context = ctx, **facts: str | None) -> bool:
        named: dict[str, str | None] = {"mpn_id": None, "tenant_id": None, **facts}
        return await database.read(lambda tx: service_resellers.has_signed_agreement(tx, context, **named))

    assert await database.read(lambda tx: service.reseller_by_mpn(tx, ctx, "4400")) == RESELLER
    assert await database.read(lambda tx: service.reseller_by_mpn(tx, other, "4400")) is None
    assert await database.read(lambda tx: service.reseller_by_mpn(tx, ctx, "44\x0000")) is None
    assert await database.read(lambda tx: service_resellers.of_customer(tx, ctx, made)) == RESELLER
    assert await database.read(lambda tx: service_resellers.list_for_account(tx, ctx)) == [RESELLER, unsigned]
    assert await signed(mpn_id="4400")
    assert await signed(tenant_id=RESELLER.id.upper())
    assert await signed(mpn_id=ctx.account.mpn_id)
    assert await signed(tenant_id=ctx.account.id)
    assert not await signed(mpn_id="4500")
    assert not await signed(mpn_id="9999")
    assert not await signed(tenant_id="\x00")
    assert not await signed(other, mpn_id="4400")


async def test_an_unsigned_reseller_gets_no_customer(database: Database) -> None:
    ctx = await make_context(database)
    unsigned = replace(RESELLER, has_signed_agreement=False)
    await database.write(lambda tx: service_resellers.add(tx, ctx, unsigned))
    refusal = await refused(create(database, ctx, "x.example", associated_partner_id=RESELLER.id))
    assert refusal.code is Code.RESELLER_AGREEMENT_MISSING
    page = await database.read(lambda tx: service.list_page(tx, ctx, paging.plan(0, None)))
    assert page.items == ()


async def test_the_operators_list_shows_who_has_agreed(database: Database) -> None:
    ctx = await make_context(database)
    agreed = await create(database, ctx, "agreed.example", "Beta")
    await create(database, ctx, "not-agreed.example", "Alpha")
    await database.write(lambda tx: service_agreements.confirm(tx, ctx, agreed.id, AGREEMENT))
    listed = await database.read(lambda tx: service.list_for_cli(tx, ctx.account.id))
    assert [(one.company_name, one.has_agreement) for one in listed] == [("Alpha", False), ("Beta", True)]
    assert (listed[1].id, listed[1].domain, listed[1].country) == (agreed.id, "agreed.example", "FR")


async def test_a_document_token_is_new_each_time_and_lives_five_minutes() -> None:
    ctx = context()
    made = [service_agreements.document_token(ctx, TEMPLATE.id, "fr-FR", "FR") for _ in range(2)]
    assert made[0] != made[1]
    payload = ctx.unsign(service_agreements.AGREEMENT, made[0])
    assert payload is not None
    assert agreements.DocumentTicket.decode(payload).expires_at == NOW + timedelta(minutes=5)


async def test_an_application_is_stored_in_review(database: Database) -> None:
    ctx = await make_context(database)
    made = await create(database, ctx, "vetted.example")
    wanted = Vetting(
        Qualification.NONPROFIT, VettingStatus.APPROVED, NOW - timedelta(days=9), website="https://n.example"
    )
    kept = await database.write(lambda tx: service.apply_for_qualification(tx, ctx, made.id, wanted))
    assert (kept.status, kept.created_at) == (VettingStatus.IN_REVIEW, NOW)
    stored = await database.read(lambda tx: service.require(tx, ctx, made.id))
    assert (stored.vettings, stored.qualification) == ((kept,), Qualification.NONE)
