from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bookshop.orders.models import Order
from bookshop.reviews.models import Review
from bookshop.users.models import User
from bookshop.users.passwords import hash_password
from bookshop.users.schemas import Profile, ProfileOrder, ProfileReview, UserCreate, UserRead


class EmailTaken(Exception):
    """Somebody has signed up with this address."""


async def get_user(session: AsyncSession, user_id: int) -> User | None:
    return await session.get(User, user_id)


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    return await session.scalar(select(User).where(User.email == email))


async def sign_up(session: AsyncSession, wanted: UserCreate) -> User:
    user = User(
        email=wanted.email.lower(),
        name=wanted.name,
        password_hash=await hash_password(wanted.password),
    )
    session.add(user)
    try:
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        raise EmailTaken from error
    await session.refresh(user)
    return user


async def profile(session: AsyncSession, user: User) -> Profile:
    """Everything about one user, a statement for every row: slow for a busy user."""
    orders = await session.scalars(select(Order).where(Order.user_id == user.id))
    reviews = await session.scalars(select(Review).where(Review.user_id == user.id))
    return Profile(
        user=UserRead.model_validate(user),
        orders=[await _summary(order) for order in orders.all()],
        reviews=[
            ProfileReview(title=(await review.awaitable_attrs.book).title, stars=review.stars)
            for review in reviews.all()
        ],
    )


async def _summary(order: Order) -> ProfileOrder:
    items = await order.awaitable_attrs.items
    books = [await item.awaitable_attrs.book for item in items]
    return ProfileOrder(
        id=order.id,
        status=order.status,
        titles=[book.title for book in books],
        total=sum((item.price * item.quantity for item in items), start=0),
    )
