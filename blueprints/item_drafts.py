"""Between a credential's form and the services: what was typed as contents, what is stored as a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from wtforms import Field as FormField

from errors import Conflict, Invalid
from forms.fields import choices
from forms.items import CUSTOM_KINDS, STORED_KINDS, CustomFieldForm, ItemForm
from services.contents import TYPE_FIELDS, Contents, Field, ItemType, Kind, Overview

TYPES = tuple((type_.value, type_.label) for type_ in ItemType)


@dataclass(frozen=True, slots=True)
class Line:
    """A value's place in the form.

    Args:
        types: the types that have the field, as the page's script compares them.
        on: whether the type that is shown has it.
        filled: whether something is stored, which an empty field keeps.
        cleared: whether the person has ticked that it is to be emptied.
    """

    field: FormField
    types: str
    on: bool
    filled: bool
    cleared: bool


def key_of(field_name: str) -> str:
    """Return what the form calls a field that items call *field_name*."""
    return field_name.lower().replace(" ", "_")


def read_type(text: str | None) -> ItemType:
    """Return the type that an address or a form names; a login where it names none."""
    return next((type_ for type_ in ItemType if type_.value == text), ItemType.LOGIN)


def new_form(wanted: str | None) -> ItemForm:
    """Return the form for a new credential of the *wanted* type."""
    type_ = read_type(wanted).value
    form = ItemForm(type=type_, shown=type_)
    form.type.choices = choices(TYPES)
    return form


def edit_form(overview: Overview, version: int) -> ItemForm:
    """Return the form for a stored credential. It is filled from the overview and holds no value at all."""
    form = ItemForm(
        version=version,
        name=overview.name,
        user_name=overview.user_name,
        urls="\n".join(overview.urls),
        tags=", ".join(overview.tags),
        expires_on=overview.expires_on,
        custom=[
            {"was": shape.name, "name": shape.name, "kind": shape.kind.value}
            for shape in overview.shapes
            if shape.custom
        ],
    )
    # A stored credential keeps its type, and a field of it the kind that nobody can choose here.
    del form.type
    kinds = {shape.name: shape.kind.value for shape in overview.shapes if shape.custom}
    for row in _rows(form):
        kind = kinds.get(row.was.data or "", "")
        if kind in STORED_KINDS:
            row.kind.choices = choices([*CUSTOM_KINDS, (kind, STORED_KINDS[kind])])
    return form


def lines(form: ItemForm, type_: ItemType, overview: Overview | None = None) -> list[Line]:
    """Return the places of the values: for a new credential those of all types, else those of its own."""
    filled = (
        {shape.name for shape in overview.shapes if shape.filled and not shape.custom} if overview else ()
    )
    found = []
    for field in form:
        types = [one.value for one in ItemType if field.label.text in _names_of(one)]
        on = type_.value in types
        if on or (types and overview is None):
            cleared = field.label.text in (form.clear.data or ())
            found.append(Line(field, " ".join(types), on, field.label.text in filled, cleared))
    return found


def _names_of(type_: ItemType) -> frozenset[str]:
    return frozenset(spec.name for spec in TYPE_FIELDS[type_])


def wants_more(form: ItemForm) -> bool:
    """Whether the form was sent only to be shown again with more or other fields; makes it ready for that."""
    if form.add_field.data:
        form.custom.append_entry()
    another = "type" in form and form.type.data != form.shown.data
    if another:
        form.shown.data = form.type.data
    return bool(another or form.add_field.data or form.show_fields.data)


def contents_of(form: ItemForm, type_: ItemType) -> Contents:
    """Return what was typed; of the fields only those of *type_* are read."""
    typed = [Field(spec.name, spec.kind, form[key_of(spec.name)].data or "") for spec in TYPE_FIELDS[type_]]
    own = [
        Field(row.name.data or "", Kind(row.kind.data), row.value.data or "", custom=True)
        for row in _rows(form)
        if not row.remove.data and (row.name.data or row.value.data)
    ]
    return Contents(
        name=(form.name.data or "").strip(),
        type=type_,
        user_name=(form.user_name.data or "") if type_.has_account else "",
        urls=tuple((form.urls.data or "").split("\n")) if type_.has_account else (),
        tags=tuple((form.tags.data or "").split(",")),
        expires_on=form.expires_on.data,
        fields=(*typed, *own),
    )


def cleared(form: ItemForm, overview: Overview) -> frozenset[str]:
    """Return the names of stored fields to empty, and of the person's own ones to remove."""
    own = _own_names(overview)
    removed = {row.was.data for row in _rows(form) if row.remove.data}
    emptied = set(form.clear.data or ())
    return frozenset(name for name in removed | emptied if name and (name in removed) == (name in own))


def renamed(form: ItemForm, overview: Overview) -> dict[str, str]:
    """Return the new names of the person's own fields by their stored names."""
    own = _own_names(overview)
    return {
        row.was.data: row.name.data or ""
        for row in _rows(form)
        if row.was.data in own and row.was.data != row.name.data and not row.remove.data
    }


def refuse(form: ItemForm, error: Invalid | Conflict) -> HTTPStatus:
    """Show *error* where it belongs in the form, and return the status of the answer."""
    if isinstance(error, Conflict):
        form.blame(Invalid(str(error), "name"))
        return HTTPStatus.CONFLICT
    row = next((row for row in _rows(form) if row.name.data == error.field), None)
    if row is not None:
        row.value.errors = [str(error)]
    form.blame(Invalid(str(error), None if row else key_of(error.field or "")))
    return HTTPStatus.UNPROCESSABLE_ENTITY


def _rows(form: ItemForm) -> Iterable[CustomFieldForm]:
    return (entry.form for entry in form.custom)


def _own_names(overview: Overview) -> set[str]:
    return {shape.name for shape in overview.shapes if shape.custom}
