import httpx
import pytest

pytestmark = pytest.mark.anyio

DUNE = {"title": "Dune", "author": "Frank Herbert", "price": "9.90", "stock": 3}


async def test_a_new_book_can_be_read(client: httpx.AsyncClient) -> None:
    created = await client.post("/books", json=DUNE)
    assert created.status_code == 201
    read = await client.get(f"/books/{created.json()['id']}")
    assert read.json() == created.json()
    assert read.json()["title"] == "Dune"


async def test_books_are_listed_a_page_at_a_time(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.post("/books", json={**DUNE, "title": f"Dune {number}"})
    page = await client.get("/books", params={"limit": 2, "offset": 1})
    assert [book["title"] for book in page.json()] == ["Dune 1", "Dune 2"]


async def test_a_page_has_at_most_a_hundred_books(client: httpx.AsyncClient) -> None:
    assert (await client.get("/books", params={"limit": 101})).status_code == 422


async def test_a_book_costs_no_less_than_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.post("/books", json={**DUNE, "price": "-1"})).status_code == 422


async def test_a_deleted_book_is_gone(client: httpx.AsyncClient) -> None:
    book = (await client.post("/books", json=DUNE)).json()
    assert (await client.delete(f"/books/{book['id']}")).status_code == 204
    assert (await client.get(f"/books/{book['id']}")).status_code == 404
