import bcrypt
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import StaticPool

from forum import models
from forum.database import Base, get_db
from forum.main import app

engine = create_engine(
    "sqlite://", connect_args={"check_same_thread": False},
    poolclass=StaticPool)
TestingSession = sessionmaker(bind=engine)


def override_get_db():
    db = TestingSession()
    try:
        yield db
    finally:
        db.close()


@pytest.fixture
def client():
    Base.metadata.create_all(bind=engine)
    app.dependency_overrides[get_db] = override_get_db
    yield TestClient(app)
    app.dependency_overrides.clear()
    Base.metadata.drop_all(bind=engine)


@pytest.fixture
def alan(client):
    response = client.post("/users/", json={
        "username": "alan", "email": "alan@example.com",
        "password": "enigma"})
    assert response.status_code == 200
    return response.json()


def test_user_has_no_password_in_response(alan):
    assert alan == {"id": 1, "username": "alan"}


def test_password_is_hashed(alan):
    db = TestingSession()
    user = db.query(models.User).one()
    db.close()
    assert bcrypt.checkpw(b"enigma", user.hashed_password.encode())


def test_duplicate_username(client, alan):
    response = client.post("/users/", json={
        "username": "alan", "email": "a2@example.com", "password": "enigma"})
    assert response.status_code == 400


def test_post_in_topic(client, alan):
    topic = client.post("/topics/", json={"title": "Machines"}).json()
    url = "/topics/%d/posts/" % topic["id"]
    response = client.post(url, json={"author_id": 1, "text": "Hello"})
    assert response.status_code == 200
    assert [post["text"] for post in client.get(url).json()] == ["Hello"]


def test_closed_topic(client, alan):
    topic = client.post("/topics/", json={"title": "Machines"}).json()
    db = TestingSession()
    db.query(models.Topic).update({"closed": True})
    db.commit()
    db.close()
    url = "/topics/%d/posts/" % topic["id"]
    response = client.post(url, json={"author_id": 1, "text": "Hello"})
    assert response.status_code == 400
