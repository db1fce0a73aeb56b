//! Dates and times of day.

use chrono::{NaiveDate, NaiveTime};

/// A date that can be read in one way only.
pub(super) fn read_date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let day = text.split_once(['T', ' ']).map_or(text, |(day, _)| day);
    let chinese = text.replace(['年', '月'], "-").replace(['日', ' '], "");
    ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%Y%m%d"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(day, format).ok())
        .or_else(|| NaiveDate::parse_from_str(&chinese, "%Y-%m-%d").ok())
        .or_else(|| [text, &text.replace(['.', ','], "")].iter().find_map(|text| in_words(text)))
        .filter(|date| (1000..=9999).contains(&chrono::Datelike::year(date)))
}

/// `5 March 2018` or `March 5 2018`.
fn in_words(text: &str) -> Option<NaiveDate> {
    ["%d %B %Y", "%B %d %Y"].iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok())
}

/// Hours and minutes.
pub(super) fn read_time(text: &str) -> Option<NaiveTime> {
    let text = text.trim().to_ascii_uppercase();
    ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p", "%I:%M:%S %p"]
        .iter()
        .find_map(|format| NaiveTime::parse_from_str(&text, format).ok())
        .and_then(|time| chrono::Timelike::with_second(&time, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_where_they_are_not_ambiguous() {
        let wanted = NaiveDate::from_ymd_opt(2018, 3, 5);
        for text in [
            "2018-03-05",
            "2018-03-05T10:00:00Z",
            "5.3.2018",
            "2018年3月5日",
            "20180305",
            "5 March 2018",
            "March 5, 2018",
        ] {
            assert_eq!(read_date(text), wanted, "{text}");
        }
        for text in ["05/03/2018", "2018-13-01", "soon", ""] {
            assert_eq!(read_date(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_hours_and_minutes() {
        assert_eq!(read_time("21:54"), read_time("9:54 PM"));
        assert_eq!(read_time("21:54"), read_time("21:54:33"));
        assert_eq!(read_time("25:00"), None);
    }
}
