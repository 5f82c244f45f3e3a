"""The index of sections in a database: SQLite's FTS5, or PostgreSQL's full text; one set of functions for both.

Both are given the same terms, made by `words`, and neither cuts or stems by itself; each gives the sections that it
ranks highest, and `ranking` measures those. An index is made from the files and can be thrown away at any time. Several
processes may share one; what one of them brings up to date, the others find. It knows no folders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dialoop.errors import SettingsError, StoreError
from dialoop.knowledge.ranking import Candidate, Corpus, weighted_length
from dialoop.knowledge.sections import Section
from dialoop.knowledge.words import terms
from dialoop.store.database import Database, Driver, Session
from dialoop.store.sqlite import SqliteDriver

CANDIDATES = 50
"""Sections that the database hands over to be measured."""
MOST_TERMS = 64
"""Terms that the database looks for, the rarest ones of a longer message."""
_MADE_ANEW = "delete it: an index holds nothing that is not in the documents, and is made anew from them"


class _Form(Protocol):
    """What the two databases say differently."""

    tables: tuple[str, ...]
    count: str

    def add(self, session: Session, row: tuple[Any, ...], heading: str, body: str) -> None:
        """Adds a section with its terms."""

    def remove(self, session: Session, collection: str, file: str) -> None:
        """Takes out all sections of a file."""

    def query(self, wanted: Sequence[str]) -> str:
        """The database's way to say: any of these terms."""

    def best(self, session: Session, query: str, collection: str, lang: str | None) -> list[tuple[Any, ...]]:
        """The sections that hold any of the terms, the most likely first: source, text, heading, body, length."""


_FILES = """CREATE TABLE IF NOT EXISTS knowledge_files (
    collection TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (collection, name))"""
_PASSAGES = """CREATE TABLE IF NOT EXISTS knowledge_passages (
    id NUMBER, collection TEXT NOT NULL, file TEXT NOT NULL, lang TEXT, source TEXT NOT NULL, text TEXT NOT NULL,
    heading TEXT NOT NULL, body TEXT NOT NULL, length DOUBLE PRECISION NOT NULL{more})"""
_BY_FILE = "CREATE INDEX IF NOT EXISTS knowledge_passages_by_file ON knowledge_passages (collection, file)"
_HERE = "p.collection = ? AND (p.lang IS NULL OR p.lang = COALESCE(?, p.lang))"
_COLUMNS = "collection, file, lang, source, text, heading, body, length"


class _Fts5:
    """SQLite: terms stand in an FTS5 table, ranked by its bm25()."""

    tables: tuple[str, ...] = (
        _PASSAGES.format(more=""),
        "CREATE VIRTUAL TABLE IF NOT EXISTS knowledge_words USING fts5(heading, body, tokenize = 'unicode61')",
    )
    count = f"""SELECT count(*) FROM knowledge_words w JOIN knowledge_passages p ON p.id = w.rowid
        WHERE knowledge_words MATCH ? AND {_HERE}"""

    def add(self, session: Session, row: tuple[Any, ...], heading: str, body: str) -> None:
        """Adds a section with its terms."""
        made = session.row(
            f"INSERT INTO knowledge_passages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id", *row
        )
        assert made is not None
        session.run("INSERT INTO knowledge_words (rowid, heading, body) VALUES (?, ?, ?)", made[0], heading, body)

    def remove(self, session: Session, collection: str, file: str) -> None:
        """Takes out all sections of a file."""
        ids = "SELECT id FROM knowledge_passages WHERE collection = ? AND file = ?"
        session.run(f"DELETE FROM knowledge_words WHERE rowid IN ({ids})", collection, file)
        session.run("DELETE FROM knowledge_passages WHERE collection = ? AND file = ?", collection, file)

    def query(self, wanted: Sequence[str]) -> str:
        """Terms hold letters and digits alone; in quotation marks none of them is an operator."""
        return " OR ".join(f'"{term}"' for term in wanted)

    def best(self, session: Session, query: str, collection: str, lang: str | None) -> list[tuple[Any, ...]]:
        """By bm25(), a heading counting more."""
        statement = f"""SELECT p.source, p.text, p.heading, p.body, p.length
            FROM knowledge_words w JOIN knowledge_passages p ON p.id = w.rowid
            WHERE knowledge_words MATCH ? AND {_HERE}
            ORDER BY bm25(knowledge_words, 1.5, 1.0), p.id LIMIT {CANDIDATES}"""
        return session.rows(statement, query, collection, lang)


class _FullText:
    """PostgreSQL: terms stand in a tsvector with a GIN index, ranked by ts_rank."""

    tables: tuple[str, ...] = (
        _PASSAGES.format(more=", search tsvector NOT NULL"),
        "CREATE INDEX IF NOT EXISTS knowledge_passages_search ON knowledge_passages USING gin (search)",
    )
    count = f"SELECT count(*) FROM knowledge_passages p WHERE p.search @@ CAST(? AS tsquery) AND {_HERE}"

    def add(self, session: Session, row: tuple[Any, ...], heading: str, body: str) -> None:
        """Adds a section with its terms."""
        vector = " ".join([*_lexemes(heading, "A", 0), *_lexemes(body, "D", len(heading.split()))])
        statement = (
            f"INSERT INTO knowledge_passages ({_COLUMNS}, search) VALUES (?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS tsvector))"
        )
        session.run(statement, *row, vector)

    def remove(self, session: Session, collection: str, file: str) -> None:
        """Takes out all sections of a file."""
        session.run("DELETE FROM knowledge_passages WHERE collection = ? AND file = ?", collection, file)

    def query(self, wanted: Sequence[str]) -> str:
        """Terms hold letters and digits alone; in quotation marks none of them is an operator."""
        return " | ".join(f"'{term}'" for term in wanted)

    def best(self, session: Session, query: str, collection: str, lang: str | None) -> list[tuple[Any, ...]]:
        """By ts_rank, a heading counting more."""
        statement = f"""SELECT p.source, p.text, p.heading, p.body, p.length FROM knowledge_passages p
            WHERE p.search @@ CAST(? AS tsquery) AND {_HERE}
            ORDER BY ts_rank(p.search, CAST(? AS tsquery)) DESC, p.id LIMIT {CANDIDATES}"""
        return session.rows(statement, query, collection, lang, query)


def _lexemes(words: str, weight: str, before: int) -> list[str]:
    """Terms with their positions, of which PostgreSQL keeps those up to 16,383."""
    return [f"'{term}':{min(before + at, 16_383)}{weight}" for at, term in enumerate(words.split(), start=1)]


@dataclass(frozen=True)
class Found:
    """What the database says of a message: candidates, and what `ranking` must know of all sections."""

    candidates: list[Candidate]
    corpus: Corpus


class Index:
    """An open index; made by `open_index`. May be used from any thread. Raises StoreError where the database fails."""

    def __init__(self, database: Database, form: _Form) -> None:
        self._database, self._form = database, form
        with self._transaction(write=True) as session:
            session.driver.lock_schema(session)
            taken = session.driver.tables(session)
            if session.driver.alone and taken and "knowledge_files" not in taken:
                remedy = "name a file of its own for the index"
                raise StoreError("this database is something else", where=database.driver.where, remedy=remedy)
            for statement in (_FILES, *self._form.tables, _BY_FILE):
                session.run(statement.replace("NUMBER", database.driver.number_column))

    def close(self) -> None:
        """Gives the connections back."""
        self._database.close()

    def bring_up_to_date(
        self, collection: str, digests: Mapping[str, str], read: Callable[[str], Sequence[Section]]
    ) -> int:
        """Takes in the files whose digest is another than when they were last read, and takes out those that are gone.

        All or nothing. Gives how many files changed. What `read` raises is passed on.
        """
        with self._transaction(write=True) as session:
            session.driver.lock_schema(session)
            rows = session.rows("SELECT name, digest FROM knowledge_files WHERE collection = ?", collection)
            known = {str(name): str(digest) for name, digest in rows}
            changed = [name for name in {**known, **digests} if known.get(name) != digests.get(name)]
            for name in changed:
                self._form.remove(session, collection, name)
                session.run("DELETE FROM knowledge_files WHERE collection = ? AND name = ?", collection, name)
                if name in digests:
                    statement = "INSERT INTO knowledge_files (collection, name, digest) VALUES (?, ?, ?)"
                    session.run(statement, collection, name, digests[name])
                    for section in read(name):
                        self._add(session, collection, name, section)
        return len(changed)

    def _add(self, session: Session, collection: str, name: str, section: Section) -> None:
        heading = terms(" ".join([*section.above[1:], section.heading, section.also]))
        body = terms(section.text)
        length = weighted_length(heading, body)
        words = " ".join(heading), " ".join(body)
        row = (collection, name, section.lang, section.source, section.shown, *words, length)
        self._form.add(session, row, *words)

    def find(self, collection: str, wanted: Sequence[str], lang: str | None) -> Found:
        """The sections of this language, or of any, that hold some of the terms."""
        with self._transaction(write=False) as session:
            statement = f"SELECT count(*), avg(p.length) FROM knowledge_passages p WHERE {_HERE}"
            total = session.row(statement, collection, lang)
            assert total is not None
            holding = {}
            for term in dict.fromkeys(wanted):
                counted = session.row(self._form.count, self._form.query([term]), collection, lang)
                holding[term] = int(counted[0]) if counted else 0
            rarest = sorted((term for term, count in holding.items() if count), key=lambda term: holding[term])
            query = self._form.query(rarest[:MOST_TERMS])
            rows = self._form.best(session, query, collection, lang) if rarest else []
        candidates = [
            Candidate(str(source), str(text), str(heading).split(), str(body).split(), float(length))
            for source, text, heading, body, length in rows
        ]
        return Found(candidates, Corpus(int(total[0]), float(total[1] or 0), holding))

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[Session]:
        try:
            with self._database.transaction(write=write) as session:
                yield session
        except StoreError as error:
            if error.remedy and "restore" in error.remedy:  # a store's remedy; this is no store
                raise StoreError(error.what, where=error.where, remedy=_MADE_ANEW) from error
            raise


def open_index(address: str | Path) -> Index:
    """The index at a path, `sqlite:///path` or `postgresql://…`, made where there is none. Raises StoreError."""
    name = str(address)
    scheme, colon, rest = name.partition("://")
    driver: Driver
    if colon and scheme in ("postgresql", "postgres"):
        try:
            from dialoop.store.postgres import PostgresDriver
        except ImportError as error:
            raise SettingsError("PostgreSQL needs psycopg", remedy="pip install 'dialoop[postgres]'") from error
        driver = PostgresDriver(name)
        return Index(Database(driver), _FullText())
    if colon and scheme != "sqlite":
        raise SettingsError(f"there is no index of the kind {scheme!r}", remedy="use a path, or postgresql://…")
    driver = SqliteDriver(Path(rest.removeprefix("/") if colon else name))
    return Index(Database(driver), _Fts5())
