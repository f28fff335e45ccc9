import pytest
from fastapi.testclient import TestClient

from main import app, notes

client = TestClient(app)


@pytest.fixture(autouse=True)
def blank():
    notes.clear()


def test_a_note_is_kept():
    written = client.post('/notes', json={'text': 'milk'})
    assert written.status_code == 201
    assert client.get(f"/notes/{written.json()['id']}").json() == written.json()


def test_notes_are_searched():
    client.post('/notes', json={'text': 'milk'})
    client.post('/notes', json={'text': 'bread'})
    assert [n['text'] for n in client.get('/notes?contains=rea').json()] == ['bread']


def test_a_torn_out_note_is_gone():
    number = client.post('/notes', json={'text': 'milk'}).json()['id']
    assert client.delete(f'/notes/{number}').status_code == 204
    assert client.get(f'/notes/{number}').status_code == 404


def test_an_empty_note_is_refused():
    assert client.post('/notes', json={'text': ''}).status_code == 422
