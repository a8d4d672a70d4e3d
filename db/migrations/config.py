"""The configuration of the migration tool: `alchemy --config db.migrations.config.alembic`."""

from advanced_alchemy.config import AlembicAsyncConfig, SQLAlchemyAsyncConfig

from db.models import Base
from db.session import sqlalchemy_url
from settings.process import load_process

alembic = SQLAlchemyAsyncConfig(
    connection_string=sqlalchemy_url(load_process().database_url),
    metadata=Base.metadata,
    alembic_config=AlembicAsyncConfig(
        script_location="db/migrations", version_table_name="alembic_version"
    ),
)
