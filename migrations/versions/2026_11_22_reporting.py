"""Views for analysts, and a role that may read nothing else.

Revision ID: 0002_reporting
Revises: 0001_first_tables
"""

from alembic import op

from migrations.views import view_sql

revision = "0002_reporting"
down_revision = "0001_first_tables"
branch_labels = None
depends_on = None

VIEWS = ("field_outcomes", "review_backlog", "straight_through", "calibration")

# A role belongs to the whole server: it may be there already, and making one may not be ours to do.
GRANT = """
DO $$
BEGIN
    BEGIN
        CREATE ROLE surefield_reader NOLOGIN;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
            RAISE NOTICE 'No right to create the role surefield_reader; '
                'an administrator can, and grant it SELECT in schema reporting.';
    END;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'surefield_reader') THEN
        GRANT USAGE ON SCHEMA reporting TO surefield_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO surefield_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA reporting GRANT SELECT ON TABLES TO surefield_reader;
    END IF;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute("CREATE SCHEMA reporting")
    op.execute(
        "COMMENT ON SCHEMA reporting IS 'Surefield for analysts: views with commented columns."
        " Everything else may change.'"
    )
    for name in VIEWS:
        op.execute(view_sql(name, version=1))
    op.execute(GRANT)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    # The role stays: other databases of the server may use it. What it was granted here goes with
    # the schema.
    op.execute("DROP SCHEMA reporting CASCADE")
