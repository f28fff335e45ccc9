"""carts

Revision ID: 0002
Revises: 0001
"""
from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'carts',
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('note', sa.String(200), nullable=True),
    )
    op.create_table(
        'cart_lines',
        sa.Column('cart_id', sa.Integer(), sa.ForeignKey('carts.id'), primary_key=True),
        sa.Column(
            'product_id', sa.Integer(), sa.ForeignKey('products.id'), primary_key=True
        ),
        sa.Column('quantity', sa.Integer(), nullable=False),
    )


def downgrade():
    op.drop_table('cart_lines')
    op.drop_table('carts')
