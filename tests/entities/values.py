"""What the data of an entity may be, as hypothesis draws it."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from alembic_neo4j.entities import Entity

Make = Callable[..., Entity]
"""Makes an entity of a slug, a status and data."""

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)
DATA = st.dictionaries(TEXT, _JSON, max_size=4)
