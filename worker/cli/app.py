"""Every command in one table, and how an error looks to whoever typed one."""

import os
import sys

import typer
from pydantic import ValidationError
from rich.console import Console

from extractors.errors import SurefieldError
from worker import log
from worker.cli import demo, document_types, documents, model, operations, people, review, sql

app = typer.Typer(
    name="surefield",
    help="PDFs become database rows that people can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.run)
app.command("up")(operations.up)
app.command("submit")(documents.submit)
app.command("list")(documents.list_documents)
app.command("show")(documents.show)
review.app.command("types")(document_types.waiting)
review.app.command("type")(document_types.choose)
review.app.command("split")(document_types.split)
app.add_typer(review.app, name="review")
app.add_typer(people.user, name="user")
app.add_typer(people.key, name="key")
app.command("sql")(sql.sql)
app.command("types")(documents.types)
app.command("migrate")(operations.migrate)
app.command("sweeper")(operations.sweeper)
app.command("settings")(operations.settings)
app.command("doctor")(operations.doctor)
app.command("evaluate")(model.evaluate)
app.command("demo-slips")(model.demo_slips)


def main() -> None:
    """Run one command; an expected error is one line with its code and what to do, never a
    trace.
    """
    log.configure(json=os.environ.get("SUREFIELD_LOG", "text") == "json")
    errors = Console(stderr=True, highlight=False)
    try:
        app()
    except SurefieldError as error:
        errors.print(f"[bold red]{error.code}[/bold red]: {error}", markup=True, soft_wrap=True)
        sys.exit(1)
    except ValidationError as error:
        for problem in error.errors():
            name = "SUREFIELD_" + "_".join(str(part) for part in problem["loc"]).upper()
            errors.print(
                f"[bold red]invalid_setting[/bold red]: {name}: {problem['msg']}. See: surefield"
                " settings",
                soft_wrap=True,
            )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
