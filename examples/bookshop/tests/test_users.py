import bcrypt
import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bookshop.users.models import User

pytestmark = pytest.mark.anyio

ADA = {"email": "ada@example.com", "name": "Ada", "password": "correct horse"}


async def test_sign_up_answers_without_the_password(client: httpx.AsyncClient) -> None:
    answer = await client.post("/users", json=ADA)
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "email", "name", "created_at"}


async def test_the_password_is_stored_as_a_hash(
    client: httpx.AsyncClient, session: AsyncSession
) -> None:
    await client.post("/users", json=ADA)
    stored = await session.scalar(select(User.password_hash).where(User.email == ADA["email"]))
    assert stored is not None
    assert bcrypt.checkpw(ADA["password"].encode(), stored.encode())


async def test_an_address_signs_up_once(client: httpx.AsyncClient) -> None:
    await client.post("/users", json=ADA)
    again = await client.post("/users", json={**ADA, "email": "Ada@Example.com"})
    assert again.status_code == 409


async def test_a_short_password_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/users", json={**ADA, "password": "short"})).status_code == 422


async def test_an_unknown_user_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/users/999999")).status_code == 404


async def test_a_profile_shows_orders_and_reviews(client: httpx.AsyncClient) -> None:
    user = (await client.post("/users", json=ADA)).json()
    book = {"title": "Dune", "author": "Frank Herbert", "price": "9.90", "stock": 3}
    book_id = (await client.post("/books", json=book)).json()["id"]
    lines = [{"book_id": book_id, "quantity": 2}]
    await client.post("/orders", json={"user_id": user["id"], "lines": lines})
    review = {"user_id": user["id"], "stars": 5, "text": "Sand."}
    await client.post(f"/books/{book_id}/reviews", json=review)
    profile = (await client.get(f"/users/{user['id']}/profile")).json()
    assert [order["titles"] for order in profile["orders"]] == [["Dune"]]
    assert profile["orders"][0]["total"] == "19.80"
    assert profile["reviews"] == [{"title": "Dune", "stars": 5}]
