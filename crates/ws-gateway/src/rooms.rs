//! Who hears which manifest, and how far each of them is. Pure bookkeeping: time and Redis are the hub's.
//!
//! A member is live, or behind. What is live gets events as they are heard. What is behind gets none until it was told what
//! it missed; so the state it is sent and the events that follow meet without a gap, a repetition or a change of order.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use sluice_core::ManifestId;
use sluice_event_bus::{NumberedEvents, Payload};

/// What a member receives events through.
pub(crate) trait Sink {
    /// Hands an event on; answers false when there is no room for it.
    fn send(&self, payload: &Payload) -> bool;
}

/// All rooms of this process.
#[derive(Debug)]
pub(crate) struct Rooms<K, S> {
    rooms: HashMap<ManifestId, Room<K, S>>,
    memberships: u64,
}

#[derive(Debug)]
struct Room<K, S> {
    members: HashMap<K, Member<S>>,
    /// The number heard last.
    heard: u64,
}

#[derive(Debug)]
struct Member<S> {
    sink: S,
    phase: Phase,
    /// The number of the events that the member got last.
    last: u64,
    /// Events of which only the first so many fitted into the member's buffer.
    partial: Option<(u64, usize)>,
    /// Whether there was no room for it when it was last tried; what can't be read is not its fault.
    is_full: bool,
    membership: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Live,
    Behind,
    /// Somebody is reading what the member missed; `missing` when events were heard meanwhile.
    CatchingUp {
        missing: bool,
    },
}

/// The right to tell a member what it missed after the number `last`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatchUp {
    pub(crate) last: u64,
    membership: u64,
}

/// What a member missed.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// The events, in order.
    pub(crate) events: Vec<NumberedEvents>,
    /// Where the member is when it has got them; lower than before when the numbers began anew.
    pub(crate) last: u64,
}

impl Missed {
    /// Events in the order of their numbers.
    pub(crate) fn new(events: Vec<NumberedEvents>) -> Self {
        let last = events.iter().map(|events| events.number).max().unwrap_or(0);
        Self { events, last }
    }
}

impl<K: Eq + Hash + Copy, S: Sink> Rooms<K, S> {
    pub(crate) fn new() -> Self {
        Self { rooms: HashMap::new(), memberships: 0 }
    }

    /// Adds a member that is behind since `last`. Joining again begins anew.
    pub(crate) fn join(&mut self, manifest: ManifestId, key: K, sink: S, last: u64) {
        self.memberships += 1;
        let member =
            Member { sink, phase: Phase::Behind, last, partial: None, is_full: false, membership: self.memberships };
        let room = self.rooms.entry(manifest).or_insert_with(|| Room { members: HashMap::new(), heard: 0 });
        room.members.insert(key, member);
    }

    pub(crate) fn leave(&mut self, manifest: ManifestId, key: K) {
        if let Some(room) = self.rooms.get_mut(&manifest) {
            room.members.remove(&key);
            if room.members.is_empty() {
                self.rooms.remove(&manifest);
            }
        }
    }

    /// The manifests that somebody hears.
    pub(crate) fn watched(&self) -> Vec<ManifestId> {
        self.rooms.keys().copied().collect()
    }

    /// Hands events to all who are live.
    pub(crate) fn deliver(&mut self, events: &NumberedEvents) {
        let Some(room) = self.rooms.get_mut(&events.manifest_id) else {
            return;
        };
        let anew = events.number <= room.heard;
        room.heard = events.number;
        for member in room.members.values_mut() {
            if anew {
                member.last = 0;
                member.partial = None;
            }
            match &mut member.phase {
                Phase::Live if events.number > member.last => member.push(events),
                // Already in the state that it was sent; or, rarely, the numbers began anew. Reading again tells which.
                Phase::Live => member.phase = Phase::Behind,
                Phase::CatchingUp { missing } => *missing = true,
                Phase::Behind => {}
            }
        }
    }

    /// Notes that events may have been missed by all.
    pub(crate) fn miss(&mut self) {
        for member in self.rooms.values_mut().flat_map(|room| room.members.values_mut()) {
            member.phase = match member.phase {
                Phase::Live | Phase::Behind => Phase::Behind,
                Phase::CatchingUp { .. } => Phase::CatchingUp { missing: true },
            };
        }
    }

    /// All who are behind while nobody does anything about it.
    pub(crate) fn behind(&self) -> Vec<(ManifestId, K)> {
        let members = |(manifest, room): (&ManifestId, &Room<K, S>)| {
            let behind = room.members.iter().filter(|(_, member)| member.phase == Phase::Behind);
            behind.map(|(key, _)| (*manifest, *key)).collect::<Vec<_>>()
        };
        self.rooms.iter().flat_map(members).collect()
    }

    /// Those who had no room for what they missed when it was tried last.
    pub(crate) fn full(&self) -> HashSet<K> {
        let members = self.rooms.values().flat_map(|room| room.members.iter());
        members.filter(|(_, member)| member.is_full).map(|(key, _)| *key).collect()
    }

    /// Begins to tell a member what it missed; `None` when it is not behind, or somebody is at it.
    pub(crate) fn begin(&mut self, manifest: ManifestId, key: K) -> Option<CatchUp> {
        let member = self.member(manifest, key)?;
        if member.phase != Phase::Behind {
            return None;
        }
        member.phase = Phase::CatchingUp { missing: false };
        Some(CatchUp { last: member.last, membership: member.membership })
    }

    /// Tells the member; answers whether it missed more meanwhile.
    pub(crate) fn finish(&mut self, manifest: ManifestId, key: K, begun: CatchUp, missed: Missed) -> bool {
        let Some(member) = self.member(manifest, key).filter(|member| member.membership == begun.membership) else {
            return false;
        };
        let more = member.phase != Phase::CatchingUp { missing: false };
        member.phase = Phase::Live;
        for events in &missed.events {
            member.push(events);
            if member.phase != Phase::Live {
                return false;
            }
        }
        member.last = missed.last;
        if more {
            member.phase = Phase::Behind;
        }
        more
    }

    /// Notes that what the member missed can't be read now.
    pub(crate) fn give_up(&mut self, manifest: ManifestId, key: K, begun: CatchUp) {
        if let Some(member) = self.member(manifest, key).filter(|member| member.membership == begun.membership) {
            member.phase = Phase::Behind;
            member.is_full = false;
        }
    }

    fn member(&mut self, manifest: ManifestId, key: K) -> Option<&mut Member<S>> {
        self.rooms.get_mut(&manifest)?.members.get_mut(&key)
    }
}

impl<S: Sink> Member<S> {
    /// Hands events on, or falls behind when there is no room.
    fn push(&mut self, events: &NumberedEvents) {
        let sent = self.partial.take().filter(|(number, _)| *number == events.number).map_or(0, |(_, sent)| sent);
        for (index, payload) in events.events.iter().enumerate().skip(sent) {
            if !self.sink.send(payload) {
                self.partial = Some((events.number, index));
                self.phase = Phase::Behind;
                self.is_full = true;
                return;
            }
        }
        self.is_full = false;
        self.last = events.number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    use serde_json::json;

    const MANIFEST: ManifestId = ManifestId(1);

    /// Notes what it gets, as far as there is room.
    #[derive(Debug, Clone, Default)]
    struct Notes(Rc<RefCell<(Vec<String>, usize)>>);

    impl Notes {
        fn with_room(room: usize) -> Self {
            Self(Rc::new(RefCell::new((Vec::new(), room))))
        }

        fn make_room(&self, room: usize) {
            self.0.borrow_mut().1 = room;
        }

        fn seen(&self) -> Vec<String> {
            self.0.borrow().0.clone()
        }
    }

    impl Sink for Notes {
        fn send(&self, payload: &Payload) -> bool {
            let (seen, room) = &mut *self.0.borrow_mut();
            if *room == 0 {
                return false;
            }
            *room -= 1;
            seen.push(format!("{}{}", payload.event, payload.data));
            true
        }
    }

    fn events(number: u64) -> NumberedEvents {
        let payload = |event: &str| Payload { event: event.to_owned(), data: json!(number) };
        NumberedEvents { manifest_id: MANIFEST, number, events: vec![payload("j"), payload("m")] }
    }

    fn missed(numbers: &[u64], last: u64) -> Missed {
        Missed { events: numbers.iter().map(|number| events(*number)).collect(), last }
    }

    fn live(sink: &Notes, last: u64) -> Rooms<u8, Notes> {
        let mut rooms = Rooms::new();
        rooms.join(MANIFEST, 1, sink.clone(), last);
        let begun = rooms.begin(MANIFEST, 1).unwrap();
        assert!(!rooms.finish(MANIFEST, 1, begun, missed(&[], last)));
        rooms
    }

    #[test]
    fn a_member_gets_nothing_before_the_state_and_everything_after_it_once() {
        let sink = Notes::with_room(100);
        let mut rooms = Rooms::new();
        rooms.join(MANIFEST, 1, sink.clone(), 0);
        rooms.deliver(&events(3));
        let begun = rooms.begin(MANIFEST, 1).unwrap();
        rooms.deliver(&events(4));
        assert!(rooms.begin(MANIFEST, 1).is_none(), "one reads at a time");
        assert!(rooms.finish(MANIFEST, 1, begun, missed(&[3], 3)), "4 was heard while the state was read");
        let begun = rooms.begin(MANIFEST, 1).unwrap();
        assert_eq!(begun.last, 3);
        assert!(!rooms.finish(MANIFEST, 1, begun, missed(&[4, 5], 5)));
        rooms.deliver(&events(5));
        assert_eq!(rooms.behind(), [(MANIFEST, 1)], "5 was in the state, or the numbers began anew");
        let begun = rooms.begin(MANIFEST, 1).unwrap();
        assert!(!rooms.finish(MANIFEST, 1, begun, missed(&[], 5)));
        rooms.deliver(&events(6));
        assert_eq!(sink.seen(), ["j3", "m3", "j4", "m4", "j5", "m5", "j6", "m6"]);
    }

    #[test]
    fn a_slow_member_falls_behind_and_goes_on_where_it_was() {
        let sink = Notes::with_room(3);
        let mut rooms = live(&sink, 0);
        for number in 1..=4 {
            rooms.deliver(&events(number));
        }
        assert_eq!(sink.seen(), ["j1", "m1", "j2"]);
        assert_eq!(rooms.behind(), [(MANIFEST, 1)]);
        sink.make_room(100);
        let begun = rooms.begin(MANIFEST, 1).unwrap();
        assert_eq!(begun.last, 1);
        assert!(!rooms.finish(MANIFEST, 1, begun, missed(&[2, 3, 4], 4)));
        assert_eq!(sink.seen(), ["j1", "m1", "j2", "m2", "j3", "m3", "j4", "m4"]);
    }

    #[test]
    fn numbers_that_begin_anew_are_not_taken_for_old_ones() {
        let sink = Notes::with_room(100);
        let mut rooms = live(&sink, 0);
        for number in [7, 8, 1, 2] {
            rooms.deliver(&events(number));
        }
        assert_eq!(sink.seen(), ["j7", "m7", "j8", "m8", "j1", "m1", "j2", "m2"]);
    }

    #[test]
    fn after_a_gap_all_are_behind() {
        let sink = Notes::with_room(100);
        let mut rooms = live(&sink, 4);
        rooms.miss();
        rooms.deliver(&events(6));
        assert_eq!(sink.seen(), Vec::<String>::new());
        let begun = rooms.begin(MANIFEST, 1).unwrap();
        rooms.miss();
        assert!(rooms.finish(MANIFEST, 1, begun, missed(&[5, 6], 6)), "another gap");
        let begun = rooms.begin(MANIFEST, 1).unwrap();
        assert!(!rooms.finish(MANIFEST, 1, begun, missed(&[], 6)));
        assert_eq!(sink.seen(), ["j5", "m5", "j6", "m6"]);
    }

    #[test]
    fn who_joins_again_is_not_told_what_was_read_for_the_first_time() {
        let sink = Notes::with_room(100);
        let mut rooms = Rooms::new();
        rooms.join(MANIFEST, 1, sink.clone(), 0);
        let stale = rooms.begin(MANIFEST, 1).unwrap();
        rooms.join(MANIFEST, 1, sink.clone(), 0);
        let begun = rooms.begin(MANIFEST, 1).unwrap();
        assert!(!rooms.finish(MANIFEST, 1, stale, missed(&[1], 1)));
        rooms.give_up(MANIFEST, 1, stale);
        assert!(!rooms.finish(MANIFEST, 1, begun, missed(&[1], 1)));
        rooms.leave(MANIFEST, 1);
        rooms.deliver(&events(2));
        assert_eq!(sink.seen(), ["j1", "m1"]);
        assert!(rooms.rooms.is_empty());
    }
}
