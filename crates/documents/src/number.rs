//! Whole and broken numbers into each other, for coordinates, which are small.

/// The nearest whole number, at least 0.
#[expect(clippy::as_conversions, reason = "`as` saturates, and no coordinate comes near the limits")]
pub(crate) fn whole(value: f64) -> u32 {
    value.round() as u32
}

/// The nearest whole number, at least 0, to index with.
#[expect(clippy::as_conversions, reason = "`as` saturates, and no coordinate comes near the limits")]
pub(crate) fn index(value: f64) -> usize {
    value.round() as usize
}

/// A coordinate as an index.
#[expect(clippy::as_conversions, reason = "an index has at least 32 bits wherever this is built")]
pub(crate) const fn at(value: u32) -> usize {
    value as usize
}

/// An index or count as a coordinate.
pub(crate) fn side(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A count to calculate with.
pub(crate) fn real(value: usize) -> f64 {
    f64::from(side(value))
}

/// Half the precision.
#[expect(clippy::as_conversions, reason = "the only way to a shorter float; what is lost is far below a pixel")]
pub(crate) const fn narrow(value: f64) -> f32 {
    value as f32
}
