//! Which way up a picture is.

use image::{DynamicImage, GrayImage, imageops};

/// A turn that brings a picture upright, in degrees clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Turn {
    pub(crate) const fn degrees(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Quarter => 90,
            Self::Half => 180,
            Self::ThreeQuarters => 270,
        }
    }

    /// The turn by so many degrees; none by any other.
    pub(crate) const fn by(degrees: u16) -> Self {
        match degrees {
            90 => Self::Quarter,
            180 => Self::Half,
            270 => Self::ThreeQuarters,
            _ => Self::None,
        }
    }

    /// This turn and the others, first the one that keeps rows rows.
    pub(crate) const fn and_others(self) -> [Self; 4] {
        match self {
            Self::None => [Self::None, Self::Half, Self::Quarter, Self::ThreeQuarters],
            Self::Quarter => [Self::Quarter, Self::ThreeQuarters, Self::None, Self::Half],
            Self::Half => [Self::Half, Self::None, Self::Quarter, Self::ThreeQuarters],
            Self::ThreeQuarters => [Self::ThreeQuarters, Self::Quarter, Self::None, Self::Half],
        }
    }

    /// Turns a picture in its colours.
    pub(crate) fn show(self, picture: DynamicImage) -> DynamicImage {
        match self {
            Self::None => picture,
            Self::Quarter => picture.rotate90(),
            Self::Half => picture.rotate180(),
            Self::ThreeQuarters => picture.rotate270(),
        }
    }

    pub(crate) fn apply(self, picture: &GrayImage) -> GrayImage {
        match self {
            Self::None => picture.clone(),
            Self::Quarter => imageops::rotate90(picture),
            Self::Half => imageops::rotate180(picture),
            Self::ThreeQuarters => imageops::rotate270(picture),
        }
    }
}
