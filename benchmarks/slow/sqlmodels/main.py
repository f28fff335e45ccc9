"""Teams and heroes on SQLModel: ``/slow`` routes with twins below ``/good``."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.orm import selectinload
from sqlmodel import Field, Relationship, Session, SQLModel, create_engine, func, select

engine = create_engine("sqlite:///heroes.db")


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    heroes: list["Hero"] = Relationship(back_populates="team")


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    team_id: int = Field(foreign_key="team.id")
    team: Team = Relationship(back_populates="heroes")


class HeroRead(SQLModel):
    name: str


class TeamRead(SQLModel):
    name: str
    heroes: list[HeroRead]


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


Db = Annotated[Session, Depends(get_session)]
app = FastAPI()


@app.get("/slow/teams", response_model=list[TeamRead])
def slow_teams(db: Db):
    return db.exec(select(Team).order_by(Team.id)).all()


@app.get("/good/teams", response_model=list[TeamRead])
def good_teams(db: Db):
    return db.exec(select(Team).options(selectinload(Team.heroes)).order_by(Team.id)).all()


@app.get("/slow/heroes")
def slow_heroes(db: Db):
    heroes = db.exec(select(Hero).order_by(Hero.id)).all()
    return [{"hero": h.name, "team": db.get(Team, h.team_id).name} for h in heroes]


@app.get("/good/heroes")
def good_heroes(db: Db):
    rows = db.exec(select(Hero.name, Team.name).join(Team).order_by(Hero.id))
    return [{"hero": hero, "team": team} for hero, team in rows]


@app.get("/slow/sizes")
def slow_sizes(db: Db):
    found = {}
    for team in db.exec(select(Team).order_by(Team.id)).all():
        found[team.name] = db.exec(select(func.count(Hero.id)).where(Hero.team_id == team.id)).one()
    return found


@app.get("/slow/rosters")
def slow_rosters(db: Db):
    found = {}
    for team in db.exec(select(Team).order_by(Team.id)).all():
        heroes = db.exec(select(Hero).where(Hero.team_id == team.id).order_by(Hero.id)).all()
        found[team.name] = [hero.name for hero in heroes]
    return found
