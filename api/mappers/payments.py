"""Maps products, payments and credits to response schemas."""

from typing import Any

from api.schemas.credits import BalanceOut, EntryOut
from api.schemas.payments import CheckoutOut, ProductOut
from db.models import Checkout, CreditEntry
from db.repositories.credits import CreditBalance
from domain.payments.products import Product, price_text


def product_out(product: Product) -> ProductOut:
    return ProductOut(
        key=product.key,
        name=product.name,
        description=product.description,
        amount=product.amount,
        currency=product.currency,
        price=product.price,
        credits=product.credits,
        unit=product.unit,
    )


def checkout_out(checkout: Checkout) -> CheckoutOut:
    product: Any = checkout.product
    status: Any = checkout.status
    return CheckoutOut(
        id=checkout.id,
        product=product,
        status=status,
        price=price_text(checkout.amount, checkout.currency),
        amount=checkout.amount,
        currency=checkout.currency,
        credits=checkout.credits,
        credits_revoked=checkout.revoked,
        created_at=checkout.created_at,
        url=checkout.url if checkout.status == "open" else None,
        paid_at=checkout.paid_at,
        paid=checkout.paid,
        paid_text=price_text(checkout.paid, checkout.currency),
        refunded=checkout.refunded,
        refunded_text=price_text(checkout.refunded, checkout.currency),
        topic=checkout.topic,
        wished=checkout.generate_on_payment,
        generation_request_id=checkout.generation_request_id,
        wish_given_up=checkout.generation_abandoned_at is not None,
    )


def balance_out(balance: CreditBalance) -> BalanceOut:
    product: Any = balance.product
    return BalanceOut(
        product=product,
        left=balance.left,
        held=balance.held,
        granted=balance.granted,
        used=balance.used,
        revoked=balance.revoked,
    )


def entry_out(entry: CreditEntry) -> EntryOut:
    kind: Any = entry.kind
    product: Any = entry.product
    moved = (entry.granted, entry.held, entry.used, entry.revoked)
    return EntryOut(
        at=entry.at,
        kind=kind,
        product=product,
        credits=max(abs(credits) for credits in moved),
        left_change=entry.granted - entry.held - entry.used - entry.revoked,
        checkout_id=entry.checkout_id,
        request_id=entry.request_id,
    )
