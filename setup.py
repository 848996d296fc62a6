"""Which packages a wheel has; pyproject.toml says all else.

The pages' templates lie beside the packages here, and inside `evaluator` there: no other project shall find a folder
`templates` among the installed ones.
"""

from setuptools import find_namespace_packages, setup

packages = find_namespace_packages(include=["evaluator*", "methods*", "questionnaires*"])
templates = ["templates", *(f"templates.{name}" for name in find_namespace_packages("templates"))]
setup(
    packages=[*packages, *(f"evaluator.{name}" for name in templates)],
    package_dir={"evaluator.templates": "templates"},
)
