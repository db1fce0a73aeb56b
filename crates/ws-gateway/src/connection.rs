//! One socket, from its token to its end.

use std::collections::HashSet;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_access::{Authenticator, Error as AccessError, Identity, ownership};
use sluice_core::ports::Clock;
use sluice_core::{Classify, ErrorKind, ManifestId};
use sluice_db::Pool;
use sluice_service::ErrorChain;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::commands::{Command, Refusal, Request};
use crate::hub::Hub;
use crate::lines::Lines;
use crate::sockets::{Seat, Sockets};
use crate::throttle::{Decision, Throttle};

const NAMESPACE: &str = "/manifests";
/// Manifests that one socket may hear.
const MAX_MANIFESTS: usize = 1_000;
/// Commands of one socket that may wait; a client that comes back sends all its subscriptions at once.
const WAITING_COMMANDS: usize = 2 * MAX_MANIFESTS;
/// How often an answer is tried that does not fit into a socket's buffer. A dead socket is closed by its heartbeat.
const RETRY: Duration = Duration::from_millis(20);
/// No token is awaited for longer in one go.
const MAX_SLEEP: Duration = Duration::from_secs(30 * 86_400);

/// What all sockets share.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) hub: Hub,
    pub(crate) pool: Pool,
    pub(crate) authenticator: Authenticator,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sockets: Arc<Sockets>,
    pub(crate) lines: Arc<Lines>,
    /// Commands that one socket may send at once.
    pub(crate) command_limit: u32,
}

/// How a socket ends when it does not just go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It went by itself.
    Gone,
    /// Its token is good no more: it is disconnected, and stays so until its client has another token.
    Refused,
    /// It is too slow, or asks too much: its transport breaks, and its client comes back.
    Dropped,
}

/// A command as it came from a socket.
struct Asked {
    command: Command,
    payload: Value,
    ack: AckSender,
}

/// Lets sockets into the namespace.
pub(crate) fn register(io: &SocketIo, gateway: &Arc<Gateway>) {
    let door = gateway.clone();
    let admit = move |socket: SocketRef, TryData(auth): TryData<Value>| {
        let door = door.clone();
        async move { door.admit(&socket, auth.ok().as_ref()).await }
    };
    let inside = gateway.clone();
    // Not an async closure: what it does before its future must be done before the socket's first command is read.
    let serve = move |socket: SocketRef| inside.clone().serve(socket);
    io.ns(NAMESPACE, serve.with(admit));
}

impl Gateway {
    /// Checks a socket's token; the refusal's words are the client's `connect_error`.
    async fn admit(&self, socket: &SocketRef, auth: Option<&Value>) -> Result<(), String> {
        let parts = socket.req_parts();
        let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let identity = match find_token(auth, parts.uri.query(), header) {
            Some(token) => self.authenticator.authenticate(&token, None).await,
            None => Err(AccessError::MissingToken),
        };
        match identity {
            Ok(identity) => {
                let Some(seat) = self.sockets.admit(socket.id, &identity) else {
                    tracing::info!(user.id = identity.user_id.0, "a user has too many sockets");
                    return Err(Refusal::too_many("sockets").message);
                };
                socket.extensions.insert(identity);
                socket.extensions.insert(Arc::new(seat));
                Ok(())
            }
            Err(error) => {
                log_fault(&error, "a token can't be checked");
                Err(error.client_message())
            }
        }
    }

    /// Takes a socket's commands one after the other, until it goes or its token ends.
    fn serve(self: Arc<Self>, socket: SocketRef) -> impl Future<Output = ()> + Send {
        let (sender, asked) = mpsc::channel(WAITING_COMMANDS);
        let throttle = Arc::new(Mutex::new(Throttle::new(self.command_limit, Instant::now())));
        for command in Command::ALL {
            let (sender, gateway, throttle) = (sender.clone(), self.clone(), throttle.clone());
            socket.on(command.pattern(), move |socket: SocketRef, TryData(payload): TryData<Value>, ack: AckSender| {
                let asked = Asked { command, payload: payload.unwrap_or_default(), ack };
                let refused = if gateway.is_taken(&throttle, &socket) {
                    sender.try_send(asked).err().map(mpsc::error::TrySendError::into_inner)
                } else {
                    Some(asked)
                };
                if let Some(refused) = refused {
                    let refusal = Refusal::too_many("requests").acknowledgement();
                    note_lost(refused.ack.send(&refusal).is_ok(), &socket);
                }
                ready(())
            });
        }
        let gateway = self.clone();
        // What nobody knows is not answered, and counts all the same.
        socket.on_fallback(move |socket: SocketRef| {
            gateway.is_taken(&throttle, &socket);
            ready(())
        });
        let gone = CancellationToken::new();
        let (leaving, gateway) = (gone.clone(), self.clone());
        socket.on_disconnect(move |socket: SocketRef| {
            gateway.lines.forget(socket.id);
            leaving.cancel();
            ready(())
        });
        async move { self.attend(socket, asked, gone).await }
    }

    /// Counts a command; whether it is taken. A client that asks on and on although it is refused is dropped.
    fn is_taken(&self, throttle: &Mutex<Throttle>, socket: &SocketRef) -> bool {
        let decision = throttle.lock().unwrap_or_else(PoisonError::into_inner).decide(Instant::now());
        if decision == Decision::Drop {
            self.sockets.drop_socket(socket.id);
        }
        decision == Decision::Take
    }

    async fn attend(&self, socket: SocketRef, asked: mpsc::Receiver<Asked>, gone: CancellationToken) {
        let (Some(identity), Some(seat)) =
            (socket.extensions.get::<Identity>(), socket.extensions.remove::<Arc<Seat>>())
        else {
            return;
        };
        let (user, id) = (identity.user_id.0, socket.id);
        tracing::debug!(user.id = user, socket.id = %id, "socket connected");
        let mut heard = HashSet::new();
        // A socket that left before anybody listened for that leaves no other trace.
        let end = if socket.connected() {
            let answers = self.answer_all(&socket, (&identity, &seat), &mut heard, asked);
            self.await_end((&identity, &seat), gone, answers).await
        } else {
            End::Gone
        };
        for manifest in heard {
            self.hub.leave(manifest, id);
        }
        self.close(&socket, end);
        tracing::debug!(user.id = user, socket.id = %id, ?end, "socket gone");
    }

    /// Lets a socket's commands be answered until something ends it.
    async fn await_end(
        &self,
        (identity, seat): (&Identity, &Seat),
        gone: CancellationToken,
        answers: impl Future<Output = ()>,
    ) -> End {
        tokio::select! {
            biased;
            () = gone.cancelled() => End::Gone,
            () = self.token_end(identity) => End::Refused,
            () = seat.ended.cancelled() => End::Refused,
            () = seat.dropped.cancelled() => End::Dropped,
            () = answers => End::Gone,
        }
    }

    fn close(&self, socket: &SocketRef, end: End) {
        let must_cut = match end {
            End::Gone => false,
            // What has no room for a goodbye is not left open for that.
            End::Refused => !say_goodbye(socket),
            End::Dropped => true,
        };
        if must_cut {
            self.lines.cut(socket.id, socket.req_parts());
            if !socket.connected() {
                self.lines.forget(socket.id);
            }
        }
    }

    async fn answer_all(
        &self,
        socket: &SocketRef,
        who: (&Identity, &Seat),
        heard: &mut HashSet<ManifestId>,
        mut asked: mpsc::Receiver<Asked>,
    ) {
        while let Some(next) = asked.recv().await {
            self.answer(socket, who, heard, next).await;
        }
    }

    async fn token_end(&self, identity: &Identity) {
        while let Ok(left) = (identity.expires_at - self.clock.now()).to_std() {
            tokio::time::sleep(left.min(MAX_SLEEP)).await;
        }
    }

    async fn answer(
        &self,
        socket: &SocketRef,
        (identity, seat): (&Identity, &Seat),
        heard: &mut HashSet<ManifestId>,
        asked: Asked,
    ) {
        let request = match self.check(identity, heard, &asked).await {
            Ok(request) => request,
            Err(refusal) => return refuse(socket, asked, &refusal).await,
        };
        let manifest = request.manifest_id;
        match asked.command {
            Command::Subscribe => {
                if !heard.contains(&manifest) && !seat.take_room() {
                    return refuse(socket, asked, &Refusal::too_many("subscriptions")).await;
                }
                heard.insert(manifest);
                self.hub.join(manifest, socket.clone(), request.last_number.unwrap_or(0));
                self.hub.watch(&[manifest]).await;
                confirm(socket, asked, manifest).await;
                self.hub.catch_up(manifest, socket.id).await;
            }
            Command::Unsubscribe => {
                if heard.remove(&manifest) {
                    seat.leave_room();
                }
                self.hub.leave(manifest, socket.id);
                confirm(socket, asked, manifest).await;
            }
        }
    }

    async fn check(&self, identity: &Identity, heard: &HashSet<ManifestId>, asked: &Asked) -> Result<Request, Refusal> {
        let request = Request::read(&asked.payload)?;
        if asked.command == Command::Unsubscribe {
            return Ok(request);
        }
        if heard.len() >= MAX_MANIFESTS && !heard.contains(&request.manifest_id) {
            return Err(Refusal::too_many("subscriptions"));
        }
        match self.check_owner(identity, request.manifest_id).await {
            Ok(()) => Ok(request),
            Err(error) => {
                log_fault(&error, "an owner can't be checked");
                Err(Refusal::from(&error))
            }
        }
    }

    async fn check_owner(&self, identity: &Identity, manifest: ManifestId) -> Result<(), AccessError> {
        let mut connection = self.pool.get().await?;
        ownership::check_manifest(&mut connection, identity, manifest).await.map(drop)
    }
}

/// The token: of the handshake, else of the query, else of the header.
fn find_token(auth: Option<&Value>, query: Option<&str>, header: Option<&str>) -> Option<String> {
    let of_handshake = auth.and_then(|auth| auth.get("token")).and_then(Value::as_str).map(str::to_owned);
    let of_query = || {
        let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        // A token has no character that a URL would encode.
        pairs.filter(|(name, _)| *name == "token").map(|(_, token)| token.to_owned()).next()
    };
    let of_header = || {
        let (scheme, token) = header?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    };
    let given = |token: &String| !token.is_empty();
    of_handshake.filter(given).or_else(|| of_query().filter(given)).or_else(|| of_header().filter(given))
}

/// Answers twice, by event and by acknowledgement: clients exist that wait for the one or for the other.
async fn answer_twice(socket: &SocketRef, ack: AckSender, (event, data): (&str, &Value), answer: &Value) {
    while socket.emit(event, data).is_err() && socket.connected() {
        tokio::time::sleep(RETRY).await;
    }
    note_lost(ack.send(answer).is_ok(), socket);
}

async fn confirm(socket: &SocketRef, asked: Asked, manifest: ManifestId) {
    let event = asked.command.answer();
    let data = json!({"manifestId": manifest});
    answer_twice(socket, asked.ack, (event, &data), &json!({"event": event, "data": data})).await;
}

async fn refuse(socket: &SocketRef, asked: Asked, refusal: &Refusal) {
    let cause = json!({"pattern": asked.command.pattern(), "data": asked.payload});
    let data = json!({"status": "error", "message": refusal.message, "code": refusal.code, "cause": cause});
    answer_twice(socket, asked.ack, ("exception", &data), &refusal.acknowledgement()).await;
}

/// Closes a socket whose token has ended; `false` when there is no room to say so.
fn say_goodbye(socket: &SocketRef) -> bool {
    let refusal = Refusal::from(&AccessError::InvalidToken);
    let exception = json!({"status": "error", "message": refusal.message, "code": refusal.code});
    note_lost(socket.emit("exception", &exception).is_ok(), socket);
    socket.clone().disconnect().is_ok()
}

fn note_lost(sent: bool, socket: &SocketRef) {
    if !sent {
        tracing::debug!(socket.id = %socket.id, "an answer did not fit into a socket's buffer");
    }
}

fn log_fault(error: &AccessError, what: &str) {
    if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal) {
        tracing::error!("{what}: {}", ErrorChain(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_looked_for_in_three_places_in_order() {
        let auth = json!({"token": "a"});
        let (query, header) = (Some("EIO=4&token=b&transport=polling"), Some("Bearer c"));
        assert_eq!(find_token(Some(&auth), query, header).as_deref(), Some("a"));
        assert_eq!(find_token(Some(&json!({})), query, header).as_deref(), Some("b"));
        assert_eq!(find_token(None, Some("EIO=4&token="), header).as_deref(), Some("c"));
        for header in [None, Some("Basic c"), Some("Bearer "), Some("")] {
            assert_eq!(find_token(Some(&json!({"token": 7})), Some(""), header), None, "{header:?}");
        }
    }
}
