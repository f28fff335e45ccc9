import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ids(client: httpx.AsyncClient) -> dict[str, int]:
    ada = {"email": "ada@example.com", "name": "Ada", "password": "correct horse"}
    dune = {"title": "Dune", "author": "Frank Herbert", "price": "9.90"}
    user = (await client.post("/users", json=ada)).json()
    book = (await client.post("/books", json=dune)).json()
    return {"user": user["id"], "book": book["id"]}


async def test_a_review_is_listed_with_its_book(
    client: httpx.AsyncClient, ids: dict[str, int]
) -> None:
    review = {"user_id": ids["user"], "stars": 4, "text": "Long."}
    written = await client.post(f"/books/{ids['book']}/reviews", json=review)
    assert written.status_code == 201
    listed = await client.get(f"/books/{ids['book']}/reviews")
    assert listed.json() == [written.json()]


async def test_a_review_has_one_to_five_stars(
    client: httpx.AsyncClient, ids: dict[str, int]
) -> None:
    review = {"user_id": ids["user"], "stars": 6}
    answer = await client.post(f"/books/{ids['book']}/reviews", json=review)
    assert answer.status_code == 422


async def test_an_unknown_book_cannot_be_reviewed(
    client: httpx.AsyncClient, ids: dict[str, int]
) -> None:
    review = {"user_id": ids["user"], "stars": 1}
    assert (await client.post("/books/999999/reviews", json=review)).status_code == 404


async def test_a_deleted_review_is_gone(client: httpx.AsyncClient, ids: dict[str, int]) -> None:
    review = {"user_id": ids["user"], "stars": 4}
    written = (await client.post(f"/books/{ids['book']}/reviews", json=review)).json()
    assert (await client.delete(f"/reviews/{written['id']}")).status_code == 204
    assert (await client.get(f"/books/{ids['book']}/reviews")).json() == []


async def test_reviews_go_with_their_book(client: httpx.AsyncClient, ids: dict[str, int]) -> None:
    review = {"user_id": ids["user"], "stars": 4, "text": "Long."}
    written = await client.post(f"/books/{ids['book']}/reviews", json=review)
    assert (await client.delete(f"/books/{ids['book']}")).status_code == 204
    assert (await client.delete(f"/reviews/{written.json()['id']}")).status_code == 404
