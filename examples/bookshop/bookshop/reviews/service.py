from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bookshop.reviews.models import Review
from bookshop.reviews.schemas import ReviewCreate


class CannotReview(Exception):
    """The book or the user is not there."""


async def reviews_of(session: AsyncSession, book_id: int, limit: int) -> list[Review]:
    wanted = select(Review).where(Review.book_id == book_id).order_by(Review.id).limit(limit)
    return list(await session.scalars(wanted))


async def get_review(session: AsyncSession, review_id: int) -> Review | None:
    return await session.get(Review, review_id)


async def write_review(session: AsyncSession, book_id: int, wanted: ReviewCreate) -> Review:
    review = Review(book_id=book_id, **wanted.model_dump())
    session.add(review)
    try:
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        raise CannotReview from error
    return review


async def delete_review(session: AsyncSession, review: Review) -> None:
    await session.delete(review)
    await session.commit()
