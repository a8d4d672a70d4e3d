"""The configuration of the migration tool: `alchemy --config db.migrations.config.alembic`."""

from advanced_alchemy.config import AlembicAsyncConfig, SQLAlchemyAsyncConfig

from db.models import Base
from db.session import DIALECT, create_engine
from settings.process import load_process

config = load_process()

alembic = SQLAlchemyAsyncConfig(
    connection_string=DIALECT,
    create_engine_callable=lambda _, **options: create_engine(config.database_url, **options),
    metadata=Base.metadata,
    alembic_config=AlembicAsyncConfig(
        script_location="db/migrations", version_table_name="alembic_version"
    ),
)
