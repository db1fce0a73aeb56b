//! A span of time as clients ask for it.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use sluice_db::models::reports::TimeRange;

use crate::error::{ApiError, Result};
use crate::extract::{Fields, Input};

/// A span of time as a client asked for it, both ends included.
///
/// An end is a day (`2026-03-14`, all of it, in UTC) or a moment (RFC 3339; UTC when it names no offset).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DateRange {
    from: Option<String>,
    to: Option<String>,
    span: TimeRange,
}

impl DateRange {
    /// Reads the two ends; `names` are those of the parameters.
    ///
    /// # Errors
    /// `BadRequest` which says that an end must be a valid date.
    pub(crate) fn parse(names: (&str, &str), from: Option<String>, to: Option<String>) -> Result<Self> {
        let (from, to) = (given(from), given(to));
        let span = TimeRange {
            from: parse(names.0, from.as_deref())?.map(Moment::start),
            until: parse(names.1, to.as_deref())?.map(Moment::end),
        };
        Ok(Self { from, to, span })
    }

    /// The same span with its end open.
    pub(crate) const fn span(&self) -> TimeRange {
        self.span
    }

    /// Both ends as they were asked for, when both were.
    pub(crate) fn ends(&self) -> Option<(String, String)> {
        self.from.clone().zip(self.to.clone())
    }
}

/// The two ends in a query, as most reports call them.
#[derive(Debug)]
pub(crate) struct Span {
    from: Option<String>,
    to: Option<String>,
}

impl Input for Span {
    fn read(fields: &mut Fields) -> Self {
        Self { from: fields.string("from").optional(), to: fields.string("to").optional() }
    }
}

impl Span {
    /// Reads the dates.
    ///
    /// # Errors
    /// `BadRequest` which says that an end must be a valid date.
    pub(crate) fn range(self) -> Result<DateRange> {
        DateRange::parse(("from", "to"), self.from, self.to)
    }
}

/// Reads one moment, the start of a day for a day.
///
/// # Errors
/// `BadRequest` which says that it must be a valid date.
pub(crate) fn parse_moment(name: &str, text: Option<String>) -> Result<Option<DateTime<Utc>>> {
    Ok(parse(name, given(text).as_deref())?.map(Moment::start))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Day(NaiveDate),
    Time(DateTime<Utc>),
}

impl Moment {
    fn start(self) -> DateTime<Utc> {
        match self {
            Self::Day(day) => day.and_time(NaiveTime::MIN).and_utc(),
            Self::Time(time) => time,
        }
    }

    /// The first moment behind it; Postgres counts in microseconds.
    fn end(self) -> DateTime<Utc> {
        match self {
            Self::Day(day) => Self::Day(day.checked_add_days(Days::new(1)).unwrap_or(day)).start(),
            Self::Time(time) => time + TimeDelta::microseconds(1),
        }
    }
}

/// An empty parameter is none.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn parse(name: &str, text: Option<&str>) -> Result<Option<Moment>> {
    match text.map(str::trim) {
        None => Ok(None),
        Some(text) => {
            let moment = read(text).filter(|moment| (1..=9999).contains(&moment.start().year()));
            moment.map(Some).ok_or_else(|| ApiError::bad_request(format!("{name} must be a valid date")))
        }
    }
}

fn read(text: &str) -> Option<Moment> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(Moment::Day(day));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(Moment::Time(time.with_timezone(&Utc)));
    }
    // In a query string the plus of an offset reads as a space.
    let with_plus = text.rsplit_once(' ').map(|(time, offset)| format!("{time}+{offset}"));
    if let Some(time) = with_plus.and_then(|text| DateTime::parse_from_rfc3339(&text).ok()) {
        return Some(Moment::Time(time.with_timezone(&Utc)));
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    local.map(|time| Moment::Time(time.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str) -> DateRange {
        DateRange::parse(("from", "to"), Some(from.to_owned()), Some(to.to_owned())).unwrap()
    }

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc))
    }

    #[test]
    fn a_day_is_meant_as_a_whole_and_a_moment_to_the_microsecond() {
        let days = range("2026-02-28", "2026-02-28");
        assert_eq!(days.span(), TimeRange { from: at("2026-02-28T00:00:00Z"), until: at("2026-03-01T00:00:00Z") });
        assert_eq!(days.ends(), Some(("2026-02-28".to_owned(), "2026-02-28".to_owned())));
        let moments = range("2026-02-28T10:00:00.5+01:00", "2026-02-28T12:00:00");
        let expected = TimeRange { from: at("2026-02-28T09:00:00.5Z"), until: at("2026-02-28T12:00:00.000001Z") };
        assert_eq!(moments.span(), expected);
        assert_eq!(range("2026-02-28T10:00:00 01:00", "9999-12-31").span().from, at("2026-02-28T09:00:00Z"));
    }

    #[test]
    fn an_end_that_is_absent_or_empty_does_not_limit() {
        let open = DateRange::parse(("from", "to"), None, Some(" ".to_owned())).unwrap();
        assert_eq!((open.span(), open.ends()), (TimeRange::default(), None));
    }

    #[test]
    fn what_is_no_date_is_refused_by_its_name() {
        for text in [
            "x",
            "2026-02-30",
            "2026-13-01",
            "0000-01-01",
            "10000-01-01",
            "-0001-01-01",
            "2026",
            "1e9",
            "2026-01-01T25:00:00Z",
        ] {
            let error = DateRange::parse(("startDate", "endDate"), None, Some(text.to_owned())).unwrap_err();
            assert_eq!(error.to_string(), "endDate must be a valid date", "{text}");
        }
    }
}
