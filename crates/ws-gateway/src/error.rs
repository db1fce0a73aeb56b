//! What can go wrong with the service as a whole.
#![deny(clippy::wildcard_enum_match_arm)]

use std::io;
use std::net::SocketAddr;

use sluice_core::{Classify, ErrorKind};

/// The result of starting or running the service.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the service can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event bus does not answer.
    #[error(transparent)]
    Events(#[from] sluice_event_bus::Error),
    /// The pool of database connections can't be made.
    #[error(transparent)]
    Database(#[from] sluice_db::Error),
    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The HTTP server failed.
    #[error("the http server failed")]
    Serve(#[source] io::Error),
    /// No more messages can come from the event bus.
    #[error("the event bus fell silent for good")]
    Silent,
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Events(error) => error.kind(),
            Self::Database(error) => error.kind(),
            Self::Silent => ErrorKind::Unavailable,
            Self::Listen { .. } | Self::Serve(_) => ErrorKind::Internal,
        }
    }
}
