def test_sensors_are_listed_by_name(client):
    for name in ("roof", "cellar"):
        assert client.post("/sensors", json={"name": name, "unit": "°C"}).status_code == 201
    assert [s["name"] for s in client.get("/sensors").json()] == ["cellar", "roof"]


def test_a_name_is_taken_once(client):
    client.post("/sensors", json={"name": "roof", "unit": "°C"})
    assert client.post("/sensors", json={"name": "roof", "unit": "K"}).status_code == 409


def test_readings_are_summed_up(client):
    client.post("/sensors", json={"name": "roof", "unit": "°C"})
    for value in (3.5, -1.0):
        client.post("/sensors/roof/readings", json={"value": value})
    summary = client.get("/sensors/roof/summary").json()
    assert summary == {"count": 2, "lowest": -1.0, "highest": 3.5}


def test_an_unknown_sensor_takes_no_reading(client):
    assert client.post("/sensors/attic/readings", json={"value": 1}).status_code == 404
