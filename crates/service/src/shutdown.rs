//! One signal that the process shall end.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells every part of a process that it shall end. Clones share the signal.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal that only [`Shutdown::trigger`] sets off.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A signal that SIGTERM and SIGINT (Ctrl-C) set off.
    ///
    /// # Errors
    /// When the handlers can't be installed.
    pub fn on_signals(tasks: &crate::Tasks) -> io::Result<Self> {
        let shutdown = Self::default();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let trigger = shutdown.clone();
        tasks.spawn(async move {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("SIGTERM received, shutting down"),
                _ = interrupt.recv() => tracing::info!("interrupt received, shutting down"),
                () = trigger.triggered() => {}
            }
            trigger.trigger();
        });
        Ok(shutdown)
    }

    /// Sets the signal off.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// Whether it was set off.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is set off.
    pub async fn triggered(&self) {
        self.0.cancelled().await;
    }

    /// A signal that this one sets off, and that can be set off alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}
