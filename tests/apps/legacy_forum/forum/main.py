from typing import List

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.orm import Session

from . import crud, models, schemas
from .database import engine, get_db

models.Base.metadata.create_all(bind=engine)

app = FastAPI()


@app.post("/users/", response_model=schemas.User)
def create_user(user: schemas.UserCreate, db: Session = Depends(get_db)):
    if crud.get_user_by_username(db, username=user.username):
        raise HTTPException(
            status_code=400, detail="Username already registered")
    return crud.create_user(db=db, user=user)


@app.get("/users/{user_id}", response_model=schemas.User)
def read_user(user_id: int, db: Session = Depends(get_db)):
    db_user = crud.get_user(db, user_id=user_id)
    if db_user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return db_user


@app.get("/topics/", response_model=List[schemas.Topic])
def read_topics(
        skip: int = 0, limit: int = 100, db: Session = Depends(get_db)):
    return crud.get_topics(db, skip=skip, limit=limit)


@app.post("/topics/", response_model=schemas.Topic)
def create_topic(topic: schemas.TopicCreate, db: Session = Depends(get_db)):
    return crud.create_topic(db=db, topic=topic)


@app.get("/topics/{topic_id}/posts/", response_model=List[schemas.Post])
def read_posts(topic_id: int, db: Session = Depends(get_db)):
    if crud.get_topic(db, topic_id=topic_id) is None:
        raise HTTPException(status_code=404, detail="Topic not found")
    return crud.get_posts(db, topic_id=topic_id)


@app.post("/topics/{topic_id}/posts/", response_model=schemas.Post)
def create_post(
        topic_id: int, post: schemas.PostCreate,
        db: Session = Depends(get_db)):
    topic = crud.get_topic(db, topic_id=topic_id)
    if topic is None:
        raise HTTPException(status_code=404, detail="Topic not found")
    if topic.closed:
        raise HTTPException(status_code=400, detail="Topic is closed")
    if crud.get_user(db, user_id=post.author_id) is None:
        raise HTTPException(status_code=404, detail="User not found")
    return crud.create_post(db=db, topic_id=topic_id, post=post)
