"""An XForm as pyxform writes it: the tree of its answers, and what its binds, controls and texts say of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree import ElementTree

from questionnaires.xlsform.shielding import unshield

XF = "{http://www.w3.org/2002/xforms}"
HTML = "{http://www.w3.org/1999/xhtml}"
JR = "{http://openrosa.org/javarosa}"
ODK = "{http://www.opendatakit.org/xforms}"
CONTROLS = ("input", "select1", "select", "rank", "range", "trigger", "upload", "secret")
FIRST_LOAD, NEW_REPEAT, CHANGED = "odk-instance-first-load", "odk-new-repeat", "xforms-value-changed"


class NotAFormError(ValueError):
    """The text is no XForm."""


@dataclass(slots=True)
class Answer:
    """A place for an answer, or a group of such places."""

    path: str
    name: str
    text: str = ""
    parts: list[Answer] = field(default_factory=list)


@dataclass(slots=True)
class XForm:
    """All of a form that matters here."""

    root: str  # path of all, such as /data
    title: str
    identifier: str
    version: str
    languages: tuple[str, ...]  # as named in the file, the default one first; () when it names none
    answers: list[Answer]
    meta: list[Answer]
    texts: dict[str, dict[str, ElementTree.Element]] = field(default_factory=dict)  # (id, then form) of a language
    binds: dict[str, dict[str, str]] = field(default_factory=dict)
    controls: dict[str, ElementTree.Element] = field(default_factory=dict)
    groups: dict[str, ElementTree.Element] = field(default_factory=dict)
    repeats: dict[str, ElementTree.Element] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)  # what a value is at first: expression by path
    changed: dict[str, tuple[str, list[str]]] = field(default_factory=dict)  # expression, and paths that it follows
    actions: dict[str, str] = field(default_factory=dict)  # what a device does for a value: setgeopoint, recordaudio
    lists: dict[str, list[ElementTree.Element]] = field(default_factory=dict)

    def said(self, element: ElementTree.Element | None, form: str = "") -> dict[str, ElementTree.Element]:
        """The texts of a label or hint by language; "" for the language of a form that names none."""
        if element is None:
            return {}
        reference = element.get("ref", "")
        if reference.startswith("jr:itext("):
            return self.itext(reference[len("jr:itext(") : -1].strip("'\""), form)
        return {} if form else {"": element}

    def itext(self, name: str, form: str = "") -> dict[str, ElementTree.Element]:
        """The texts with an identifier, by language."""
        found = {}
        for language in self.languages:
            value = self.texts.get(f"{language}\n{name}", {}).get(form)
            if value is not None:
                found[language] = value
        return found


def read_xform(xml: str) -> XForm:
    """Parse an XForm.

    Raises
    ------
    NotAFormError
        When it is not well formed, or without a model.
    """
    try:
        document = ElementTree.fromstring(xml)  # noqa: S314 - pyxform has just written it, without any DTD
    except ElementTree.ParseError as error:
        raise NotAFormError(str(error)) from None
    model = document.find(f"{HTML}head/{XF}model")
    body = document.find(f"{HTML}body")
    instance = None if model is None else model.find(f"{XF}instance")
    if model is None or body is None or instance is None or not len(instance):
        raise NotAFormError("no model")
    root = instance[0]
    path = "/" + _local(root.tag)
    answers, meta = _answers(root, path)
    found = XForm(
        root=path,
        title=unshield(document.findtext(f"{HTML}head/{HTML}title") or ""),
        identifier=root.get("id", ""),
        version=root.get("version", ""),
        languages=_languages(model),
        answers=answers,
        meta=meta,
    )
    _read_texts(found, model)
    for bind in model.findall(f"{XF}bind"):
        found.binds[bind.get("nodeset", "")] = dict(bind.attrib)
    for element in model:
        tag, target = _local(element.tag), element.get("ref", "")
        if tag == "setvalue" and FIRST_LOAD in element.get("event", ""):
            found.first[target] = element.get("value") or (element.text or "")
        elif tag in ("setgeopoint", "recordaudio"):
            found.actions[target] = tag
        elif tag == "instance" and element.get("id") and element.get("src") is None:
            found.lists[element.get("id", "")] = element.findall(f"{XF}root/{XF}item")
    _read_body(found, body)
    return found


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _answers(root: ElementTree.Element, path: str) -> tuple[list[Answer], list[Answer]]:
    """The answers within an element; those of the metadata apart. A repeat stands once."""
    found: dict[str, Answer] = {}
    meta: list[Answer] = []
    for element in root:
        name = _local(element.tag)
        here = f"{path}/{name}"
        parts, inner = _answers(element, here)
        if name == "meta" and not meta and path.count("/") == 1:
            meta = parts
        elif name not in found:
            found[name] = Answer(here, name, unshield((element.text or "").strip()), parts)
            meta += inner
    return list(found.values()), meta


def _languages(model: ElementTree.Element) -> tuple[str, ...]:
    translations = model.findall(f"{XF}itext/{XF}translation")
    ordered = sorted(translations, key=lambda one: one.get("default") is None)
    return tuple(dict.fromkeys(one.get("lang", "") for one in ordered))


def _read_texts(found: XForm, model: ElementTree.Element) -> None:
    for translation in model.findall(f"{XF}itext/{XF}translation"):
        language = translation.get("lang", "")
        for text in translation.findall(f"{XF}text"):
            found.texts[f"{language}\n{text.get('id', '')}"] = {
                value.get("form", ""): value for value in text.findall(f"{XF}value")
            }


def _read_body(found: XForm, body: ElementTree.Element) -> None:
    waiting = [body]
    while waiting:
        element = waiting.pop()
        tag = _local(element.tag)
        target = element.get("ref", "")
        if tag == "group":
            found.groups.setdefault(target, element)
        elif tag == "repeat":
            found.repeats[element.get("nodeset", "")] = element
            for action in element:
                if _local(action.tag) == "setvalue" and NEW_REPEAT in action.get("event", ""):
                    found.first.setdefault(action.get("ref", ""), action.get("value") or (action.text or ""))
        elif tag in CONTROLS:
            found.controls[target] = element
            for action in element:
                if _local(action.tag) == "setvalue" and CHANGED in action.get("event", ""):
                    said = (action.get("value") or (action.text or ""), list[str]())
                    found.changed.setdefault(action.get("ref", ""), said)[1].append(target)
                elif _local(action.tag) == "setgeopoint":
                    found.actions[action.get("ref", "")] = "setgeopoint of another"
                    found.changed.setdefault(action.get("ref", ""), ("", []))[1].append(target)
        else:
            waiting.extend(reversed(element))
            continue
        if tag in ("group", "repeat"):
            waiting.extend(reversed(element))
