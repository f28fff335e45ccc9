from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Base


class Cart(Base):
    __tablename__ = 'carts'

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str | None] = mapped_column(String(200))
    lines: Mapped[list['CartLine']] = relationship(lazy='selectin')


class CartLine(Base):
    __tablename__ = 'cart_lines'

    cart_id: Mapped[int] = mapped_column(ForeignKey('carts.id'), primary_key=True)
    product_id: Mapped[int] = mapped_column(
        ForeignKey('products.id'), primary_key=True
    )
    quantity: Mapped[int]
