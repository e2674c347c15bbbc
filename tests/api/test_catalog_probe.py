import pytest
from tests.contract.check import check_reply
pytestmark = pytest.mark.anyio
async def test_probe(market):
    r = await market.get("/v1/products?country=us&targetView=MarketplaceSaaS")
    assert r.status_code == 200, r.text
    check_reply("Collection<Product>", r.json())
    p = r.json()["items"][0]
    print(p)
    for item in r.json()["items"]:
        s = await market.get(f"/v1/products/{item['id']}/skus?country=US")
        check_reply("Collection<Sku>", s.json())
        for k in s.json()["items"]:
            a = await market.get(f"/v1/products/{item['id']}/skus/{k['id']}/availabilities?country=US")
            check_reply("Collection<Availability>", a.json())
    print(a.text)
