from itertools import count

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

app = FastAPI(title='Notebook')

notes: dict[int, str] = {}
numbers = count(1)


class Note(BaseModel):
    text: str = Field(min_length=1, max_length=2000)


@app.get('/notes')
async def list_notes(contains: str = ''):
    return [{'id': i, 'text': text} for i, text in notes.items() if contains in text]


@app.post('/notes', status_code=201)
async def write_note(note: Note):
    number = next(numbers)
    notes[number] = note.text
    return {'id': number, 'text': note.text}


@app.get('/notes/{number}')
async def read_note(number: int):
    if number not in notes:
        raise HTTPException(404, 'no such note')
    return {'id': number, 'text': notes[number]}


@app.delete('/notes/{number}', status_code=204)
async def tear_out_note(number: int):
    if notes.pop(number, None) is None:
        raise HTTPException(404, 'no such note')
