import os
import tempfile

os.environ['DIARY_DATABASE'] = f"sqlite:///{tempfile.mkdtemp(prefix='diary')}/diary.db"

import pytest
from fastapi.testclient import TestClient

from diary.database import Base, engine
from diary.main import app


@pytest.fixture(autouse=True)
def tables():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


def somebody(email):
    client = TestClient(app)
    form = {'email': email, 'password': 'dear diary'}
    assert client.post('/register', data=form).status_code == 201
    assert client.post('/login', data=form).status_code == 204
    return client


def test_a_stranger_is_turned_away():
    assert TestClient(app).get('/entries').status_code == 401


def test_login_sets_a_cookie_that_scripts_cannot_read():
    client = TestClient(app)
    form = {'email': 'anne@example.com', 'password': 'dear diary'}
    client.post('/register', data=form)
    header = client.post('/login', data=form).headers['set-cookie']
    assert 'HttpOnly' in header
    assert client.get('/me').json()['email'] == 'anne@example.com'


def test_a_wrong_password_is_refused():
    somebody('anne@example.com')
    form = {'email': 'anne@example.com', 'password': 'dear dairy'}
    assert TestClient(app).post('/login', data=form).status_code == 401


def test_nobody_reads_anothers_entries():
    anne, pepys = somebody('anne@example.com'), somebody('pepys@example.com')
    entry = anne.post('/entries', json={'text': 'Kitty'}).json()
    assert anne.get(f"/entries/{entry['id']}").json() == entry
    assert pepys.get(f"/entries/{entry['id']}").status_code == 404
    assert pepys.get('/entries').json() == []


def test_after_logout_the_cookie_is_dead():
    client = somebody('anne@example.com')
    token = client.cookies['diary_session']
    client.post('/logout')
    stale = {'cookie': f'diary_session={token}'}
    assert TestClient(app).get('/me', headers=stale).status_code == 401
