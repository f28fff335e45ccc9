import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def user_id(client: httpx.AsyncClient) -> int:
    ada = {"email": "ada@example.com", "name": "Ada", "password": "correct horse"}
    return (await client.post("/users", json=ada)).json()["id"]


@pytest.fixture
async def book_id(client: httpx.AsyncClient) -> int:
    dune = {"title": "Dune", "author": "Frank Herbert", "price": "9.90", "stock": 3}
    return (await client.post("/books", json=dune)).json()["id"]


def order(user_id: int, book_id: int, quantity: int = 1) -> dict[str, object]:
    return {"user_id": user_id, "lines": [{"book_id": book_id, "quantity": quantity}]}


async def test_an_order_takes_from_the_stock(
    client: httpx.AsyncClient, user_id: int, book_id: int
) -> None:
    placed = await client.post("/orders", json=order(user_id, book_id, 2))
    assert placed.status_code == 201
    assert placed.json()["items"] == [{"book_id": book_id, "quantity": 2, "price": "9.90"}]
    assert (await client.get(f"/books/{book_id}")).json()["stock"] == 1


async def test_more_than_the_stock_cannot_be_ordered(
    client: httpx.AsyncClient, user_id: int, book_id: int
) -> None:
    assert (await client.post("/orders", json=order(user_id, book_id, 4))).status_code == 409


async def test_an_ordered_book_stays(
    client: httpx.AsyncClient, user_id: int, book_id: int
) -> None:
    await client.post("/orders", json=order(user_id, book_id))
    assert (await client.delete(f"/books/{book_id}")).status_code == 409
    assert (await client.get(f"/books/{book_id}")).status_code == 200


async def test_nobody_orders_for_a_stranger(client: httpx.AsyncClient, book_id: int) -> None:
    assert (await client.post("/orders", json=order(999_999, book_id))).status_code == 409


async def test_orders_are_listed_by_user(
    client: httpx.AsyncClient, user_id: int, book_id: int
) -> None:
    placed = (await client.post("/orders", json=order(user_id, book_id))).json()
    listed = await client.get("/orders", params={"user_id": user_id})
    assert listed.json() == [placed]


async def test_an_order_is_cancelled_once(
    client: httpx.AsyncClient, user_id: int, book_id: int
) -> None:
    placed = (await client.post("/orders", json=order(user_id, book_id))).json()
    cancelled = await client.post(f"/orders/{placed['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    assert (await client.post(f"/orders/{placed['id']}/cancel")).status_code == 409
