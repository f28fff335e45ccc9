from fastapi import FastAPI

from .carts.api import router as carts
from .products.api import router as products

app = FastAPI(title='Shop')
app.include_router(products, prefix='/products', tags=['products'])
app.include_router(carts, prefix='/carts', tags=['carts'])
