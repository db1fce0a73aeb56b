//! Statements that Postgres parses and plans once a connection.
//!
//! Diesel keeps the statement only of queries whose text it knows to be the same each time, and takes no update, no insert and
//! no SQL of ours for one. A job has dozens of those, and half of the time that they take is their parsing. Only what has few
//! texts may be kept: each is held by every connection for as long as it lives.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// A statement that is kept under its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prepared<Q>(Q);

/// Keeps a statement that has one text, or few.
pub(crate) trait Prepare: Sized {
    /// Keeps it.
    fn prepared(self) -> Prepared<Self> {
        Prepared(self)
    }
}

impl<Q: QueryFragment<Pg>> Prepare for Q {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();

    // The key is the text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}
