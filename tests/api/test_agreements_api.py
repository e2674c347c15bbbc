"""Customer agreements over HTTP, on both engines."""

from copy import deepcopy
from functools import partial
from typing import Any

import pytest
from tests.contract.check import check_reply
from tests.market import ADMIN, BASE_URL, Market

from comptoir.audit import service as audit
from comptoir.customers import service, service_agreements
from comptoir.db import Tx, sql

pytestmark = pytest.mark.anyio

CLOUD = "998b88de-aa99-4388-a42c-1b3517d49490"
CUSTOMER = "117a77b0-9360-443b-8795-c6dedc750cf9"
AGREED = "2026-03-01T08:15:00Z"
BODY: dict[str, Any] = {
    "primaryContact": {
        "firstName": "Aimée",
        "lastName": "Lenoir",
        "email": "aimee@nouvelle-aube.example",
        "phoneNumber": "+33 4 65 71 00 00",
    },
    "templateId": CUSTOMER,
    "dateAgreed": AGREED,
    "type": "MicrosoftCustomerAgreement",
}
DOTNET_BODY: dict[str, Any] = {
    "UserId": None,
    "PrimaryContact": {
        "FirstName": "Aimée",
        "LastName": "Lenoir",
        "Email": "aimee@nouvelle-aube.example",
        "PhoneNumber": "+33 4 65 71 00 00",
    },
    "TemplateId": CUSTOMER,
    "DateAgreed": AGREED,
    "Type": "MicrosoftCustomerAgreement",
    "AgreementLink": None,
}
ROWS = sql("SELECT account_id, customer_id, id, contact FROM agreements ORDER BY id{c}")
HEADS = sql("SELECT account_id, sequence, hash FROM journal_heads ORDER BY account_id{c}")


async def state(market: Market) -> Any:
    async def work(tx: Tx) -> Any:
        return [dict(row) for row in (*await tx.all(ROWS), *await tx.all(HEADS))]

    return await market.read(work)


async def is_refused(
    market: Market, expected: str, method: str, path: str, sent: Any = None, **options: Any
) -> dict[str, Any]:
    """Whether a call is refused as documented (``"400/3000"``) and changes nothing; the fault."""
    before = await state(market)
    response = await market.call(method, path, sent, **{"user": ADMIN, **options})
    fault = response.json()
    assert f"{response.status_code}/{fault.get('code')}" == expected, (sent, fault)
    check_reply("Fault", fault)
    assert await state(market) == before
    return dict(fault)


async def agreements_path(market: Market) -> str:
    """The agreements of a customer that has confirmed none."""
    sent = {
        "companyProfile": {"domain": "nouvelle-aube.example"},
        "billingProfile": {
            "email": "achats@nouvelle-aube.example",
            "culture": "fr-FR",
            "language": "fr",
            "companyName": "Nouvelle Aube",
            "defaultAddress": {
                "country": "FR",
                "city": "Lyon",
                "addressLine1": "14 rue des Fours",
                "postalCode": "69002",
            },
        },
    }
    made = (await market.post("/v1/customers", sent)).json()
    return f"/v1/customers/{made['id']}/agreements"


async def has_agreement(market: Market, path: str) -> bool:
    ctx, customer_id = await market.context(), path.split("/")[3]
    return await market.read(partial(service.has_agreement, ctx=ctx, customer_id=customer_id))


@pytest.mark.parametrize("sent", [BODY, DOTNET_BODY], ids=["camel", "dotnet"])
async def test_a_confirmation_keeps_who_confirmed(market: Market, sent: dict[str, Any]) -> None:
    path = await agreements_path(market)
    assert not await has_agreement(market, path)
    response = await market.post(path, sent, user=ADMIN)
    assert response.status_code == 201, response.text
    made = response.json()
    check_reply("Agreement", made)
    assert made["primaryContact"] == BODY["primaryContact"]
    assert (made["dateAgreed"], made["type"], made["templateId"]) == (AGREED, BODY["type"], CUSTOMER)
    assert "agreementLink" not in made
    assert await has_agreement(market, path)

    listed = (await market.get(f"{path}?agreementType=MicrosoftCustomerAgreement", user=ADMIN)).json()
    check_reply("Collection<Agreement>", listed)
    [item] = listed["items"]
    assert "userId" not in item
    assert item["agreementLink"] == f"{BASE_URL}/agreements/{CUSTOMER}"
    assert item["primaryContact"] == BODY["primaryContact"]

    owner = await market.account()
    entries = await market.read(partial(audit.read, account_id=owner.id, after_sequence=0, limit=1_000))
    assert entries[-1].entry.action == "create_agreement"
    assert entries[-1].entry.actor_id == made["userId"]
    assert entries[-1].entry.user_name == ADMIN


async def test_the_list_is_of_one_type_unless_all_are_asked_for(market: Market) -> None:
    path = await agreements_path(market)
    for template, kind in ((CLOUD, "MicrosoftCloudAgreement"), (CUSTOMER, "MicrosoftCustomerAgreement")):
        sent = {**BODY, "templateId": template, "type": kind}
        assert (await market.post(path, sent, user=ADMIN)).status_code == 201

    async def types(query: str) -> list[str]:
        page = (await market.get(path + query, user=ADMIN)).json()
        return sorted(item["type"] for item in page["items"])

    assert await types("") == ["MicrosoftCloudAgreement"]
    assert await types("?agreementType=MicrosoftCustomerAgreement") == ["MicrosoftCustomerAgreement"]
    assert await types("?agreementtype=*") == ["MicrosoftCloudAgreement", "MicrosoftCustomerAgreement"]
    await is_refused(market, "400/3000", "GET", f"{path}?agreementType=Handshake")


async def test_the_same_contact_confirms_once_and_another_may_follow(market: Market) -> None:
    path = await agreements_path(market)
    assert (await market.post(path, BODY, user=ADMIN)).status_code == 201
    await is_refused(market, "409/600061", "POST", path, BODY)
    other = deepcopy(BODY)
    other["primaryContact"]["phoneNumber"] = "+33 4 65 71 99 99"
    assert (await market.post(path, other, user=ADMIN)).status_code == 201


FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"primaryContact": None}, "primaryContact"),
    ({"primaryContact": {}}, "primaryContact.firstName"),
    ({"primaryContact": {"firstName": "A", "lastName": "B"}}, "primaryContact.email"),
    ({"primaryContact": {"firstName": "A", "email": "a@b.example"}}, "primaryContact.lastName"),
    ({"primaryContact": "Aimée"}, "primaryContact"),
    ({"templateId": None}, "templateId"),
    ({"templateId": CLOUD}, "templateId"),
    ({"templateId": CUSTOMER.upper()}, "templateId"),
    ({"type": None}, "type"),
    ({"type": "Handshake"}, "type"),
    ({"dateAgreed": None}, "dateAgreed"),
    ({"dateAgreed": "0001-01-01T00:00:00"}, "dateAgreed"),
    ({"dateAgreed": "yesterday"}, "dateAgreed"),
    ({"dateAgreed": "2026-03-02T08:20:01Z"}, "dateAgreed"),
    ({"dateAgreed": "2999-01-01"}, "dateAgreed"),
]


async def test_what_a_confirmation_may_not_be(market: Market) -> None:
    path = await agreements_path(market)
    for change, member in FAULTY:
        fault = await is_refused(market, "400/3000", "POST", path, {**BODY, **change})
        assert fault["data"] == [member], change
    await is_refused(market, "400/3000", "POST", path)
    await is_refused(market, "400/800002", "POST", path, raw=b"{")
    assert not await has_agreement(market, path)


async def test_an_application_alone_cannot_confirm_or_read(market: Market) -> None:
    path = await agreements_path(market)
    await is_refused(market, "403/2032", "POST", path, BODY, user=None)
    for read in (path, "/v1/agreements", f"/v1/agreementtemplates/{CUSTOMER}/document"):
        await is_refused(market, "403/2032", "GET", read, user=None)
    await market.configure(enforce_user_context=False)
    response = await market.post(path, BODY)
    assert response.status_code == 201
    check_reply("Agreement", response.json())


async def test_the_agreements_there_are(market: Market) -> None:
    async def listed(query: str) -> list[tuple[str, str]]:
        response = await market.get(f"/v1/agreements{query}", user=ADMIN)
        assert response.status_code == 200
        check_reply("Collection<AgreementMetaData>", response.json())
        return sorted((item["agreementType"], item["templateId"]) for item in response.json()["items"])

    cloud, customer = ("MicrosoftCloudAgreement", CLOUD), ("MicrosoftCustomerAgreement", CUSTOMER)
    assert await listed("") == [cloud]
    assert await listed("?agreementType=MicrosoftCustomerAgreement") == [customer]
    assert await listed("?agreementType=*") == [cloud, customer]
    await is_refused(market, "400/3000", "GET", "/v1/agreements?agreementType=Handshake")


async def test_the_link_of_an_agreement_leads_to_its_text(market: Market) -> None:
    page = (await market.get("/v1/agreements?agreementType=*", user=ADMIN)).json()
    for item in page["items"]:
        text = await market.client.get(item["agreementLink"])
        assert text.status_code == 200
        assert item["agreementType"] in text.text
    assert (await market.client.get("/agreements/unknown")).status_code == 404


async def test_a_documents_links_live_for_five_minutes(market: Market) -> None:
    path = f"/v1/AgreementTemplates/{CUSTOMER}/document?Language=fr-FR&country=FR"
    response = await market.get(path, user=ADMIN)
    assert response.status_code == 200
    document = response.json()
    check_reply("AgreementDocument", document)
    assert (document["language"], document["country"]) == ("fr-FR", "FR")
    assert (await market.get(path, user=ADMIN)).json()["displayUri"] != document["displayUri"]

    shown = await market.client.get(document["displayUri"])
    saved = await market.client.get(document["downloadUri"])
    assert (shown.status_code, saved.status_code) == (200, 200)
    assert shown.content == saved.content
    assert "Content-Disposition" not in shown.headers
    assert saved.headers["Content-Disposition"].startswith("attachment")
    market.wait(minutes=5)
    assert (await market.client.get(document["displayUri"])).status_code == 404
    assert (await market.client.get("/agreementdocuments/forged")).status_code == 404


async def test_a_document_without_language_and_country(market: Market) -> None:
    document = (await market.get(f"/v1/agreementtemplates/{CUSTOMER}/document", user=ADMIN)).json()
    assert (document["language"], document["country"]) == ("en-US", "US")


async def test_a_document_in_what_is_no_language(market: Market) -> None:
    path = f"/v1/agreementtemplates/{CUSTOMER}/document?language=%0d%0aX-Evil:1"
    response = await market.get(path, user=ADMIN)
    assert response.json()["language"] == "en-US"
    assert "X-Evil" not in response.headers


async def test_a_document_that_does_not_exist(market: Market) -> None:
    for path in (
        "unknown/document",
        f"{CUSTOMER.upper()}/document",
        f"{CUSTOMER}/document?country=us",
        f"{CUSTOMER}/document?country=%0d%0a",
    ):
        await is_refused(market, "404/1000", "GET", f"/v1/agreementtemplates/{path}")


async def test_whether_the_customer_signed_by_itself(market: Market) -> None:
    path = await agreements_path(market)
    customer_id = path.split("/")[3]
    status = f"/v1/customers/{customer_id}/directSignedMicrosoftCustomerAgreementStatus"
    unsigned = await market.get(status, user=ADMIN)
    check_reply("DirectSignedCustomerAgreementStatus", unsigned.json())
    assert (unsigned.status_code, unsigned.json()) == (200, {"isSigned": False})
    ctx = await market.context()
    await market.write(partial(service_agreements.sign_directly, ctx=ctx, customer_id=customer_id))
    assert (await market.get(status, user=ADMIN)).json() == {"isSigned": True}
    assert await has_agreement(market, path)
    assert (await market.get(f"{path}?agreementType=*", user=ADMIN)).json()["items"] == []
