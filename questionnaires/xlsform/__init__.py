"""XLSForm in and out: forms of ODK, KoboToolbox, SurveyCTO and Ona.

In: `reading` makes sheets of a file's bytes; `checking` refuses what is wrong in them, each with its row; `converting`
has pyxform make an XForm of them; `xform` reads that, `paths` turns its paths into questions, and `building` says it in
the words of our definition. `importing` does all of it.

Out: `rows` says a questionnaire in rows of sheets, `exporting` writes them. What XLSForm has no column for travels in
columns that other programs pass over (`evaluator::KEY`).
"""
