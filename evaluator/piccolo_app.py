"""The tables of all rooms: one set of migrations serves both engines."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

ROOMS = ("units", "ledger", "accounts", "collection", "assessment", "records", "rating", "workbench", "publication")

APP_CONFIG = AppConfig(
    app_name="evaluator",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder([f"evaluator.{room}.tables" for room in ROOMS]),
    migration_dependencies=[],
)
