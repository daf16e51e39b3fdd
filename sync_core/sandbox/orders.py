"""Made-up orders with their lines and refunds; nothing stored, always the same, money to the cent."""

from __future__ import annotations

from sync_core.sandbox.draws import LINE_STRIDE, REFUND_STRIDE, draw
from sync_core.sandbox.factory import Factory, Products
from sync_core.sandbox.moments import iso
from sync_core.sandbox.rows import Ref, bag, gid
from sync_core.sandbox.settings import ShopSettings
from sync_core.sandbox.table import Made, Row

TAX_PERCENT, SHIPPING_CENTS, FREE_SHIPPING_CENTS = 8, 695, 10_000
REFUND_PERCENT, DISCOUNT_PERCENT, CANCEL_PERCENT, GUEST_PERCENT = 8, 15, 2, 10


class Orders(Factory):
    """Made-up orders: lines refer to the shop's own products, money adds up to the cent."""

    kind, salt = "Order", 3

    def __init__(self, settings: ShopSettings, size: int, products: Products, customers: int) -> None:
        super().__init__(settings, size)
        self.products, self.customers = products, customers

    def line_count(self, position: int) -> int:
        low, high = self.settings.lines
        return low + draw(self.key ^ 7, position) % (high - low + 1)

    def refund_count(self, position: int) -> int:
        return 1 if draw(self.key ^ 8, position) % 100 < REFUND_PERCENT else 0

    def customer(self, position: int) -> Ref | None:
        bits = draw(self.key ^ 9, position)
        if not self.customers or bits % 100 < GUEST_PERCENT:
            return None
        return Ref("Customer", self.first + (bits >> 8) % self.customers)

    def bought(self, position: int, line: int) -> tuple[int | None, int, int, int]:
        """(product position, variant, quantity, unit price in cents) of one line; None: a product made by hand."""
        bits = draw(self.key ^ 10, position * LINE_STRIDE + line)
        quantity = 1 + (bits >> 40) % 3
        if not len(self.products):
            return None, 0, quantity, 1_000 + bits % 50 * 100
        product = bits % len(self.products)
        variant = (bits >> 32) % self.products.variant_count(product)
        return product, variant, quantity, self.products.price(product, variant)

    def off(self, position: int, total: int) -> int:
        """The discount on a line's total: 10 % on some orders, else nothing."""
        return total // 10 if draw(self.key ^ 11, position) % 100 < DISCOUNT_PERCENT else 0

    def line(self, position: int, line: int) -> Row:
        product, variant, quantity, price = self.bought(position, line)
        total = price * quantity
        off, currency = self.off(position, total), self.settings.currency
        title = "Gift wrapping" if product is None else self.products.title(product)
        options = [] if product is None else self.products.options(product, variant)
        return {
            "__typename": "LineItem",
            "id": gid("LineItem", self.first + position * LINE_STRIDE + line),
            "title": title,
            "name": title,
            "quantity": quantity,
            "currentQuantity": quantity,
            "refundableQuantity": quantity,
            "sku": None if product is None else self.products.sku(product, variant),
            "variantTitle": " / ".join(value for _, value in options) or None,
            "vendor": self.settings.name,
            "product": None if product is None else Ref("Product", self.products.id_at(product)),
            "variant": None if product is None else Ref("ProductVariant", self.products.variant_id(product, variant)),
            "originalUnitPriceSet": bag(price, currency),
            "originalTotalSet": bag(total, currency),
            "discountedTotalSet": bag(total - off, currency),
            "discountedUnitPriceSet": bag((total - off) // quantity, currency),
            "totalDiscountSet": bag(off, currency),
            "requiresShipping": True,
            "taxable": True,
            "isGiftCard": False,
        }

    def refund(self, position: int, refund: int) -> Row:
        number = self.first + position * REFUND_STRIDE + refund
        made = iso((self.created(position) + self.updated(position)) // 2)
        _, _, quantity, price = self.bought(position, 0)
        total, currency = price * quantity, self.settings.currency
        amount = bag(total - self.off(position, total), currency)
        return {
            "__typename": "Refund",
            "id": gid("Refund", number),
            "legacyResourceId": str(number),
            "createdAt": made,
            "processedAt": made,
            "updatedAt": made,
            "note": None,
            "order": Ref("Order", self.id_at(position)),
            "totalRefundedSet": amount,
            "refundLineItems": [
                {
                    "__typename": "RefundLineItem",
                    "id": gid("RefundLineItem", number),
                    "lineItem": self.line(position, 0),
                    "quantity": quantity,
                    "priceSet": bag(price, currency),
                    "subtotalSet": amount,
                    "totalTaxSet": bag(0, currency),
                    "restocked": True,
                    "restockType": "RETURN",
                }
            ],
        }

    def row(self, position: int) -> Row:
        number, currency = self.id_at(position), self.settings.currency
        lines = [self.bought(position, line)[2:] for line in range(self.line_count(position))]
        totals = [quantity * price for quantity, price in lines]
        off = sum(self.off(position, total) for total in totals)
        subtotal = sum(totals) - off
        tax = subtotal * TAX_PERCENT // 100
        shipping = 0 if subtotal >= FREE_SHIPPING_CENTS else SHIPPING_CENTS
        total = subtotal + tax + shipping
        refunds = self.refund_count(position)
        refunded = totals[0] - self.off(position, totals[0]) if refunds else 0
        bits, made = draw(self.key ^ 12, position), iso(self.created(position))
        cancelled = bits % 100 < CANCEL_PERCENT
        quantity = sum(quantity for quantity, _ in lines)
        return {
            "__typename": "Order",
            "id": gid("Order", number),
            "legacyResourceId": str(number),
            "name": f"#{1_001 + position}",
            "number": 1_001 + position,
            "confirmationNumber": f"{bits % 36**8:09X}"[:9],
            "createdAt": made,
            "processedAt": made,
            "updatedAt": iso(self.updated(position)),
            "cancelledAt": iso(self.updated(position)) if cancelled else None,
            "cancelReason": "CUSTOMER" if cancelled else None,
            "closed": False,
            "closedAt": None,
            "test": False,
            "confirmed": True,
            "displayFinancialStatus": "PARTIALLY_REFUNDED" if refunds else ("PAID", "PAID", "PENDING")[bits >> 8 & 1],
            "displayFulfillmentStatus": ("FULFILLED", "FULFILLED", "FULFILLED", "UNFULFILLED")[bits >> 10 & 3],
            "currencyCode": currency,
            "presentmentCurrencyCode": currency,
            "tags": [],
            "sourceName": "web",
            "note": None,
            "email": None,
            "phone": None,
            "customer": self.customer(position),
            "customerLocale": "en",
            "taxesIncluded": False,
            "subtotalLineItemsQuantity": quantity,
            "currentSubtotalLineItemsQuantity": quantity,
            "totalPriceSet": bag(total, currency),
            "originalTotalPriceSet": bag(total, currency),
            "currentTotalPriceSet": bag(total - refunded, currency),
            "netPaymentSet": bag(total - refunded, currency),
            "subtotalPriceSet": bag(subtotal, currency),
            "currentSubtotalPriceSet": bag(subtotal - refunded, currency),
            "totalTaxSet": bag(tax, currency),
            "currentTotalTaxSet": bag(tax, currency),
            "totalDiscountsSet": bag(off, currency),
            "currentTotalDiscountsSet": bag(off, currency),
            "totalShippingPriceSet": bag(shipping, currency),
            "totalRefundedSet": bag(refunded, currency),
            "totalOutstandingSet": bag(0, currency),
            "lineItems": Made(lambda line: self.line(position, line), len(lines)),
            "refunds": Made(lambda refund: self.refund(position, refund), refunds),
        }
