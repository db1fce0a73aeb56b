//! How fast one socket may ask: so many commands at once, and a twentieth of that comes back every second.

use std::time::{Duration, Instant};

/// The time in which all commands come back.
const REFILL: Duration = Duration::from_secs(20);

/// What is done with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Take,
    Refuse,
    /// The client does not stop although it is refused: it is dropped.
    Drop,
}

/// The account of one socket.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: u32,
    left: f64,
    counted_at: Instant,
    refused: u32,
}

impl Throttle {
    pub(crate) fn new(limit: u32, now: Instant) -> Self {
        Self { limit, left: f64::from(limit), counted_at: now, refused: 0 }
    }

    /// Counts a command.
    pub(crate) fn decide(&mut self, now: Instant) -> Decision {
        let passed = now.saturating_duration_since(self.counted_at);
        self.counted_at = now;
        let limit = f64::from(self.limit);
        self.left = (self.left + limit * passed.as_secs_f64() / REFILL.as_secs_f64()).min(limit);
        if self.left >= 1.0 {
            self.left -= 1.0;
            self.refused = 0;
            return Decision::Take;
        }
        self.refused = self.refused.saturating_add(1);
        if self.refused > self.limit { Decision::Drop } else { Decision::Refuse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_a_flood_refused_and_who_does_not_stop_dropped() {
        let start = Instant::now();
        let mut throttle = Throttle::new(100, start);
        let mut ask = |times: usize, now| (0..times).map(|_| throttle.decide(now)).collect::<Vec<_>>();
        assert!(ask(100, start).iter().all(|decision| *decision == Decision::Take));
        assert!(ask(100, start).iter().all(|decision| *decision == Decision::Refuse));
        assert_eq!(ask(1, start), [Decision::Drop]);
        // Five a second come back, and never more than all.
        let later = ask(6, start + Duration::from_secs(1));
        assert_eq!(later.iter().filter(|decision| **decision == Decision::Take).count(), 5);
        let rested = ask(101, start + Duration::from_secs(1_000));
        assert_eq!(rested.iter().filter(|decision| **decision == Decision::Take).count(), 100);
    }
}
