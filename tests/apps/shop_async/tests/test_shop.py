import pytest

pytestmark = pytest.mark.anyio

TEA = {'sku': 'TEA-1', 'name': 'Tea', 'cents': 499}


async def test_a_product_is_found_by_its_sku(client):
    assert (await client.post('/products/', json=TEA)).status_code == 201
    assert (await client.get('/products/TEA-1')).json()['name'] == 'Tea'


async def test_a_sku_is_unique(client):
    await client.post('/products/', json=TEA)
    assert (await client.post('/products/', json=TEA)).status_code == 409


async def test_products_are_sorted_by_sku(client):
    await client.post('/products/', json=TEA)
    await client.post('/products/', json={**TEA, 'sku': 'OAT-1'})
    skus = [p['sku'] for p in (await client.get('/products/')).json()]
    assert skus == ['OAT-1', 'TEA-1']


async def test_a_line_is_put_once(client):
    product = (await client.post('/products/', json=TEA)).json()
    cart = (await client.post('/carts/', json={})).json()
    for quantity in (1, 3):
        line = {'product_id': product['id'], 'quantity': quantity}
        answer = await client.put(f"/carts/{cart['id']}/lines", json=line)
    assert answer.json()['lines'] == [{'product_id': product['id'], 'quantity': 3}]


async def test_an_unknown_product_is_not_put(client):
    cart = (await client.post('/carts/', json={'note': 'gift'})).json()
    line = {'product_id': 7, 'quantity': 1}
    answer = await client.put(f"/carts/{cart['id']}/lines", json=line)
    assert answer.status_code == 404
