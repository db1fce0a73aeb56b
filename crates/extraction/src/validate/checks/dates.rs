//! Dates in the order in which things happen.

use chrono::{Datelike, NaiveDate};

use super::{Doubt, Notes};
use crate::concepts::Concept;
use crate::validate::dates::Moment;

const DATE_ORDER: &str = "date_order";

/// Deliveries further from their invoice than this are misread more often than true.
const MOST_DAYS: i64 = 2 * 366;

/// Years in which documents are written.
const YEARS: std::ops::RangeInclusive<i32> = 1950..=2100;

pub(super) fn check(notes: &mut Notes<'_>) {
    for concept in [Concept::IssueDate, Concept::DueDate, Concept::DeliveryDate, Concept::OrderDate] {
        if let Some((path, date)) = read(notes, concept)
            && !YEARS.contains(&date.year())
        {
            let message = format!("{path} is {date}, a year in which no such document is written");
            notes.doubts.push(Doubt::new(DATE_ORDER, path, message));
        }
    }
    in_order(notes, (Concept::IssueDate, "issue date"), (Concept::DueDate, "due date"));
    in_order(notes, (Concept::OrderDate, "order date"), (Concept::DeliveryDate, "delivery date"));
    in_order(notes, (Concept::PeriodStart, "begin of the period"), (Concept::PeriodEnd, "end of the period"));
    let (Some((_, issued)), Some((path, delivered))) =
        (read(notes, Concept::IssueDate), read(notes, Concept::DeliveryDate))
    else {
        return;
    };
    let days = delivered.signed_duration_since(issued).num_days();
    if days.abs() > MOST_DAYS {
        let message = format!("the delivery date {delivered} is {} days from the issue date {issued}", days.abs());
        notes.doubts.push(Doubt::new(DATE_ORDER, path, message));
    }
}

fn in_order(notes: &mut Notes<'_>, (first, first_name): (Concept, &str), (second, second_name): (Concept, &str)) {
    if let (Some((_, first)), Some((path, second))) = (read(notes, first), read(notes, second))
        && second < first
    {
        let message = format!("the {second_name} {second} lies before the {first_name} {first}");
        notes.doubts.push(Doubt::new(DATE_ORDER, path, message));
    }
}

fn read(notes: &Notes<'_>, concept: Concept) -> Option<(String, NaiveDate)> {
    let date = Moment::read(notes.concepts.value(notes.data, concept)?.as_str()?)?.date();
    Some((notes.concepts.path(concept)?.to_owned(), date))
}
