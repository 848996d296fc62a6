"""The expression language of the questionnaires: ODK XPath without node sets. See docs/expressions.md.

    tree        what an expression is: nodes, walking, writing out, the compact form for the browser
    signatures  every function: how many arguments; and those that are refused, with the reason
    parsing     text -> tree, or a refusal with its position and a suggestion
    values      the four kinds of values and what each is as a number, a truth, a text
    moments     dates and times: days since 1970, reading, writing
    patterns    regular expressions, matched in linear time
    functions   what every function gives
    meaning     tree -> closures over the answers and the context

Import from `questionnaires.expression` (parse) and `questionnaires.evaluation` (evaluate). The page has the same
evaluator in `evaluator/static/expressions.js`; tests/questionnaires/expression_cases.json is run by both.
"""
