"""Piccolo reads the engine and the tables from here; `database.connect` replaces the engine."""

from piccolo.conf.apps import AppRegistry

from evaluator.database import make_engine
from evaluator.settings import read_settings

DB = make_engine(read_settings().database)
APP_REGISTRY = AppRegistry(apps=["evaluator.piccolo_app"])
