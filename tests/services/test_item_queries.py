"""The prepared statements: none forgets whose rows it may touch."""

from __future__ import annotations

import pytest
from sqlalchemy import Delete, Insert, Select, Update

from services import item_queries

OF_ALL = {"EXPIRED_PLACES"}
"""What maintenance asks on purpose of every organization."""

STATEMENTS = {
    name: statement
    for name, statement in vars(item_queries).items()
    if isinstance(statement, Select | Update | Delete) and name.isupper()
}


def test_the_statements_are_found():
    assert len(STATEMENTS) >= 15


@pytest.mark.parametrize("name", sorted(set(STATEMENTS) - OF_ALL))
def test_a_statement_is_bound_to_one_organization(name):
    compiled = STATEMENTS[name].compile()
    where = str(compiled).partition("WHERE")[2]

    assert {"organization_id", "own_organization_id"} & set(compiled.params)
    assert "organization_id" in where


@pytest.mark.parametrize("name", [name for name, it in vars(item_queries).items() if isinstance(it, Insert)])
def test_an_inserted_row_names_its_organization(name):
    assert "organization_id" in vars(item_queries)[name].table.c
