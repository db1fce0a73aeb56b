//! What does not pass the checks is asked for again, and only that.

use serde_json::Value;
use sluice_core::ErrorKind;
use sluice_extraction::concepts::Concept;
use sluice_extraction::doubt::{self, Doubt};
use sluice_extraction::field::FieldPath;
use sluice_extraction::reply;
use sluice_extraction::validate::{GROSS_AMOUNT, Issue};

use super::Draft;
use super::calls::Calls;
use super::whole::{self, Whole};
use crate::error::StageError;

/// What speaks against data.
struct Objections {
    /// What does not pass the user's schema and rules.
    issues: Vec<Issue>,
    /// What no page shows.
    doubts: Vec<Doubt>,
    /// Totals that do not meet.
    totals: Vec<Issue>,
}

impl Objections {
    fn to(calls: &Calls<'_>, data: &Value) -> Self {
        let subject = calls.subject;
        // On a long document this takes a while.
        let doubts = tokio::task::block_in_place(|| doubt::find(data, subject.pages, &subject.schema));
        let findings = subject.examiner.examine_corrected(data);
        let of_totals = |issue: &&Issue| issue.check.as_deref() == Some(GROSS_AMOUNT);
        let totals = findings.issues.iter().filter(of_totals).cloned().collect();
        Self { issues: findings.failures().cloned().collect(), doubts, totals }
    }

    /// How much speaks against the data: first what breaks a rule, then what stands on no page, then totals.
    fn weight(&self) -> (usize, usize, usize) {
        (self.issues.len(), self.doubts.len(), self.totals.len())
    }

    fn list(&self) -> String {
        let doubts: Vec<String> = self.doubts.iter().map(|doubt| format!("- {}", doubt.message())).collect();
        let issues: Vec<Issue> = self.issues.iter().chain(&self.totals).cloned().collect();
        let issues = (!issues.is_empty()).then(|| list(&issues));
        issues.into_iter().chain(doubts).collect::<Vec<_>>().join("\n")
    }
}

/// Asks for the fields that do not pass, that no page shows, or that do not meet, until there are none or the calls are used
/// up. An answer is taken as a whole or field by field, where less speaks against the data with it.
pub(super) async fn until_valid(calls: &mut Calls<'_>, mut draft: Draft) -> Result<Draft, StageError> {
    let mut objections = Objections::to(calls, &draft.data);
    if drop_idle_zeros(calls, &objections, &mut draft.data) {
        objections = Objections::to(calls, &draft.data);
    }
    while calls.corrections > 0 {
        let fields = fields_of(&objections, calls, &draft.data);
        if fields.is_empty() {
            break;
        }
        calls.corrections -= 1;
        let mut known = fields.iter().fold(draft.data.clone(), |data, field| field.without(&data));
        drop_info(&mut known);
        let answer = match whole::fields(calls, &fields, &known, &objections.list()).await {
            Ok(Whole::Data(answer)) => reply::convert(answer, &calls.subject.schema),
            Ok(Whole::Cut(_)) => break,
            // What there is was paid for; that no better one is to be had does not spoil it.
            Err(error) if error.parked.is_some() || matches!(error.kind, ErrorKind::Invalid | ErrorKind::Forbidden) => {
                break;
            }
            Err(error) => return Err(error),
        };
        let take = |data: &Value, field: &FieldPath| field.merge(data, field.find(&answer).cloned(), None).ok();
        let whole = fields.iter().try_fold(draft.data.clone(), |data, field| take(&data, field));
        for field in std::iter::once(None).chain(fields.iter().map(Some)) {
            let better = field.map_or_else(|| whole.clone(), |field| take(&draft.data, field));
            let Some(better) = better else { continue };
            let remaining = Objections::to(calls, &better);
            if remaining.weight() < objections.weight() {
                (objections, draft.data) = (remaining, better);
            }
        }
    }
    Ok(draft)
}

/// Takes out zeros that no page shows: so models say that there is nothing. Those that the schema wants stay. Answers whether
/// there were any.
fn drop_idle_zeros(calls: &Calls<'_>, objections: &Objections, data: &mut Value) -> bool {
    let mut has_dropped = false;
    for doubt in objections.doubts.iter().filter(|doubt| doubt.is_idle()) {
        let Ok(without) = doubt.field.merge(data, Some(Value::Null), None) else { continue };
        if calls.subject.check(&without).len() <= objections.issues.len() {
            *data = without;
            has_dropped = true;
        }
    }
    has_dropped
}

/// The fields that the errors speak of. An error of the document as a whole speaks of what is required and missing.
fn fields_of(objections: &Objections, calls: &Calls<'_>, data: &Value) -> Vec<FieldPath> {
    let errors = &objections.issues;
    let mut fields: Vec<FieldPath> = objections.doubts.iter().map(|doubt| doubt.field.clone()).collect();
    fields.extend(errors.iter().filter_map(|error| FieldPath::parse(&error.field)));
    if !objections.totals.is_empty() {
        let concepts = calls.subject.examiner.concepts();
        let operands =
            [Concept::Net, Concept::Tax, Concept::Gross].into_iter().filter_map(|total| concepts.path(total));
        fields.extend(operands.filter_map(FieldPath::parse));
    }
    if errors.iter().any(|error| error.field.is_empty()) {
        let required = calls.subject.settings.schema.required_fields.iter();
        let missing = required.filter_map(|path| FieldPath::parse(path));
        fields.extend(missing.filter(|field| field.find(data).is_none_or(Value::is_null)));
    }
    let mut distinct: Vec<FieldPath> = Vec::new();
    for field in fields {
        let path = field.to_string();
        if !distinct.iter().any(|known| known.overlaps(&path)) {
            distinct.push(field);
        }
    }
    distinct
}

/// What was said of an answer is no value of the document.
pub(super) fn drop_info(data: &mut Value) {
    if let Some(fields) = data.as_object_mut() {
        fields.shift_remove("_extraction_info");
    }
}

pub(super) fn list(issues: &[Issue]) -> String {
    issues.iter().map(|issue| format!("- {}", issue.message)).collect::<Vec<_>>().join("\n")
}
