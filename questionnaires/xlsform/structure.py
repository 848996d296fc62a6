"""What each part of an XForm is: section, group, matrix or item, its row and its code."""

from __future__ import annotations

from questionnaires.mistakes import shown
from questionnaires.xlsform.headers import OWN
from questionnaires.xlsform.itemsets import itemset_of
from questionnaires.xlsform.nodes import own_text
from questionnaires.xlsform.paths import absolute
from questionnaires.xlsform.sheets import Findings
from questionnaires.xlsform.survey import Columns, Row, rows_of
from questionnaires.xlsform.xform import JR, XF, Answer, XForm

LABEL_NOTE, LABEL_ROW = "generated_table_list_label_", "reserved_name_for_field_list_labels_"


class Structure:
    """Knows the parts of a form."""

    def __init__(self, form: XForm, columns: Columns, note: Findings) -> None:
        self.form = form
        self.columns = columns
        self.note = note
        self.rows: dict[str, Row] = {}
        for row in rows_of(columns):
            if row.control != "end" and row.name:
                self.rows.setdefault(f"{form.root}/{'/'.join(row.path)}", row)
        self.loops = [path for path, row in self.rows.items() if row.kind == "loop"]
        self.generated = self._generated()
        for answer in form.meta:
            if answer.name == "audit":
                self._put_back(answer)
        self.matrices: set[str] = set()
        self._find_matrices(form.answers)

    def row(self, path: str) -> Row | None:
        """The row that a path comes from; pyxform writes what is in a loop once for each choice."""
        if path not in self.rows:
            for loop in self.loops:
                if path.startswith(f"{loop}/"):
                    inner = path[len(loop) + 1 :].partition("/")[2]
                    return self.rows.get(f"{loop}/{inner}" if inner else loop)
        return self.rows.get(path)

    def _generated(self) -> set[str]:
        """Calculations that pyxform adds for the number of repetitions."""
        found = set()
        for at, repeat in self.form.repeats.items():
            path = absolute(repeat.get(f"{JR}count", "").strip(), at)
            if path.endswith("_count") and path not in self.rows:
                found.add(path)
        return found

    def _put_back(self, audit: Answer) -> None:
        """Put the audit, which an XForm has among its metadata, where its row stands."""
        row = self.row(audit.path)
        parts = self.form.answers
        for name in () if row is None else row.around:
            parts = next((answer.parts for answer in parts if answer.name == name), parts)
        numbers = [0 if (one := self.row(answer.path)) is None else one.number for answer in parts]
        before = [number for number in numbers if row is None or number < row.number]
        parts.insert(len(before), audit)

    def _find_matrices(self, answers: list[Answer]) -> None:
        for answer in answers:
            if self._is_matrix(answer):
                self.matrices.add(answer.path)
            else:
                self._find_matrices(answer.parts)

    def _is_matrix(self, answer: Answer) -> bool:
        """Whether a group asks for the same choices of several statements: a table-list, or what looks like one."""
        if not answer.parts or answer.path in self.form.repeats:
            return False
        members, header = self.members(answer)
        own = self.own_text_of(answer, "type")
        said = own == "matrix"
        if own == "group" or not (header or said) or not members or self.title_of(answer, header) is None:
            return False
        lists = set()
        for member in members:
            control = self.form.controls.get(member.path)
            itemset = None if control is None else itemset_of(control)
            if control is None or itemset is None or member.parts or not control.tag.endswith(("select1", "select")):
                return False
            if (itemset.filter and not said) or self.own_text_of(member, "type"):
                return False
            lists.add((itemset.list, control.tag))
        return len(lists) == 1

    def members(self, answer: Answer) -> tuple[list[Answer], str]:
        """The statements of a matrix, and the path of the row of labels; "" when it has none."""
        header = ""
        members: list[Answer] = []
        for part in answer.parts:
            control = self.form.controls.get(part.path)
            words = [] if control is None else control.get("appearance", "").split()
            if part.name.startswith(LABEL_ROW) or (not header and "label" in words and not members):
                header = part.path
            elif not part.name.startswith(LABEL_NOTE):
                members.append(part)
        nolabel = [
            control
            for part in members
            if (control := self.form.controls.get(part.path)) is not None
            and "list-nolabel" in control.get("appearance", "").split()
        ]
        return members, header if len(nolabel) == len(members) else ""

    def title_of(self, answer: Answer, header: str) -> Answer | None:
        """What has the question of a matrix: a generated note, the group itself, or the row of labels."""
        for part in answer.parts:
            if part.name.startswith(LABEL_NOTE):
                return part
        group = self.form.groups.get(answer.path)
        if group is not None and group.find(f"{XF}label") is not None:
            return answer
        control = self.form.controls.get(header)
        label = None if control is None or LABEL_ROW in header else control.find(f"{XF}label")
        return Answer(header, "") if label is not None and (label.get("ref") or (label.text or "").strip()) else None

    def is_group(self, answer: Answer) -> bool:
        return bool(answer.parts) or answer.path in self.form.groups or answer.path in self.form.repeats

    def is_section(self, answer: Answer) -> bool:
        return self.is_group(answer) and answer.path not in self.form.repeats and answer.path not in self.matrices

    def is_note(self, answer: Answer, inside: bool) -> bool:
        """Whether a row is the note of the section that it stands in."""
        return inside and not self.is_group(answer) and self.own_text_of(answer, "part") == "note"

    def own_text_of(self, answer: Answer, key: str) -> str:
        row = self.row(answer.path)
        header = OWN + key
        return own_text(row.cells[header]).strip() if row is not None and header in row.cells else ""

    def codes(self) -> dict[str, str]:
        """The code of every item and every group within a section, by path."""
        wanted: list[tuple[str, str, str]] = []  # path, code, name of the group around

        def walk(answers: list[Answer], around: str, top: bool, inside: bool) -> None:
            for answer in answers:
                if answer.path in self.generated or answer.name.startswith((LABEL_NOTE, LABEL_ROW)):
                    continue
                if self.is_note(answer, inside):
                    continue
                name = self.own_text_of(answer, "code") or answer.name
                if not (top and self.is_section(answer)):
                    wanted.append((answer.path, name, around))
                parts = self.members(answer)[0] if answer.path in self.matrices else answer.parts
                walk(parts, answer.name, False, top and self.is_section(answer))

        walk(self.form.answers, "", True, False)
        count: dict[str, int] = {}
        for _, name, _ in wanted:
            count[name.casefold()] = count.get(name.casefold(), 0) + 1
        taken = {name for name, number in count.items() if number == 1}
        found: dict[str, str] = {}
        for path, name, around in wanted:
            code = name
            if count[name.casefold()] > 1:
                code = f"{around}_{name}" if around else name
                number = 2
                while code.casefold() in taken:
                    code = f"{around}_{name}_{number}" if around else f"{name}_{number}"
                    number += 1
                taken.add(code.casefold())
                if code != name:
                    row = self.row(path)
                    place = (1, 1) if row is None else self.columns.place(row.number, "name")
                    self.note(
                        place, "%(name)s stands in two groups: here it is called %(code)s", "give each its own name",
                        name=shown(name), code=shown(code),
                    )  # fmt: skip
            found[path] = code
        return found
