"""Word lists that made-up shops are named and filled from."""

from __future__ import annotations

TRADES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "apparel": (
        ("Washed", "Heavyweight", "Relaxed", "Ribbed", "Brushed", "Cropped", "Tailored", "Everyday", "Quilted", "Boxy"),
        ("Linen", "Merino", "Organic Cotton", "Denim", "Corduroy", "Flannel", "Hemp", "Jersey", "Wool", "Poplin"),
        (
            "Field Shirt",
            "Tee",
            "Overshirt",
            "Trousers",
            "Cardigan",
            "Hoodie",
            "Dress",
            "Scarf",
            "Chore Jacket",
            "Shorts",
        ),
    ),
    "home": (
        ("Hand-Thrown", "Nordic", "Round", "Tall", "Matte", "Glazed", "Woven", "Stackable", "Low", "Ribbed"),
        ("Stoneware", "Oak", "Brass", "Walnut", "Glass", "Linen", "Clay", "Rattan", "Marble", "Wool"),
        (
            "Vase",
            "Serving Bowl",
            "Table Lamp",
            "Candle Holder",
            "Side Table",
            "Throw",
            "Planter",
            "Mirror",
            "Tray",
            "Mug",
        ),
    ),
    "jewellery": (
        ("Fine", "Hammered", "Twisted", "Layered", "Tiny", "Polished", "Vintage", "Textured", "Open", "Double"),
        ("Gold", "Silver", "Moonstone", "Pearl", "Garnet", "Rose Gold", "Opal", "Onyx", "Topaz", "Bronze"),
        ("Hoops", "Signet Ring", "Pendant", "Bangle", "Studs", "Chain Necklace", "Anklet", "Cuff", "Charm", "Brooch"),
    ),
    "coffee": (
        (
            "Washed",
            "Natural",
            "Honey",
            "Dark Roast",
            "Light Roast",
            "Single Origin",
            "Morning",
            "Decaf",
            "House",
            "Winter",
        ),
        ("Ethiopia", "Colombia", "Kenya", "Guatemala", "Brazil", "Rwanda", "Sumatra", "Peru", "Honduras", "Burundi"),
        (
            "Beans",
            "Espresso",
            "Filter Blend",
            "Capsules",
            "Cold Brew Pack",
            "Drip Bags",
            "Sampler",
            "Gift Tin",
            "Roast",
            "Crate",
        ),
    ),
    "outdoor": (
        (
            "Ultralight",
            "Waterproof",
            "Insulated",
            "Packable",
            "Rugged",
            "Trail",
            "Alpine",
            "Four-Season",
            "Compact",
            "Vented",
        ),
        ("Ripstop", "Canvas", "Titanium", "Down", "Cork", "Nylon", "Steel", "Fleece", "Bamboo", "Cordura"),
        (
            "Backpack",
            "Tent",
            "Bottle",
            "Cook Set",
            "Sleeping Bag",
            "Rain Shell",
            "Headlamp",
            "Dry Bag",
            "Camp Chair",
            "Poles",
        ),
    ),
    "beauty": (
        (
            "Gentle",
            "Daily",
            "Brightening",
            "Overnight",
            "Unscented",
            "Calming",
            "Rich",
            "Purifying",
            "Refillable",
            "Soft",
        ),
        ("Oat", "Rose", "Sea Salt", "Aloe", "Chamomile", "Charcoal", "Calendula", "Green Tea", "Jojoba", "Lavender"),
        ("Cleanser", "Face Oil", "Hand Cream", "Body Bar", "Serum", "Toner", "Lip Balm", "Mask", "Scrub", "Shampoo"),
    ),
}
HINTS = {
    "apparel": ("thread", "wear", "cloth", "linen", "knit", "denim", "fashion", "sock"),
    "home": ("home", "oak", "pottery", "lamp", "living", "wood", "ceramic", "garden"),
    "jewellery": ("jewel", "gold", "silver", "ring", "gem", "pearl"),
    "coffee": ("coffee", "roast", "bean", "brew", "espresso"),
    "outdoor": ("trail", "outdoor", "camp", "peak", "alpine", "bike", "surf"),
    "beauty": ("beauty", "skin", "soap", "glow", "care", "botanic"),
}
COLOURS = (
    "Black", "Ecru", "Navy", "Olive", "Rust", "Sand", "Slate", "Clay", "Forest", "Sky", "Plum", "Mustard",
    "Charcoal", "Ivory", "Teal", "Blush", "Cobalt", "Moss", "Brick", "Fog", "Ink", "Honey", "Mint", "Stone",
)  # fmt: skip
SIZES = ("XS", "S", "M", "L", "XL", "XXL")
FIRST_NAMES = (
    "Ada", "Ben", "Chloe", "Dario", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Maya", "Noah",
    "Olga", "Priya", "Quinn", "Rosa", "Sami", "Tara", "Umar", "Vera", "Will", "Xenia", "Yusuf", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Baker", "Costa", "Diaz", "Ekström", "Fischer", "Garcia", "Haddad", "Ivanov", "Jensen", "Kowalski",
    "Lindqvist", "Moreau", "Nakamura", "O'Brien", "Patel", "Quist", "Rossi", "Santos", "Tanaka", "Usman", "Vogel",
    "Walker", "Xu", "Young", "Ziegler",
)  # fmt: skip
VENDORS = ("Harbour & Co", "Northfield", "Studio Alba", "Little Acre", "Marlow", "Fern Works", "Tidewater", "Oxbow")
PLACES = (
    ("Australia/Sydney", "AUD", "AU", "NSW", "Sydney"),
    ("America/New_York", "USD", "US", "NY", "New York"),
    ("America/Los_Angeles", "USD", "US", "CA", "Los Angeles"),
    ("Europe/London", "GBP", "GB", "ENG", "London"),
    ("Europe/Berlin", "EUR", "DE", "BE", "Berlin"),
    ("America/Toronto", "CAD", "CA", "ON", "Toronto"),
    ("Pacific/Auckland", "NZD", "NZ", "AUK", "Auckland"),
    ("Europe/Paris", "EUR", "FR", "IDF", "Paris"),
)
PLANS = ("Basic", "Basic", "Grow", "Grow", "Advanced", "Shopify Plus")
