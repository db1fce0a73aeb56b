//! How well a score tells wrong from right.

/// The area under the ROC curve of pairs of confidence and whether the value is wrong.
///
/// It is how likely a wrong value has the lower confidence of the two when one wrong and one right value are drawn; equal
/// ones count half.
///
/// `None` when all are wrong or none is.
#[must_use]
pub fn auroc(scored: &[(f64, bool)]) -> Option<f64> {
    let mut sorted: Vec<(f64, bool)> = scored.to_vec();
    sorted.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (mut wrong, mut right, mut in_order) = (0.0, 0.0, 0.0);
    for equal in sorted.chunk_by(|(one, _), (other, _)| one.total_cmp(other).is_eq()) {
        let count = |is_wrong: bool| equal.iter().filter(|(_, wrong)| *wrong == is_wrong).map(|_| 1.0).sum::<f64>();
        let (wrong_here, right_here) = (count(true), count(false));
        in_order += right_here * (wrong + wrong_here / 2.0);
        wrong += wrong_here;
        right += right_here;
    }
    (wrong > 0.0 && right > 0.0).then(|| in_order / (wrong * right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_decides_and_ties_count_half() {
        assert_eq!(auroc(&[(0.1, true), (0.9, false), (0.8, false)]), Some(1.0));
        assert_eq!(auroc(&[(0.9, true), (0.1, false)]), Some(0.0));
        assert_eq!(auroc(&[(0.5, true), (0.5, false)]), Some(0.5));
        assert_eq!(auroc(&[(0.2, true), (0.4, false), (0.6, true), (0.8, false)]), Some(0.75));
        assert_eq!(auroc(&[(0.2, true)]), None);
        assert_eq!(auroc(&[]), None);
    }
}
