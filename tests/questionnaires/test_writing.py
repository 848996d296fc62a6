"""Writing YAML: what is written is read back as an equal questionnaire."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.document import Entries, Scalar, read
from questionnaires.loading import load_shipped, loads, shipped
from questionnaires.support import unsupported_in_campaign
from questionnaires.writing import dumps, flow

FULL = """\
code: full
version: "1"
languages: [zh, en]
translating: [en]
title: {zh: "全", en: "Full", from: {en: "0a1b2c3d"}}
lists:
  yes_no:
    - {code: "yes", text: {zh: "是", en: "Yes"}}
    - {code: "no", text: {zh: "否"}}
sections:
  - code: one
    title: {zh: "一"}
    show: one_by_one
    items:
      - {code: intro, type: note, text: {zh: "您好"}}
      - code: where
        type: group
        title: {zh: "哪里"}
        together: true
        appearance: w4
        items:
          - code: province
            type: single
            text: {zh: "省"}
            choices:
              - {code: sd, text: {zh: "山东"}}
              - {code: js, text: {zh: "江苏"}}
          - code: city
            type: single
            relevant: "${province} != ''"
            choice_filter: "province = ${province}"
            text: {zh: "市"}
            choices:
              - {code: jn, columns: {province: sd}, text: {zh: "济南"}}
              - {code: nj, columns: {province: js}, text: {zh: "南京"}}
          - code: inner
            type: group
            relevant: "${city} = 'jn'"
            items:
              - {code: age, type: integer, range: [0, 120], step: 5, constraint: ". mod 5 = 0", text: {zh: "岁"},
                 constraint_message: {zh: "每五岁"}, required: true, required_message: {zh: "请填"}, default: "20"}
      - code: views
        type: matrix
        text: {zh: "看法"}
        choices: yes_no
        statements:
          - {code: v1, text: {zh: "甲"}}
          - {code: v2, text: {zh: "乙"}, relevant: "${v1} = 'yes'"}
      - {code: income, type: decimal, range: [0.5, 99.5], step: 0.5, text: {zh: "收入"}, guidance: {zh: "万元"}}
      - {code: day, type: date, default_from: "today()", text: {zh: "日期 ${age}"}}
      - {code: double, type: calculate, calculate: "${age} * 2"}
      - {code: secret, type: hidden, default: x}
      - {code: began, type: metadata, kind: start}
      - {code: agree, type: acknowledge, text: {zh: "同意"}, required: "${double} > 1"}
      - {code: fixed, type: text, readonly: true, default: "ab", appearance: multiline, text: {zh: "定"}, max_length: 9}
      - {code: again, type: single, choices: yes_no, reverse_half: true, text: {zh: "再？"},
         source: {zh: "自拟"}, tested: {zh: "未测试"}}
      - code: children
        type: repeat
        count: "${age} div 20"
        items:
          - {code: child, type: text, text: {zh: "孩子"}}
          - {code: order, type: rank, text: {zh: "排序"}, choices: yes_no}
  - code: two
    title: {zh: "二"}
    relevant: "${age} > 1"
    note: {zh: "注"}
    items:
      - {code: place, type: geopoint, text: {zh: "位置"}}
      - {code: proof, type: file, kind: image, text: {zh: "照片"}}
"""


@pytest.mark.parametrize("code", shipped())
def test_every_shipped_questionnaire_is_written_and_read_back_equal(code: str) -> None:
    questionnaire = load_shipped(code)
    assert loads(dumps(questionnaire)) == questionnaire


def test_a_campaign_is_refused_by_the_name_of_what_it_cannot_ask() -> None:
    refused = [mistake.message() for mistake in unsupported_in_campaign(loads(FULL))]
    assert [message.split(";")[0] for message in refused] == [
        "children is asked repeatedly",
        "order asks for an order",
        "place asks for a place",
        "proof asks for a file",
    ]
    assert unsupported_in_campaign(load_shipped("sd-citizen")) == ()


def test_everything_a_questionnaire_can_hold_is_written_and_read_back_equal() -> None:
    questionnaire = loads(FULL)
    assert loads(dumps(questionnaire)) == questionnaire
    assert dumps(loads(dumps(questionnaire))) == dumps(questionnaire)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_every_text_survives_for_us_and_for_other_readers(text: str) -> None:
    line = flow({"a": text, "b": [text, None]})
    root = read(line, "x")
    assert isinstance(root, Entries)
    value = root.pairs[0][1]
    assert isinstance(value, Scalar)
    assert value.value == text
    if not text.replace(".", "").replace("-", "").isdigit() and text.casefold() not in ("true", "false"):
        read_elsewhere = yaml.safe_load(line)["a"]
        assert read_elsewhere == text or not isinstance(read_elsewhere, str)
