"""Every table of the shop in one import, for migrations and for relationships."""

from bookshop.books.models import Book
from bookshop.orders.models import Order, OrderItem
from bookshop.reviews.models import Review
from bookshop.users.models import User

__all__ = ["Book", "Order", "OrderItem", "Review", "User"]
