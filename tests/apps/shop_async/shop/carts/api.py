from fastapi import APIRouter, Depends, HTTPException

from ..db import AsyncSession, get_session
from ..products.models import Product
from ..settings import settings
from .models import Cart, CartLine
from .schemas import CartIn, CartOut, Line

router = APIRouter()


async def cart_of_path(cart_id: int, session: AsyncSession = Depends(get_session)):
    cart = await session.get(Cart, cart_id)
    if cart is None:
        raise HTTPException(404, 'no such cart')
    return cart


@router.post('/', response_model=CartOut, status_code=201)
async def open_cart(wanted: CartIn, session: AsyncSession = Depends(get_session)):
    cart = Cart(note=wanted.note, lines=[])
    session.add(cart)
    await session.commit()
    return cart


@router.get('/{cart_id}', response_model=CartOut)
async def read_cart(cart: Cart = Depends(cart_of_path)):
    return cart


@router.put('/{cart_id}/lines', response_model=CartOut)
async def put_line(
    line: Line,
    cart: Cart = Depends(cart_of_path),
    session: AsyncSession = Depends(get_session),
):
    if await session.get(Product, line.product_id) is None:
        raise HTTPException(404, 'no such product')
    present = next((at for at in cart.lines if at.product_id == line.product_id), None)
    if present is not None:
        present.quantity = line.quantity
    elif len(cart.lines) >= settings.max_lines:
        raise HTTPException(409, 'the cart is full')
    else:
        cart.lines.append(CartLine(**line.model_dump()))
    await session.commit()
    return cart
