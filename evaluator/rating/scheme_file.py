"""Reading a scheme from YAML, with the line of every mistake and what would be right.

Codes are taken as they are written (`no`, `010` and `2026.1` stay text); words that explain (`formula`, `basis`,
`estimators` ...) are accepted and kept where the scheme has a place for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from evaluator.rating import scheme_form as form
from evaluator.rating.defects import InputError, likely
from evaluator.rating.scheme import (
    Aggregation,
    Citizens,
    Grades,
    Group,
    Label,
    Missing,
    Normalisation,
    Publication,
    Ranks,
    Records,
    Scheme,
    Sensitivity,
    Sobol,
    Treatment,
    Uncertainty,
)
from evaluator.rating.scheme_indicators import METHODS, read_indicators, read_treatment
from evaluator.rating.scheme_records import read_records, read_vetoes
from evaluator.rating.scheme_tree import (
    exponent_of,
    mean_of,
    means_fit,
    no_empty_nodes,
    read_nodes,
    warn_of_sums,
    weights_by_level,
)
from evaluator.rating.yaml_nodes import CODE, Node, Reader

T = TypeVar("T")

_SCREENINGS = {
    "main": "main",
    "all responses": "main",
    "half": "half",
    "flagged half weight": "half",
    "without": "without",
    "flagged left out": "without",
}
IMPUTE = ("none", "predictive", "mean", "median", "nearest")


@dataclass(frozen=True, slots=True)
class Reading:
    """A scheme, and what its author should know although it can be used: a line each, `FILE:LINE what; what to do`."""

    scheme: Scheme
    warnings: tuple[str, ...]


def load_scheme(path: Path) -> Scheme:
    """Read and check a scheme file.

    Raises InputError with every defect as `FILE:LINE what; what would be right`.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError([f"{path} cannot be read ({error.strerror}); give the path of a scheme file"]) from error
    except UnicodeDecodeError as error:
        raise InputError([f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8"]) from error
    return parse_scheme(text, str(path))


def parse_scheme(text: str, name: str = "scheme.yaml") -> Scheme:
    """Read and check a scheme's text; `name` stands in the messages."""
    return examine_scheme(text, name).scheme


def examine_scheme(text: str, name: str = "scheme.yaml") -> Reading:
    """The same, with the warnings."""
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InputError([f"{name}:{line} is not YAML: {error.problem or error.context}; mend the syntax"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise InputError([f"{name}:1 is not YAML: {told}; mend the syntax"]) from error
    reader = Reader(name)
    if root is None:
        raise InputError([f"{name}:1 is empty; a scheme needs levels, dimensions, indicators and aggregation"])
    scheme = _scheme(Node(reader, root, "the scheme"))
    if reader.defects:
        raise InputError([text for _, text in sorted(reader.defects, key=lambda defect: defect[0])])
    return Reading(scheme, tuple(text for _, text in sorted(reader.warnings, key=lambda one: one[0])))


def _scheme(root: Node) -> Scheme:
    fields = root.fields(form.keys(form.SchemeForm))
    for name in ("levels", "dimensions", "indicators", "aggregation"):
        if name not in fields:
            root.wrong(f"the scheme has no {name!r}", "levels, dimensions, indicators and aggregation are needed")
    levels = _labels(fields.get("levels"))
    tasks = _labels(fields.get("tasks"))
    normalisation = _part(fields, "normalisation", _normalisation, Normalisation())
    treatment = _part(fields, "treatment", read_treatment, Treatment())
    weighting = fields["weights"].choice(("given", "equal", "relative")) if "weights" in fields else "given"
    nodes, places = read_nodes(fields.get("dimensions"), weighting)
    indicators = read_indicators(fields.get("indicators"), levels, nodes, tasks, normalisation, treatment, weighting)
    no_empty_nodes(nodes, places, indicators)
    weights = weights_by_level(fields.get("weights_by_level"), levels, nodes, indicators)
    aggregation = _part(fields, "aggregation", _aggregation, Aggregation())
    means_fit(fields, nodes, places, normalisation, aggregation)
    if weighting == "given" and not root.reader.defects:
        warn_of_sums(nodes, places, indicators, levels, weights, fields)
    grades = _part(fields, "grades", _grades, Grades())
    vetoes = read_vetoes(fields.get("vetoes"), [grade for grade, _ in grades.bands])
    code = fields["code"].code() if "code" in fields else "scheme"
    return Scheme(
        code=code,
        version=fields["version"].text() if "version" in fields else "1",
        title=fields["title"].label() if "title" in fields else Label(zh=code, en=code),
        levels=levels,
        dimensions=tuple(one for one in nodes if not one.parent),
        nodes=tuple(one for one in nodes if one.parent),
        indicators=indicators,
        tasks=tasks,
        treatment=treatment,
        weights=weighting,  # type: ignore[arg-type]  # one of the three
        groups=_groups(fields.get("groups")),
        citizens=_part(fields, "citizens", _citizens, Citizens()),
        weights_by_level=weights,
        normalisation=normalisation,
        aggregation=aggregation,
        missing=_part(fields, "missing", _missing, Missing()),
        records=_part(fields, "records", lambda node: read_records(node, indicators, vetoes), Records()),
        vetoes=vetoes,
        grades=grades,
        ranks=_part(fields, "ranks", _ranks, Ranks()),
        uncertainty=_part(fields, "uncertainty", _uncertainty, Uncertainty()),
        sensitivity=_part(fields, "sensitivity", _sensitivity, Sensitivity()),
        publication=_part(fields, "publication", _publication, Publication()),
    )


def _part(fields: dict[str, Node], name: str, read: Callable[[Node], T], default: T) -> T:
    return read(fields[name]) if name in fields else default


def _labels(node: Node | None) -> dict[str, Label]:
    labels = {}
    for code, entry in node.items() if node else ():
        if not CODE.fullmatch(code):
            entry.wrong(f"{entry.what}: {code!r} is not a code", "use Latin letters, digits, _ - . and no spaces")
        labels[code] = Label(zh=code, en=code) if entry.is_blank() else entry.label()
    if node and not labels:
        node.wrong(f"{node.what} is empty", "write at least one `code: name`")
    return labels


def _groups(node: Node | None) -> tuple[Group, ...]:
    found = []
    for code, entry in node.items() if node else ():
        entry.what = f"group {code!r}"
        if not CODE.fullmatch(code):
            entry.wrong(f"a group is called {code!r}", "use Latin letters, digits, _ - . and no spaces")
        fields = entry.fields(form.keys(form.GroupForm))
        if "item" not in fields or "choices" not in fields:
            entry.wrong(f"{entry.what} does not say who is in it", "write `item: QUESTION` and `choices: [CODE, ...]`")
            continue
        found.append(
            Group(
                code=code,
                item=fields["item"].code(),
                choices=fields["choices"].codes(),
                name=fields["name"].label() if "name" in fields else Label(zh=code, en=code),
            )
        )
    return tuple(found)


def _citizens(node: Node) -> Citizens:
    fields = node.fields(form.keys(form.CitizensForm))
    return Citizens(previous_edition=fields["previous_edition"].truth() if "previous_edition" in fields else False)


def _normalisation(node: Node) -> Normalisation:
    fields = node.fields(form.keys(form.NormalisationForm))
    scale = fields["scale"].pair() if "scale" in fields else None
    if scale and scale[0] >= scale[1]:
        fields["scale"].wrong(f"{fields['scale'].what} is {list(scale)}", "write [worst, best], for example [0, 100]")
    return Normalisation(
        method=fields["method"].choice(METHODS) if "method" in fields else "goalposts",  # type: ignore[arg-type]
        scale=scale or (0.0, 100.0),
        clip=fields["clip"].truth() if "clip" in fields else True,
        mean=fields["mean"].number() if "mean" in fields else 0.0,
        sd=fields["sd"].number(above=0) if "sd" in fields else 1.0,
    )


def _aggregation(node: Node) -> Aggregation:
    fields = node.fields(form.keys(form.AggregationForm))
    return Aggregation(**{key: mean_of(value) for key, value in fields.items() if key != "note"})


def _missing(node: Node) -> Missing:
    fields = node.fields(form.keys(form.MissingForm))
    impute, by, neighbours = _impute(fields["impute"]) if "impute" in fields else ("none", "level", 3)
    return Missing(
        min_present=fields["min_present"].whole(1) if "min_present" in fields else 1,
        min_weight_present=fields["min_weight_present"].number(0, 1) if "min_weight_present" in fields else 0.0,
        dimension_min=fields["dimension_min"].number(0, 1) if "dimension_min" in fields else 0.0,
        impute=impute,  # type: ignore[arg-type]  # one of the words
        by=by,
        neighbours=neighbours,
    )


def _impute(node: Node) -> tuple[str, str, int]:
    """How gaps are filled, over which units, and from how many neighbours."""
    if not node.is_mapping():
        words = node.text().split()  # words after the first explain
        if not words or words[0] not in IMPUTE:
            node.wrong(f"{node.what} is {' '.join(words)!r}", f"write {', '.join(IMPUTE[:-1])} or {IMPUTE[-1]}")
            return "none", "level", 3
        return words[0], "level", 3
    fields = node.fields(form.keys(form.ImputeForm))
    if "method" not in fields:
        node.wrong(f"{node.what} has no method", f"write `method: ...`; {likely('', IMPUTE)}")
        return "none", "level", 3
    method = fields["method"].choice(IMPUTE)
    by = fields["by"].text() if "by" in fields else "level"
    if not re.fullmatch(r"level|parent|x_.+", by):
        fields["by"].wrong(f"{fields['by'].what} is {by!r}", "write level, parent or an x_ column of units")
    elif by != "level" and method in ("none", "predictive"):
        fields["by"].wrong(f"{node.what} is {method} by {by}", "only mean, median and nearest take groups")
    if "neighbours" in fields and method != "nearest":
        fields["neighbours"].wrong(f"{node.what} has neighbours but is {method}", "they belong to nearest")
    return method, by, fields["neighbours"].whole(2, 1000) if "neighbours" in fields else 3


def _grades(node: Node) -> Grades:
    fields = node.fields(form.keys(form.GradesForm))
    bands = []
    for grade, limit in fields["bands"].items() if "bands" in fields else ():
        limit.what = f"the lower limit of grade {grade!r}"
        bands.append((grade, limit.number()))
        if len(bands) > 1 and bands[-1][1] >= bands[-2][1]:
            limit.wrong(
                f"grade {grade!r} begins at {bands[-1][1]:g}, not below {bands[-2][0]!r} at {bands[-2][1]:g}",
                "write the bands from the best down, each with a lower limit",
            )
    tiers = fields["tiers"].fields(form.keys(form.TiersForm)) if "tiers" in fields else {}
    if "method" in tiers:
        tiers["method"].choice(("kline-rose-walters",))
    misordered = tiers.get("max_misordered_of_separated_pairs")
    return Grades(
        bands=tuple(bands),
        min_reliability=fields["min_reliability"].number(0, 1) if "min_reliability" in fields else 0.5,
        move_probability=fields["move_probability"].number(0.5, 1) if "move_probability" in fields else 0.8,
        max_misordered=misordered.number(0, 0.5) if misordered else 0.05,
    )


def _ranks(node: Node) -> Ranks:
    fields = node.fields(form.keys(form.RanksForm))
    if "method" in fields:
        fields["method"].choice(("mogstad-romano-shaikh-wilhelm",))
    if "publish_point_rank" in fields and fields["publish_point_rank"].truth():
        fields["publish_point_rank"].wrong("point ranks are asked for", "they are never published; leave it out")
    return Ranks(
        coverage=fields["coverage"].number(0.5, 0.999) if "coverage" in fields else 0.95,
        credible_above=fields["credible_above"].whole(0) if "credible_above" in fields else 300,
    )


def _uncertainty(node: Node) -> Uncertainty:
    fields = node.fields(form.keys(form.UncertaintyForm))
    return Uncertainty(
        draws=fields["draws"].whole(2) if "draws" in fields else 4096,
        interval=fields["interval"].number(0.5, 0.999) if "interval" in fields else 0.95,
    )


def _sensitivity(node: Node) -> Sensitivity:
    fields = node.fields(form.keys(form.SensitivityForm))
    concentration = None
    if "weights" in fields:
        weights = fields["weights"].fields(form.keys(form.DrawnWeightsForm))
        if "as" in weights:
            weights["as"].choice(("dirichlet",))
        concentration = weights["concentration"].number(above=0) if "concentration" in weights else 60.0
    widened = []
    for element in fields["normalisation"].elements() if "normalisation" in fields else ():
        words = re.fullmatch(r"goalposts(?: widened by ([0-9.]+) ?%)?", element.text())
        if not words:
            element.wrong(f"{element.what} is {element.text()!r}", "write `goalposts` or `goalposts widened by 10 %`")
        elif words[1]:
            widened.append(float(words[1]) / 100)
    screening: list[Any] = []
    for element in fields["screening"].elements() if "screening" in fields else ():
        screening.append(_SCREENINGS[element.choice(_SCREENINGS)])
    sobol = None
    if "sobol" in fields and not (
        not fields["sobol"].is_mapping() and fields["sobol"].text() in ("false", "no", "none")
    ):
        parts = fields["sobol"].fields(form.keys(form.SobolForm))
        sobol = Sobol(bootstrap=parts["bootstrap"].whole(0) if "bootstrap" in parts else 500)
    return Sensitivity(
        dirichlet_concentration=concentration,
        aggregation=tuple(exponent_of(element) for element in fields["aggregation"].elements())
        if "aggregation" in fields
        else (),
        goalposts_widened=tuple(widened),
        screening=tuple(dict.fromkeys(screening)) or ("main",),
        sobol=sobol,
    )


def _publication(node: Node) -> Publication:
    fields = node.fields(form.keys(form.PublicationForm))
    citizen = fields["citizen"].fields(form.keys(form.CitizenLimits)) if "citizen" in fields else {}
    assessor = fields["assessor"].fields(form.keys(form.AssessorLimits)) if "assessor" in fields else {}
    return Publication(
        decimals=fields["decimals"].whole(0, 6) if "decimals" in fields else 1,
        citizen_min_reliability=citizen["min_reliability"].number(0, 1) if "min_reliability" in citizen else 0.0,
        cell_min=citizen["cell_min"].whole(0) if "cell_min" in citizen else 0,
        max_interval_width=citizen["max_interval_width"].number(above=0) if "max_interval_width" in citizen else None,
        min_assessors=assessor["min_assessors"].whole(1) if "min_assessors" in assessor else 1,
        assessor_min_reliability=assessor["min_reliability"].number(0, 1) if "min_reliability" in assessor else 0.0,
        min_level_units=fields["min_level_units"].whole(0) if "min_level_units" in fields else 8,
        reply_days=fields["reply_days"].whole(0, 365) if "reply_days" in fields else 0,
    )
