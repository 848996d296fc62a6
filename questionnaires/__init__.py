"""Questionnaires: definitions, conditions, acceptance of answers and scoring. Pure: no web, no database, no clock.

`loading` makes a `definition` from YAML; `acceptance` takes answers in; `screens` says what to show; `scoring`,
`quality` and `columns` say what a rating needs; `length` counts the questions of each way through.
"""
