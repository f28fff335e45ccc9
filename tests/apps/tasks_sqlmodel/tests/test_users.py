from fastapi.testclient import TestClient
from sqlmodel import Session, select

from app.core.hashing import password_hash
from app.models import User

BODY = {"username": "grace", "full_name": "Grace", "password": "cobol-1959"}


def test_create_user(client: TestClient, session: Session) -> None:
    response = client.post("/api/users/", json=BODY)
    assert response.status_code == 201
    assert response.json() == {"id": 1, "username": "grace", "full_name": "Grace"}
    user = session.exec(select(User)).one()
    assert password_hash.verify("cobol-1959", user.hashed_password)


def test_username_is_unique(client: TestClient) -> None:
    client.post("/api/users/", json=BODY)
    assert client.post("/api/users/", json=BODY).status_code == 409


def test_unknown_user(client: TestClient) -> None:
    assert client.get("/api/users/7").status_code == 404
