from fastapi import APIRouter, Depends, HTTPException, Query
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..db import AsyncSession, get_session
from .models import Product
from .schemas import ProductIn, ProductOut

router = APIRouter()


@router.get('/', response_model=list[ProductOut])
async def list_products(
    limit: int = Query(50, ge=1, le=200), session: AsyncSession = Depends(get_session)
):
    return (
        await session.scalars(select(Product).order_by(Product.sku).limit(limit))
    ).all()


@router.post('/', response_model=ProductOut, status_code=201)
async def add_product(wanted: ProductIn, session: AsyncSession = Depends(get_session)):
    product = Product(**wanted.model_dump())
    session.add(product)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(409, 'sku exists')
    return product


@router.get('/{sku}', response_model=ProductOut)
async def read_product(sku: str, session: AsyncSession = Depends(get_session)):
    product = await session.scalar(select(Product).where(Product.sku == sku))
    if product is None:
        raise HTTPException(404, 'no such product')
    return product
