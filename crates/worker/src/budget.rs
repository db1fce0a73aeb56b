//! The budget of a job's project: the most that a call may cost is reserved before it, and what it did cost is settled
//! after it. Whoever asks a model or a paid extractor goes through here.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use futures_util::FutureExt;
use sluice_core::{ErrorKind, NanoAmount};
use sluice_db::AsyncPgConnection;
use sluice_db::models::budgets::{self, Refusal, Wish};
use sluice_db::models::llm_calls::{self, NewLlmCall};

use crate::error::{Parked, StageError};
use crate::pipeline::StageContext;
use crate::wiring::Ports;

/// A job that waits is looked at at least so often.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// What is paid without saying in which currency.
const UNKNOWN_CURRENCY: &str = "unknown";

/// What is reserved for one call. To be settled when the call has ended; one that is dropped, because its job was canceled
/// or failed, is given up at the end of the attempt.
#[derive(Debug)]
#[must_use = "what is reserved is to be settled"]
pub(crate) struct Reservation<'a> {
    ports: &'a Ports,
    /// Absent for what costs nothing.
    held: Option<budgets::Reservation>,
}

/// Reserves the most that a call may cost.
///
/// # Errors
/// One that parks the job when there is no room for the call now. One that fails it when there never will be: the call may
/// cost more than the whole budget, or is paid in another currency.
pub(crate) async fn reserve<'a>(
    ports: &'a Ports,
    context: &StageContext,
    most: NanoAmount,
    currency: Option<&str>,
) -> Result<Reservation<'a>, StageError> {
    if most <= NanoAmount::ZERO {
        return Ok(Reservation { ports, held: None });
    }
    let now = ports.clock.now();
    let month = month_of(now);
    let currency = currency.unwrap_or(UNKNOWN_CURRENCY);
    let expires_at = now + ports.call_timeout.saturating_mul(2);
    let wish = Wish { job_id: context.attempt.job_id, month, currency, amount_nano: most.0, expires_at };
    let mut connection = ports.pool.get().await?;
    if let Some(held) = budgets::reserve(&mut connection, &wish).await? {
        return Ok(Reservation { ports, held: Some(held) });
    }
    let refusal = budgets::find_of_job(&mut connection, context.attempt.job_id, month).await?;
    let gone = || StageError::not_found("the project was deleted while its manifest was processed");
    Err(refuse(&refusal.ok_or_else(gone)?, most, currency, (now, ports.park_delay)))
}

impl Reservation<'_> {
    /// Records a call of a model and replaces what was reserved by what it did cost, both or neither.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn record(self, call: NewLlmCall) -> Result<(), StageError> {
        let held = self.held;
        let work = self.ports.pool.transaction(move |connection| {
            async move {
                llm_calls::insert(connection, &call).await?;
                match held {
                    Some(held) => budgets::settle(connection, &held, call.cost_nano.unwrap_or(0)).await,
                    None => Ok(()),
                }
            }
            .boxed()
        });
        Ok(work.await?)
    }

    /// Replaces what was reserved by what the call did cost; nothing when it was not answered.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn settle(self, actual: NanoAmount) -> Result<(), StageError> {
        if let Some(held) = &self.held {
            budgets::settle(&mut *self.ports.pool.get().await?, held, actual.0).await?;
        }
        Ok(())
    }
}

/// How long a job still has to wait for room in its budget; `None` when it does not wait, or there may be room.
pub(crate) async fn still_parked(
    ports: &Ports,
    connection: &mut AsyncPgConnection,
    job_id: i32,
) -> sluice_db::Result<Option<Duration>> {
    let now = ports.clock.now();
    let refusal = budgets::find_still_parked(connection, job_id, month_of(now)).await?;
    Ok(refusal.map(|refusal| wait(&refusal, now, ports.park_delay)))
}

fn refuse(refusal: &Refusal, most: NanoAmount, currency: &str, (now, delay): (DateTime<Utc>, Duration)) -> StageError {
    let Refusal { limit_nano, currency: budget_currency, spent_nano, reserved_nano, .. } = refusal;
    let shown = |nano: i64| shorten(NanoAmount(nano));
    if currency != budget_currency {
        return StageError::new(
            ErrorKind::Forbidden,
            format!("the budget of the project is in {budget_currency}, and this would be paid in {currency}"),
        );
    }
    if most.0 > *limit_nano {
        return StageError::new(
            ErrorKind::Forbidden,
            format!(
                "one call may cost up to {} {currency}, more than the whole budget of the project ({} {currency})",
                shown(most.0),
                shown(*limit_nano)
            ),
        );
    }
    let message = format!(
        "the budget of the project is used up: of {} {currency} this month {} are spent and {} reserved, and the next \
         call may cost up to {}",
        shown(*limit_nano),
        shown(*spent_nano),
        shown(*reserved_nano),
        shown(most.0)
    );
    let parked = Parked { amount: most, after: wait(refusal, now, delay) };
    StageError { parked: Some(parked), ..StageError::new(ErrorKind::Forbidden, message) }
}

/// Half as long as it has waited already, so that the looks grow rarer; never past the end of the month.
fn wait(refusal: &Refusal, now: DateTime<Utc>, delay: Duration) -> Duration {
    let waited = refusal.parked_at.and_then(|since| (now - since).to_std().ok()).unwrap_or_default();
    let left = next_month(now).and_then(|next| (next - now).to_std().ok()).unwrap_or(LONGEST_WAIT);
    // At the turn of the month all would come at once; each comes a little after it.
    let spread = delay.mul_f64(rand::random());
    (waited / 2).clamp(delay, LONGEST_WAIT.max(delay)).min(left) + spread
}

/// The first day of a time's month.
pub(crate) fn month_of(time: DateTime<Utc>) -> NaiveDate {
    let day = time.date_naive();
    day.checked_sub_days(Days::new(day.day0().into())).unwrap_or(day)
}

fn next_month(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(month_of(time).checked_add_months(Months::new(1))?.and_time(NaiveTime::MIN).and_utc())
}

/// Without the zeros at the end.
fn shorten(amount: NanoAmount) -> String {
    let text = amount.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(60);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn refusal(parked_at: Option<&str>) -> Refusal {
        Refusal {
            limit_nano: 10_000_000_000,
            currency: "USD".to_owned(),
            spent_nano: 9_500_000_000,
            reserved_nano: 250_000_000,
            parked_at: parked_at.map(at),
        }
    }

    #[test]
    fn what_can_be_paid_later_parks_and_what_never_can_fails() {
        let now = at("2026-03-10T00:00:00Z");
        let parked = refuse(&refusal(None), NanoAmount(300_000_000), "USD", (now, DELAY));
        assert_eq!(parked.parked.unwrap().amount, NanoAmount(300_000_000));
        assert_eq!(
            parked.message,
            "the budget of the project is used up: of 10 USD this month 9.5 are spent and 0.25 reserved, and the next \
             call may cost up to 0.3"
        );
        let other = refuse(&refusal(None), NanoAmount(1), "EUR", (now, DELAY));
        assert_eq!(other.parked, None);
        assert_eq!(other.message, "the budget of the project is in USD, and this would be paid in EUR");
        let large = refuse(&refusal(None), NanoAmount(10_000_000_001), "USD", (now, DELAY));
        assert!(large.parked.is_none() && large.message.contains("more than the whole budget"), "{}", large.message);
    }

    #[test]
    fn who_waits_is_looked_at_ever_rarer_and_at_the_turn_of_the_month() {
        let waits = |now: &str, since: Option<&str>| {
            let waits = wait(&refusal(since), at(now), DELAY).as_secs();
            waits - waits % 60
        };
        assert_eq!(waits("2026-03-10T00:00:00Z", None), 60);
        assert_eq!(waits("2026-03-10T00:10:00Z", Some("2026-03-10T00:00:00Z")), 300);
        assert_eq!(waits("2026-03-10T00:10:00Z", Some("2026-03-01T00:00:00Z")), 3_600);
        assert_eq!(waits("2026-12-31T23:50:00Z", Some("2026-12-01T00:00:00Z")), 600);
        assert_eq!(month_of(at("2026-12-31T23:50:00Z")).to_string(), "2026-12-01");
    }
}
