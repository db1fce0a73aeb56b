//! Who is not let try a password for now. Pure rules: times and counts come in, a verdict comes out.
//!
//! Wrong passwords are counted for each pair of a name and a network, so who guesses locks out himself and not the person
//! whose name it is. Guesses that are spread over many networks count together too: above a number in a day only networks
//! that the person has signed in from before are let try. Names that nobody has are counted and judged alike.

use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};
use sluice_db::models::sign_ins::Failures;

/// Wrong passwords in a row and what they cost, in minutes; the highest one reached counts. `None` locks for good.
const LOCKOUTS: [(i32, Option<i64>); 3] = [(5, Some(15)), (10, Some(60)), (15, None)];
/// A day without a wrong password forgives them all, also the lock for good: it must not be a lever against others.
pub(crate) const FORGIVEN_AFTER: Duration = Duration::hours(24);
/// How long a network is known after a sign-in.
pub(crate) const KNOWN_FOR: Duration = Duration::days(90);

/// Whether a password may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Open,
    Until(DateTime<Utc>),
    ForGood,
}

/// Who tries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) network: &'a str,
    /// Whether the person has signed in from there before.
    pub(crate) is_known: bool,
    pub(crate) now: DateTime<Utc>,
}

/// The network of an address: of version 4 the address, of version 6 its first 64 bits, which one customer has.
pub(crate) fn network_of(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => format!("{ip}/32"),
        Some(IpAddr::V6(ip)) => {
            let network = std::net::Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64));
            format!("{network}/64")
        }
    }
}

/// Judges an attempt by the wrong passwords for its name, of all networks; above `spread` of them only known ones may try.
pub(crate) fn judge(failures: &[Failures], attempt: Attempt<'_>, spread: i32) -> Verdict {
    let recent = || failures.iter().filter(|row| is_recent(row, attempt.now));
    if let Some(own) = recent().find(|row| row.network == attempt.network) {
        let verdict = match own.locked_until {
            Some(until) if until > attempt.now => Verdict::Until(until),
            None if lock_of(own.failures) == Some(None) => Verdict::ForGood,
            Some(_) | None => Verdict::Open,
        };
        if verdict != Verdict::Open {
            return verdict;
        }
    }
    if attempt.is_known {
        return Verdict::Open;
    }
    // The oldest are forgiven first; told is when enough of them are.
    let mut rows: Vec<&Failures> = recent().collect();
    rows.sort_by_key(|row| row.last_failed_at);
    let mut left = rows.iter().fold(0_i32, |sum, row| sum.saturating_add(row.failures));
    if left < spread {
        return Verdict::Open;
    }
    for row in rows {
        left = left.saturating_sub(row.failures);
        if left < spread {
            return Verdict::Until(row.last_failed_at + FORGIVEN_AFTER);
        }
    }
    Verdict::Open
}

/// What one more wrong password makes of a pair.
pub(crate) fn count(failures: &[Failures], username: &str, attempt: Attempt<'_>) -> Failures {
    let before = failures.iter().find(|row| row.network == attempt.network && is_recent(row, attempt.now));
    let count = before.map_or(0, |row| row.failures).saturating_add(1);
    let lock = lock_of(count).flatten();
    Failures {
        username: username.to_owned(),
        network: attempt.network.to_owned(),
        failures: count,
        last_failed_at: attempt.now,
        locked_until: lock.map(|minutes| attempt.now + Duration::minutes(minutes)),
    }
}

/// Whether this count begins a lock.
pub(crate) fn begins_lock(count: i32) -> bool {
    LOCKOUTS.iter().any(|(least, _)| *least == count)
}

fn lock_of(count: i32) -> Option<Option<i64>> {
    LOCKOUTS.iter().rev().find(|(least, _)| count >= *least).map(|(_, lock)| *lock)
}

fn is_recent(row: &Failures, now: DateTime<Utc>) -> bool {
    now - row.last_failed_at <= FORGIVEN_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPREAD: i32 = 50;

    fn time(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + Duration::minutes(minutes)
    }

    fn attempt(network: &str, minutes: i64) -> Attempt<'_> {
        Attempt { network, is_known: false, now: time(minutes) }
    }

    /// Fails as often as it is let, once a minute; answers the times at which it was.
    fn guess(minutes: std::ops::Range<i64>, rows: &mut Vec<Failures>) -> Vec<i64> {
        let mut tried = Vec::new();
        for minute in minutes {
            if judge(rows, attempt("a", minute), SPREAD) == Verdict::Open {
                let row = count(rows, "ada", attempt("a", minute));
                rows.retain(|row| row.network != "a");
                rows.push(row);
                tried.push(minute);
            }
        }
        tried
    }

    #[test]
    fn guesses_from_one_network_come_ever_rarer_and_end() {
        let mut rows = Vec::new();
        let tried = guess(0..1_000, &mut rows);
        // 5 in a row, then one a quarter of an hour up to 10, one an hour up to 15, then none.
        assert_eq!(tried, [0, 1, 2, 3, 4, 19, 34, 49, 64, 79, 139, 199, 259, 319, 379]);
        assert_eq!(judge(&rows, attempt("a", 1_000), SPREAD), Verdict::ForGood);
        assert_eq!(judge(&rows, attempt("b", 1_000), SPREAD), Verdict::Open, "the others are not locked out");
        assert_eq!(judge(&rows, attempt("a", 379 + 24 * 60), SPREAD), Verdict::ForGood);
        assert_eq!(judge(&rows, attempt("a", 380 + 24 * 60), SPREAD), Verdict::Open, "a day forgives");
        assert_eq!(count(&rows, "ada", attempt("a", 380 + 24 * 60)).failures, 1);
    }

    #[test]
    fn guesses_from_many_networks_leave_the_known_ones_open() {
        let one = |network: u32, minutes: i64| {
            let network = format!("10.0.0.{network}/32");
            Failures { failures: 4, ..count(&[], "ada", attempt(&network, minutes)) }
        };
        let rows: Vec<Failures> = (0..13).map(|number| one(number, i64::from(number))).collect();
        assert_eq!(judge(&rows[..12], attempt("new", 20), SPREAD), Verdict::Open, "48 are not 50");
        // 52: without the oldest row there are 48.
        assert_eq!(judge(&rows, attempt("new", 20), SPREAD), Verdict::Until(time(24 * 60)));
        let known = Attempt { is_known: true, ..attempt("new", 20) };
        assert_eq!(judge(&rows, known, SPREAD), Verdict::Open);
        assert_eq!(judge(&rows, attempt("new", 24 * 60 + 1), SPREAD), Verdict::Open);
    }

    #[test]
    fn a_network_is_what_one_customer_has() {
        let network = |text: &str| network_of(Some(text.parse().unwrap()));
        assert_eq!(network("192.0.2.7"), "192.0.2.7/32");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7/32");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff::1"), network("2001:db8:1:2::9"));
        assert_eq!(network_of(None), "unknown");
    }
}
