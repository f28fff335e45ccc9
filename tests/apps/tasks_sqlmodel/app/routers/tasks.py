from typing import Any

from fastapi import APIRouter, HTTPException, Query
from sqlmodel import select

from app.deps import SessionDep
from app.models import Task, User
from app.schemas.task import TaskCreate, TaskPublic, TaskUpdate

router = APIRouter(prefix="/tasks", tags=["tasks"])


@router.get("/", response_model=list[TaskPublic])
def read_tasks(
    session: SessionDep,
    owner_id: int,
    skip: int = Query(default=0, ge=0, le=1_000_000),
    limit: int = Query(default=100, ge=1, le=100),
) -> Any:
    statement = select(Task).where(Task.owner_id == owner_id).offset(skip).limit(limit)
    return session.exec(statement).all()


@router.post("/", response_model=TaskPublic, status_code=201)
def create_task(session: SessionDep, body: TaskCreate) -> Any:
    if session.get(User, body.owner_id) is None:
        raise HTTPException(status_code=404, detail="User not found")
    task = Task(title=body.title, owner_id=body.owner_id)
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@router.patch("/{task_id}", response_model=TaskPublic)
def update_task(session: SessionDep, task_id: int, body: TaskUpdate) -> Any:
    task = session.get(Task, task_id)
    if task is None:
        raise HTTPException(status_code=404, detail="Task not found")
    for name, value in body.model_dump(exclude_none=True).items():
        setattr(task, name, value)
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@router.delete("/{task_id}", status_code=204)
def delete_task(session: SessionDep, task_id: int) -> None:
    task = session.get(Task, task_id)
    if task is None:
        raise HTTPException(status_code=404, detail="Task not found")
    session.delete(task)
    session.commit()
