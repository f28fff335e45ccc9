import pytest
from fastapi.testclient import TestClient


@pytest.fixture
def owner_id(client: TestClient) -> int:
    body = {"username": "grace", "password": "cobol-1959"}
    return client.post("/api/users/", json=body).json()["id"]


def test_create_and_list(client: TestClient, owner_id: int) -> None:
    created = client.post("/api/tasks/", json={"title": "Debug", "owner_id": owner_id})
    assert created.status_code == 201
    listed = client.get("/api/tasks/", params={"owner_id": owner_id})
    assert listed.json() == [created.json()]


def test_finish(client: TestClient, owner_id: int) -> None:
    task = client.post("/api/tasks/", json={"title": "Debug", "owner_id": owner_id}).json()
    assert client.patch(f"/api/tasks/{task['id']}", json={"done": True}).json()["done"] is True


def test_delete(client: TestClient, owner_id: int) -> None:
    task = client.post("/api/tasks/", json={"title": "Debug", "owner_id": owner_id}).json()
    assert client.delete(f"/api/tasks/{task['id']}").status_code == 204
    assert client.delete(f"/api/tasks/{task['id']}").status_code == 404


def test_a_task_has_an_owner(client: TestClient) -> None:
    body = {"title": "Debug", "owner_id": 99}
    assert client.post("/api/tasks/", json=body).status_code == 404
