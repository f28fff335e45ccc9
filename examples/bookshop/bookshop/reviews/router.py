from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, status

from bookshop.database import SessionDep
from bookshop.reviews import service
from bookshop.reviews.models import Review
from bookshop.reviews.schemas import ReviewCreate, ReviewRead

router = APIRouter(tags=["reviews"])

Id = Annotated[int, Path(ge=1, le=2_147_483_647)]


@router.get("/books/{book_id}/reviews", response_model=list[ReviewRead])
async def list_reviews(
    book_id: Id, session: SessionDep, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[Review]:
    return await service.reviews_of(session, book_id, limit)


@router.post(
    "/books/{book_id}/reviews", response_model=ReviewRead, status_code=status.HTTP_201_CREATED
)
async def write_review(book_id: Id, wanted: ReviewCreate, session: SessionDep) -> Review:
    try:
        return await service.write_review(session, book_id, wanted)
    except service.CannotReview as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such book or user") from error


@router.delete("/reviews/{review_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_review(review_id: Id, session: SessionDep) -> None:
    review = await service.get_review(session, review_id)
    if review is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such review")
    await service.delete_review(session, review)
