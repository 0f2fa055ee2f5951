"""What people read of a reason is its message; a page that was left out and differs says so.

Stored codes and the keys of stored details are renamed; nothing else changes.

Revision ID: 0014_messages
Revises: 0013_generations
"""

from alembic import op

revision = "0014_messages"
down_revision = "0013_generations"
branch_labels = None
depends_on = None

OLD, NEW = "unread_page_differs", "left_out_page_differs"
# the message of the result, and of each further doubt
RENAMED = """
UPDATE results SET
    reason = CASE WHEN reason = '{old}' THEN '{new}' ELSE reason END,
    details = (details - '{old_key}')
        || CASE WHEN details ? '{old_key}'
            THEN jsonb_build_object('{new_key}', details -> '{old_key}') ELSE '{{}}' END
        || CASE WHEN jsonb_typeof(details -> 'doubts') = 'array'
            THEN jsonb_build_object('doubts', (
                SELECT coalesce(jsonb_agg(
                    (doubt - '{old_key}')
                    || CASE WHEN doubt ? '{old_key}'
                        THEN jsonb_build_object('{new_key}', doubt -> '{old_key}') ELSE '{{}}' END
                    || CASE WHEN doubt ->> 'code' = '{old}'
                        THEN jsonb_build_object('code', '{new}') ELSE '{{}}' END
                    ORDER BY at
                ), '[]')
                FROM jsonb_array_elements(details -> 'doubts') WITH ORDINALITY AS each(doubt, at)
            )) ELSE '{{}}' END
WHERE jsonb_typeof(details) = 'object'
    AND (details ? '{old_key}' OR details ? 'doubts' OR reason = '{old}')
"""


def upgrade() -> None:
    """Rename."""
    _rename(OLD, NEW, "words", "message")


def downgrade() -> None:
    """Rename back."""
    _rename(NEW, OLD, "message", "words")


def _rename(old: str, new: str, old_key: str, new_key: str) -> None:
    op.execute(RENAMED.format(old=old, new=new, old_key=old_key, new_key=new_key))
    for table, column in (("review_items", "reason"), ("witnesses", "code")):
        op.execute(f"UPDATE {table} SET {column} = '{new}' WHERE {column} = '{old}'")
