import pytest
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import create_async_engine

import db
import main


@pytest.fixture
def client(tmp_path, monkeypatch):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/recipes.db")
    monkeypatch.setattr(main, "engine", engine)
    db.new_session.configure(bind=engine)
    with TestClient(main.app) as client:
        yield client
    db.new_session.configure(bind=db.engine)


def test_quick_recipes(client):
    client.post("/recipes", json={"title": "Stew", "minutes": 120})
    client.post("/recipes", json={"title": "Toast", "minutes": 4})
    found = client.get("/recipes", params={"quicker_than": 30}).json()
    assert [recipe["title"] for recipe in found] == ["Toast"]


def test_register_once(client):
    julia = {"email": "julia@example.com", "password": "bon appetit"}
    answer = client.post("/users", json=julia)
    assert answer.status_code == 201
    assert "password" not in answer.text
    assert client.post("/users", json=julia).status_code == 409


def test_unknown_author(client):
    answer = client.post("/recipes", json={"title": "Stew", "minutes": 9, "author_id": 5})
    assert answer.status_code == 404
