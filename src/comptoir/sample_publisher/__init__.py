"""A small publisher of SaaS: landing page, webhook receiver and metering, to start one's own from.

It knows the marketplace only by its public APIs (SaaS Fulfillment v2, metering, the token service) and holds
everything in memory. ``marketplace.py`` calls the marketplace, ``site.py`` is what a browser and the
marketplace call, ``book.py`` remembers, ``pages.py`` draws.
"""
