"""products

Revision ID: 0001
Revises:
"""
from alembic import op
import sqlalchemy as sa

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'products',
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('sku', sa.String(40), nullable=False),
        sa.Column('name', sa.String(120), nullable=False),
        sa.Column('cents', sa.Integer(), nullable=False),
    )
    op.create_index('ix_products_sku', 'products', ['sku'], unique=True)


def downgrade():
    op.drop_index('ix_products_sku', table_name='products')
    op.drop_table('products')
