"""Twenty GET routes on SQLite, six of them slow: how long a whole run takes is measured on this."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    sessionmaker,
)

engine = create_engine("sqlite:///wide.db")
make_session = sessionmaker(engine)


class Base(DeclarativeBase): ...


class Team(Base):
    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    members: Mapped[list["Member"]] = relationship(back_populates="team", order_by="Member.id")
    projects: Mapped[list["Project"]] = relationship(back_populates="team", order_by="Project.id")


class Member(Base):
    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    team: Mapped[Team] = relationship(back_populates="members")
    tasks: Mapped[list["Task"]] = relationship(back_populates="member", order_by="Task.id")


class Project(Base):
    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    team: Mapped[Team] = relationship(back_populates="projects")
    tasks: Mapped[list["Task"]] = relationship(back_populates="project", order_by="Task.id")


class Task(Base):
    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    done: Mapped[bool]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), index=True)
    project: Mapped[Project] = relationship(back_populates="tasks")
    member: Mapped[Member] = relationship(back_populates="tasks")


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int


class TeamRead(Read):
    name: str


class MemberRead(Read):
    name: str


class ProjectRead(Read):
    title: str


class TaskRead(Read):
    title: str
    done: bool


class TaskWithMember(TaskRead):
    member: MemberRead
    project: ProjectRead


class ProjectWithTasks(ProjectRead):
    tasks: list[TaskRead]


class MemberWithTeam(MemberRead):
    team: TeamRead


def get_session() -> Iterator[Session]:
    with make_session() as session:
        yield session


Db = Annotated[Session, Depends(get_session)]
app = FastAPI()


def found(thing):
    if thing is None:
        raise HTTPException(404)
    return thing


@app.get("/slow/tasks", response_model=list[TaskWithMember])
def slow_tasks(db: Db):
    return db.scalars(select(Task).order_by(Task.id)).all()


@app.get("/slow/projects", response_model=list[ProjectWithTasks])
def slow_projects(db: Db):
    return db.scalars(select(Project).order_by(Project.id)).all()


@app.get("/slow/members", response_model=list[MemberWithTeam])
def slow_members(db: Db):
    return db.scalars(select(Member).order_by(Member.id)).all()


@app.get("/slow/sizes")
def slow_sizes(db: Db):
    sizes = {}
    for team in db.scalars(select(Team).order_by(Team.id)).all():
        count = select(func.count()).select_from(Member).where(Member.team_id == team.id)
        sizes[team.name] = db.scalar(count)
    return sizes


@app.get("/slow/owners")
def slow_owners(db: Db):
    owners = []
    for task in db.scalars(select(Task).order_by(Task.id)).all():
        member = db.get(Member, task.member_id)
        owners.append(member.name)
    return owners


@app.get("/slow/open")
def slow_open(db: Db):
    projects = db.query(Project).order_by(Project.id).all()
    return {
        project.title: db.query(Task)
        .filter(Task.project_id == project.id, Task.done.is_(False))
        .count()
        for project in projects
    }


@app.get("/good/teams", response_model=list[TeamRead])
def teams(db: Db):
    return db.scalars(select(Team).order_by(Team.id).limit(50)).all()


@app.get("/good/teams/{team_id}", response_model=TeamRead)
def team(team_id: int, db: Db):
    return found(db.get(Team, team_id))


@app.get("/good/teams/{team_id}/members", response_model=list[MemberRead])
def team_members(team_id: int, db: Db):
    return db.scalars(select(Member).where(Member.team_id == team_id).order_by(Member.id)).all()


@app.get("/good/teams/{team_id}/projects", response_model=list[ProjectRead])
def team_projects(team_id: int, db: Db):
    return db.scalars(select(Project).where(Project.team_id == team_id).order_by(Project.id)).all()


@app.get("/good/members", response_model=list[MemberRead])
def members(db: Db):
    return db.scalars(select(Member).order_by(Member.id).limit(50)).all()


@app.get("/good/members/{member_id}", response_model=MemberWithTeam)
def member(member_id: int, db: Db):
    return found(db.get(Member, member_id, options=[joinedload(Member.team)]))


@app.get("/good/members/{member_id}/tasks", response_model=list[TaskRead])
def member_tasks(member_id: int, db: Db):
    return db.scalars(select(Task).where(Task.member_id == member_id).order_by(Task.id)).all()


@app.get("/good/projects", response_model=list[ProjectRead])
def projects(db: Db):
    return db.scalars(select(Project).order_by(Project.id).limit(50)).all()


@app.get("/good/projects/{project_id}", response_model=ProjectWithTasks)
def project(project_id: int, db: Db):
    return found(db.get(Project, project_id, options=[selectinload(Project.tasks)]))


@app.get("/good/projects/{project_id}/tasks", response_model=list[TaskRead])
def project_tasks(project_id: int, db: Db):
    return db.scalars(select(Task).where(Task.project_id == project_id).order_by(Task.id)).all()


@app.get("/good/tasks", response_model=list[TaskRead])
def tasks(db: Db):
    return db.scalars(select(Task).order_by(Task.id).limit(50)).all()


@app.get("/good/tasks/{task_id}", response_model=TaskWithMember)
def task(task_id: int, db: Db):
    eager = [joinedload(Task.member), joinedload(Task.project)]
    return found(db.get(Task, task_id, options=eager))


@app.get("/good/counts")
def counts(db: Db):
    rows = db.execute(select(Task.project_id, func.count()).group_by(Task.project_id))
    return {str(key): count for key, count in rows}


@app.get("/good/health")
def health():
    return {"status": "ok"}


@app.post("/tasks", status_code=201)
def create_task(title: str, db: Db):
    made = Task(title=title, done=False, project_id=1, member_id=1)
    db.add(made)
    db.commit()
    return {"id": made.id}
