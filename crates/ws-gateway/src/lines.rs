//! The connections that sockets run over, so that one can be cut.
//!
//! A client whose transport breaks comes back by itself; one that the server disconnects does not. socketioxide offers the
//! latter only, so the former is done here: a websocket's connection is cut, and who polls is told that the session is gone,
//! as after a restart. What the server still holds of the session ends with its heartbeat.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::{IncomingStream, Listener};
use socketioxide::socket::Sid;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What engine.io answers for a session that it does not know.
const GONE: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

/// A connection, from the side that may cut it.
#[derive(Debug, Clone)]
pub(crate) struct Line(Arc<LineState>);

#[derive(Debug, Default)]
struct LineState {
    cut: CancellationToken,
    /// The session whose websocket it became.
    session: OnceLock<Sid>,
}

/// The connections of websockets that began as polling, and the sessions that may poll no more.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    upgraded: Mutex<HashMap<Sid, Weak<LineState>>>,
    ended: Mutex<HashSet<Sid>>,
}

impl Lines {
    /// Ends the transport of a session.
    pub(crate) fn cut(&self, session: Sid, first_request: &Parts) {
        lock(&self.ended).insert(session);
        let upgraded = lock(&self.upgraded).remove(&session).and_then(|line| line.upgrade()).map(Line);
        // A connection that polls may carry requests of others, when a proxy stands in between.
        let first =
            first_request.extensions.get::<ConnectInfo<Line>>().filter(|_| is_websocket(first_request.uri.query()));
        if let Some(line) = upgraded.or_else(|| first.map(|ConnectInfo(line)| line.clone())) {
            line.0.cut.cancel();
        }
    }

    /// Forgets a session that has ended for good.
    pub(crate) fn forget(&self, session: Sid) {
        lock(&self.ended).remove(&session);
        lock(&self.upgraded).remove(&session);
    }

    /// Forgets connections that have ended.
    pub(crate) fn tidy(&self) {
        lock(&self.upgraded).retain(|_, line| line.strong_count() > 0);
    }

    fn is_ended(&self, session: Sid) -> bool {
        lock(&self.ended).contains(&session)
    }

    /// Notes which connection a session's websocket uses: one session a connection, so that what is noted stays bounded.
    fn note(&self, session: Sid, line: &Line) {
        if line.0.session.set(session).is_ok() {
            lock(&self.upgraded).insert(session, Arc::downgrade(&line.0));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps ended sessions out, and notes upgrades.
pub(crate) async fn watch(
    State(lines): State<Arc<Lines>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> Response {
    let query = request.uri().query();
    if let Some(session) = session_of(query) {
        if lines.is_ended(session) {
            return (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], GONE).into_response();
        }
        if is_websocket(query) {
            lines.note(session, &line);
        }
    }
    next.run(request).await
}

fn session_of(query: Option<&str>) -> Option<Sid> {
    parameter(query, "sid")?.parse().ok()
}

fn is_websocket(query: Option<&str>) -> bool {
    parameter(query, "transport") == Some("websocket")
}

fn parameter<'a>(query: Option<&'a str>, wanted: &str) -> Option<&'a str> {
    let mut pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// Takes connections that can be cut.
#[derive(Debug)]
pub(crate) struct LineListener(pub(crate) TcpListener);

impl Listener for LineListener {
    type Io = Wire;
    type Addr = Line;

    async fn accept(&mut self) -> (Wire, Line) {
        // Errors are dealt with there.
        let (stream, _) = Listener::accept(&mut self.0).await;
        let line = Line(Arc::new(LineState::default()));
        (Wire::new(stream, &line), line)
    }

    fn local_addr(&self) -> io::Result<Line> {
        Ok(Line(Arc::new(LineState::default())))
    }
}

impl Connected<IncomingStream<'_, LineListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, LineListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A connection, from the side that uses it. Reading and writing may be two tasks, so each waits for the cut itself.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    cut_for_reader: Pin<Box<WaitForCancellationFutureOwned>>,
    cut_for_writer: Pin<Box<WaitForCancellationFutureOwned>>,
    _line: Line,
}

impl Wire {
    fn new(stream: TcpStream, line: &Line) -> Self {
        let wait = || Box::pin(line.0.cut.clone().cancelled_owned());
        Self { stream, cut_for_reader: wait(), cut_for_writer: wait(), _line: line.clone() }
    }

    fn check_writer(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.cut_for_writer.as_mut().poll(context).is_ready() { Err(cut()) } else { Ok(()) }
    }
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut_for_reader.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_writer(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_writer(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_writer(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_session_is_read_from_the_query() {
        let session = Sid::new();
        let query = format!("EIO=4&transport=websocket&sid={session}");
        assert_eq!(session_of(Some(&query)), Some(session));
        assert!(is_websocket(Some(&query)));
        assert!(!is_websocket(Some("EIO=4&transport=polling")));
        for query in [None, Some(""), Some("sid=x"), Some("xsid=1")] {
            assert_eq!(session_of(query), None);
        }
    }

    #[tokio::test]
    async fn a_cut_line_ends_who_reads_and_who_writes() {
        let mut listener = LineListener(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let mut client = TcpStream::connect(listener.0.local_addr().unwrap()).await.unwrap();
        let (mut wire, line) = listener.accept().await;
        client.write_all(b"a").await.unwrap();
        assert_eq!(wire.read_u8().await.unwrap(), b'a');
        let (mut reader, mut writer) = tokio::io::split(wire);
        let (read, ()) = tokio::join!(reader.read_u8(), async { line.0.cut.cancel() });
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        assert_eq!(writer.write_u8(1).await.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        drop((reader, writer));
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the client sees the end");
    }

    #[test]
    fn what_is_noted_of_a_connection_is_bounded_and_forgotten() {
        let (lines, line) = (Lines::default(), Line(Arc::new(LineState::default())));
        for _ in 0..100 {
            lines.note(Sid::new(), &line);
        }
        assert_eq!(lock(&lines.upgraded).len(), 1);
        drop(line);
        lines.tidy();
        assert_eq!(lock(&lines.upgraded).len(), 0);
    }
}
