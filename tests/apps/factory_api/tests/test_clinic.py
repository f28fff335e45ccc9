from fastapi.testclient import TestClient


def test_the_prefix_comes_from_the_settings(client: TestClient) -> None:
    assert client.get("/c/v1/patients").json() == []
    assert client.get("/api/v1/patients").status_code == 404


def test_a_page_has_the_size_of_the_settings(client: TestClient) -> None:
    for name in ("Ann", "Bob", "Cy"):
        client.post("/c/v1/patients", json={"name": name})
    names = [p["name"] for p in client.get("/c/v1/patients", params={"page": 2}).json()]
    assert names == ["Cy"]


def test_a_visit_belongs_to_its_patient(client: TestClient) -> None:
    ann = client.post("/c/v1/patients", json={"name": "Ann"}).json()["id"]
    bob = client.post("/c/v1/patients", json={"name": "Bob"}).json()["id"]
    visit = client.post(f"/c/v1/patients/{ann}/visits", json={"reason": "cough"}).json()
    assert client.get(f"/c/v1/patients/{ann}/visits").json() == [visit]
    assert client.get(f"/c/v1/patients/{bob}/visits").json() == []


def test_an_error_has_a_code(client: TestClient) -> None:
    answer = client.get("/c/v1/patients/9")
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "not_found", "message": "No patient 9"}}


def test_a_member_is_enrolled_once(client: TestClient) -> None:
    flo = {"email": "flo@example.com", "password": "lamp-and-charts"}
    assert client.post("/c/v1/members", json=flo).json()["role"] == "nurse"
    assert client.post("/c/v1/members", json=flo).status_code == 400
