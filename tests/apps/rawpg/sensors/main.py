from contextlib import asynccontextmanager

from asyncpg import Connection, UniqueViolationError
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field

from sensors.pool import get_connection, open_pool


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.pool = await open_pool()
    yield
    await app.state.pool.close()


app = FastAPI(title="Sensors", lifespan=lifespan)


class SensorIn(BaseModel):
    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w-]+$")
    unit: str = Field(min_length=1, max_length=12)


class ReadingIn(BaseModel):
    value: float = Field(allow_inf_nan=False)


@app.get("/sensors")
async def list_sensors(connection: Connection = Depends(get_connection)):
    rows = await connection.fetch("SELECT id, name, unit FROM sensors ORDER BY name LIMIT 500")
    return [dict(row) for row in rows]


@app.post("/sensors", status_code=201)
async def add_sensor(sensor: SensorIn, connection: Connection = Depends(get_connection)):
    try:
        row = await connection.fetchrow(
            "INSERT INTO sensors (name, unit) VALUES ($1, $2) RETURNING id, name, unit",
            sensor.name,
            sensor.unit,
        )
    except UniqueViolationError:
        raise HTTPException(409, "There is a sensor of this name")
    return dict(row)


@app.post("/sensors/{name}/readings", status_code=201)
async def record(name: str, reading: ReadingIn, connection: Connection = Depends(get_connection)):
    row = await connection.fetchrow(
        "INSERT INTO readings (sensor_id, value) SELECT id, $2 FROM sensors WHERE name = $1"
        " RETURNING taken_at, value",
        name,
        reading.value,
    )
    if row is None:
        raise HTTPException(404, "No such sensor")
    return dict(row)


@app.get("/sensors/{name}/summary")
async def summary(name: str, connection: Connection = Depends(get_connection)):
    row = await connection.fetchrow(
        "SELECT count(value) AS count, min(value) AS lowest, max(value) AS highest"
        " FROM sensors JOIN readings ON sensor_id = id WHERE name = $1",
        name,
    )
    return dict(row)
