//! Dates in extracted data.

use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};

/// A date, or a time on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Date(NaiveDate),
    /// A time without an offset is one of UTC.
    Time(DateTime<FixedOffset>),
}

/// Forms of which day and month can't be mixed up.
const DATES: [&str; 5] = ["%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"];

const TIMES: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

impl Moment {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 40 || !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let date = DATES.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok()).map(Self::Date);
        date.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(Self::Time)).or_else(|| {
            let time = TIMES.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
            time.map(|time| Self::Time(time.and_utc().fixed_offset()))
        })
    }

    pub(crate) fn date(self) -> NaiveDate {
        match self {
            Self::Date(date) => date,
            Self::Time(time) => time.date_naive(),
        }
    }

    /// Two times by the clock; where one is a date only, by the day.
    pub(crate) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Time(left), Self::Time(right)) => left.cmp(&right),
            _ => self.date().cmp(&other.date()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_can_be_read_in_one_way_are_read() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
        for text in [
            "2026-03-05",
            "05.03.2026",
            " 5.3.2026 ",
            "2026/03/05",
            "2026年3月5日",
            "2026-03-05T10:00:00Z",
            "2026-03-05 10:00",
        ] {
            assert_eq!(Moment::read(text).map(Moment::date), Some(day), "{text}");
        }
        for text in ["05/03/2026", "2026-02-30", "March 5", "", "20260305123456789012345678901234567890123"] {
            assert_eq!(Moment::read(text), None, "{text}");
        }
        let order = |left: &str, right: &str| Moment::read(left).unwrap().order(Moment::read(right).unwrap());
        assert_eq!(order("2026-03-05T10:00:00+02:00", "2026-03-05T09:00:00Z"), Ordering::Less);
        assert_eq!(order("2026-03-05T10:00:00Z", "2026-03-05"), Ordering::Equal);
    }
}
