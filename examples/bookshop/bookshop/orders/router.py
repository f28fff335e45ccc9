from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, status

from bookshop.database import SessionDep
from bookshop.orders import service
from bookshop.orders.models import Order
from bookshop.orders.schemas import OrderCreate, OrderRead

router = APIRouter(prefix="/orders", tags=["orders"])

Id = Annotated[int, Path(ge=1, le=2_147_483_647)]


@router.get("", response_model=list[OrderRead])
async def list_orders(
    session: SessionDep,
    user_id: Annotated[int, Query(ge=1, le=2_147_483_647)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[Order]:
    return await service.orders_of(session, user_id, limit)


@router.post("", response_model=OrderRead, status_code=status.HTTP_201_CREATED)
async def place_order(wanted: OrderCreate, session: SessionDep) -> Order:
    try:
        return await service.place_order(session, wanted)
    except service.CannotOrder as error:
        raise HTTPException(status.HTTP_409_CONFLICT, str(error)) from error


@router.get("/{order_id}", response_model=OrderRead)
async def read_order(order_id: Id, session: SessionDep) -> Order:
    order = await service.get_order(session, order_id)
    if order is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such order")
    return order


@router.post("/{order_id}/cancel", response_model=OrderRead)
async def cancel_order(order_id: Id, session: SessionDep) -> Order:
    order = await service.get_order(session, order_id)
    if order is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such order")
    if order.status != "new":
        raise HTTPException(status.HTTP_409_CONFLICT, "Only a new order can be cancelled")
    return await service.cancel_order(session, order)
