//! All sockets of this process: whose they are, how many of each user's, and the ways to end one.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_access::{Identity, Standing};
use sluice_core::UserId;
use socketioxide::socket::Sid;
use tokio_util::sync::CancellationToken;

/// What one user may have at a time, in this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) sockets: usize,
    pub(crate) rooms: usize,
}

/// The register of sockets.
#[derive(Debug)]
pub(crate) struct Sockets {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seats: HashMap<Sid, Entry>,
    users: HashMap<UserId, Count>,
}

#[derive(Debug, Default)]
struct Count {
    sockets: usize,
    rooms: usize,
}

#[derive(Debug)]
struct Entry {
    standing: Standing,
    /// The token is good no more.
    ended: CancellationToken,
    /// The client is too slow, or asks too much.
    dropped: CancellationToken,
}

/// A socket's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    sockets: Arc<Sockets>,
    sid: Sid,
    user: UserId,
    rooms: Mutex<usize>,
    pub(crate) ended: CancellationToken,
    pub(crate) dropped: CancellationToken,
}

impl Sockets {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default() })
    }

    /// Gives a socket its place; `None` when its user has too many.
    pub(crate) fn admit(self: &Arc<Self>, sid: Sid, identity: &Identity) -> Option<Seat> {
        let (ended, dropped) = (CancellationToken::new(), CancellationToken::new());
        let user = identity.user_id;
        let mut state = self.state();
        let count = state.users.entry(user).or_default();
        if count.sockets >= self.limits.sockets {
            return None;
        }
        count.sockets += 1;
        let entry = Entry { standing: identity.standing, ended: ended.clone(), dropped: dropped.clone() };
        state.seats.insert(sid, entry);
        drop(state);
        Some(Seat { sockets: self.clone(), sid, user, rooms: Mutex::new(0), ended, dropped })
    }

    /// What the tokens of all sockets stand on.
    pub(crate) fn standings(&self) -> HashSet<Standing> {
        self.state().seats.values().map(|entry| entry.standing).collect()
    }

    /// Ends the sockets whose tokens stand no more; answers how many.
    pub(crate) fn end(&self, fallen: &HashSet<Standing>) -> usize {
        let state = self.state();
        let ended = state.seats.values().filter(|entry| fallen.contains(&entry.standing));
        ended.map(|entry| entry.ended.cancel()).count()
    }

    /// Drops a socket.
    pub(crate) fn drop_socket(&self, sid: Sid) {
        if let Some(entry) = self.state().seats.get(&sid) {
            entry.dropped.cancel();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Takes one more room for its user; `false` when they have too many.
    pub(crate) fn take_room(&self) -> bool {
        let mut state = self.sockets.state();
        let count = state.users.entry(self.user).or_default();
        if count.rooms >= self.sockets.limits.rooms {
            return false;
        }
        count.rooms += 1;
        *self.rooms() += 1;
        true
    }

    /// Gives one back.
    pub(crate) fn leave_room(&self) {
        let mut state = self.sockets.state();
        let mut own = self.rooms();
        if *own > 0 {
            *own -= 1;
            if let Some(count) = state.users.get_mut(&self.user) {
                count.rooms = count.rooms.saturating_sub(1);
            }
        }
    }

    fn rooms(&self) -> MutexGuard<'_, usize> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.sockets.state();
        state.seats.remove(&self.sid);
        let rooms = *self.rooms();
        if let Some(count) = state.users.get_mut(&self.user) {
            count.sockets = count.sockets.saturating_sub(1);
            count.rooms = count.rooms.saturating_sub(rooms);
            if count.sockets == 0 {
                state.users.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::ports::{Clock, SystemClock};

    use super::*;

    fn identity(user: i32, version: i32) -> Identity {
        Identity {
            user_id: UserId(user),
            username: "ada".to_owned(),
            is_admin: false,
            expires_at: SystemClock.now(),
            standing: Standing::Token(UserId(user), version),
            api_key: None,
        }
    }

    #[test]
    fn a_user_has_so_many_sockets_and_rooms_and_gets_them_back() {
        let sockets = Sockets::new(Limits { sockets: 2, rooms: 3 });
        let admit = |user| sockets.admit(Sid::new(), &identity(user, 0));
        let (first, second) = (admit(1).unwrap(), admit(1).unwrap());
        assert!(admit(1).is_none());
        assert!(admit(2).is_some(), "others are not concerned");
        assert!(first.take_room() && first.take_room() && second.take_room());
        assert!(!second.take_room());
        first.leave_room();
        assert!(second.take_room());
        assert!(!first.take_room());
        drop(second);
        assert!(first.take_room() && first.take_room() && !first.take_room());
        let third = admit(1).unwrap();
        drop((first, third));
        assert!(sockets.state().users.is_empty() && sockets.state().seats.is_empty(), "nothing is left of them");
    }

    #[test]
    fn only_sockets_whose_token_has_fallen_are_ended() {
        let sockets = Sockets::new(Limits { sockets: 9, rooms: 9 });
        let old = sockets.admit(Sid::new(), &identity(1, 0)).unwrap();
        let new = sockets.admit(Sid::new(), &identity(1, 1)).unwrap();
        assert_eq!(sockets.standings().len(), 2);
        assert_eq!(sockets.end(&HashSet::from([Standing::Token(UserId(1), 0)])), 1);
        assert!(old.ended.is_cancelled() && !new.ended.is_cancelled());
    }
}
