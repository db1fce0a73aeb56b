//! How well a confidence parts right from wrong.

/// The area under the ROC curve, as the rank statistic it is.
///
/// That is how often a right value has a higher confidence than a wrong one, a draw counting half. `None` when all are right or all are
/// wrong, or there are none.
#[must_use]
pub fn auroc(judged: &[(f64, bool)]) -> Option<f64> {
    let mut sorted: Vec<(f64, bool)> = judged.iter().copied().filter(|(confidence, _)| !confidence.is_nan()).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut wrong_below = 0.0_f64;
    let mut right = 0.0_f64;
    let mut won = 0.0_f64;
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let (mut right_here, mut wrong_here) = (0.0, 0.0);
        for (_, is_right) in tied {
            if *is_right { right_here += 1.0 } else { wrong_here += 1.0 }
        }
        won += right_here * (wrong_below + wrong_here / 2.0);
        right += right_here;
        wrong_below += wrong_here;
    }
    let pairs = right * wrong_below;
    (pairs > 0.0).then(|| won / pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_alone_counts() {
        assert_eq!(auroc(&[(0.9, true), (0.8, true), (0.3, false)]), Some(1.0));
        assert_eq!(auroc(&[(0.1, true), (0.3, false)]), Some(0.0));
        assert_eq!(auroc(&[(0.5, true), (0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(auroc(&[(0.9, true), (0.6, false), (0.4, true), (0.2, false)]), Some(0.75));
    }

    #[test]
    fn one_class_alone_says_nothing() {
        assert_eq!(auroc(&[]), None);
        assert_eq!(auroc(&[(0.5, true)]), None);
        assert_eq!(auroc(&[(f64::NAN, true), (0.5, false)]), None);
    }
}
