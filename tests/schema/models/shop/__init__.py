"""A model set with most of what neomodel can declare, in the sync world."""

from shop.people import Customer, Person
from shop.things import Product

__all__ = ["Customer", "Person", "Product"]
