//! What handlers take: who asks, ids of the path, fields of the body and of the query. A handler gets nothing unchecked.

mod body;
mod description;
mod fields;
mod identity;
mod path;

pub(crate) use body::{Body, Input, Query};
pub(crate) use description::Shape;
pub(crate) use fields::Fields;
pub(crate) use identity::{Admin, Caller, CurrentRequest, SentFrom, User};
pub(crate) use path::{Path, Segments};
