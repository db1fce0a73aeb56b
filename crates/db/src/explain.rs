//! How Postgres would run a query.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Json;
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::Result;

/// `explain` before a query.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct Explain<Q>(Q);

impl<Q: Query> Query for Explain<Q> {
    type SqlType = Json;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("explain (format json) ");
        self.0.walk_ast(out.reborrow())
    }
}

/// Asks Postgres for its plan.
pub(crate) async fn explain<'q, Q>(connection: &mut AsyncPgConnection, query: Q) -> Result<Value>
where
    Explain<Q>: LoadQuery<'q, AsyncPgConnection, Value> + 'q,
{
    Ok(Explain(query).get_result(connection).await?)
}
