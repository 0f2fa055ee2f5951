"""Every command in one table, and how an error looks to whoever typed one."""

import sys
from importlib import metadata
from typing import Annotated

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

from extractors.errors import SurefieldError
from worker import log
from worker.cli import (
    again,
    analysts,
    audit,
    blobs,
    certify,
    dead_letters,
    delivery,
    demo,
    document_types,
    documents,
    evaluation,
    fit,
    model,
    operations,
    people,
    questions,
    review,
    review_rows,
    roles,
    security,
    sql,
    watch,
)
from worker.settings import LogForm, Settings, problems

app = typer.Typer(
    name="surefield",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"surefield {metadata.version('surefield')}")
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_say_version, help="Say the version."),
    ] = False,
) -> None:
    """PDFs become database rows that people can trust."""
    log.configure(json=Settings().log is LogForm.JSON)  # and what is wrong with settings, at once


app.command("demo")(demo.run)
app.command("up")(operations.up)
app.command("submit")(documents.submit)
app.command("watch")(watch.watch)
app.command("list")(documents.list_documents)
app.command("show")(documents.show)
app.command("retry")(documents.retry)
app.command("cancel")(documents.cancel)
app.command("reread")(again.reread)
app.command("rescore")(again.rescore)
app.command("reroute")(again.reroute)
app.command("recheck")(certify.recheck)
review.app.command("types")(document_types.waiting)
review.app.command("type")(document_types.choose)
review.app.command("rows")(review_rows.rows)
review.app.command("split")(document_types.split)
app.add_typer(review.app, name="review")
app.add_typer(audit.app, name="audit")
app.add_typer(certify.app, name="certify")
app.add_typer(questions.app, name="question")
app.add_typer(people.user, name="user")
app.add_typer(people.key, name="key")
app.add_typer(analysts.app, name="analyst")
app.add_typer(dead_letters.app, name="dead-letters")
app.command("sql")(sql.sql)
app.command("security-events")(security.security_events)
app.command("types")(documents.types)
app.command("migrate")(operations.migrate)
app.command("roles")(roles.roles)
app.command("web")(operations.web)
app.command("sweeper")(operations.sweeper)
app.command("inbox")(operations.inbox)
app.command("deliverer")(delivery.deliverer)
app.command("events")(delivery.show_events)
app.add_typer(delivery.app, name="webhook")
app.command("blobs")(blobs.blobs)
app.command("settings")(operations.settings)
app.command("doctor")(operations.doctor)
app.command("evaluate")(model.evaluate)
app.command("thresholds")(evaluation.thresholds)
app.command("fit")(fit.fit)
app.command("demo-slips")(model.demo_slips)


def main() -> None:
    """Run one command; an expected error is one line with its code and what to do, never a
    trace.
    """
    log.configure(json=False)
    errors = Console(stderr=True, highlight=False)
    try:
        app()
    except SurefieldError as error:
        errors.print(
            f"[bold red]{error.code}[/bold red]: {escape(str(error))}", markup=True, soft_wrap=True
        )
        sys.exit(1)
    except ValidationError as error:
        for said in problems(error):
            errors.print(
                f"[bold red]invalid_setting[/bold red]: {escape(said)} See: surefield settings",
                soft_wrap=True,
            )
        sys.exit(1)
    except (SQLAlchemyError, psycopg.Error) as error:
        errors.print(_database_words(error), soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _database_words(error: Exception) -> str:
    """What went wrong between this command and the database: one sentence, never a row of it."""
    cause = getattr(error, "orig", None) or error
    first = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    away = isinstance(cause, psycopg.OperationalError)
    mend = (
        "Check SUREFIELD_DATABASE_URL, and that the server runs and lets you in. See: surefield"
        " doctor"
        if away
        else "See: surefield doctor"
    )
    code = "database_unavailable" if away else "database_error"
    return f"[bold red]{code}[/bold red]: {escape(first.rstrip('.'))}. {mend}"
