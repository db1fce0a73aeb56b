//! What happens around every handler, from outside in: context, CORS, limits, authentication.

pub(crate) mod authenticate;
pub(crate) mod client_ip;
pub(crate) mod context;
pub(crate) mod cors;
pub(crate) mod rate_limit;
