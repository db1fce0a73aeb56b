//! Image files.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ::image::imageops::FilterType;
use ::image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use sluice_core::{FileFormat, OcrMode, Page, ReadOptions, ReadRequest, RenderRequest};
use tiff::decoder::{Decoder as TiffDecoder, DecodingResult};

use crate::error::{Error, Result};
use crate::ocr::PictureReader;
use crate::page;
use crate::picture::{resize, size_of};
use crate::reader::Progress;

/// Images with more pixels are refused before they are decoded: 60 megapixels is A3 at 450 dots per inch.
const MAX_PIXELS: u64 = 60_000_000;
/// Larger images are reduced before they are read.
const READ_PIXELS: f64 = 20_000_000.0;
/// Pictures of a TIFF are looked through to this one at most when a page is to be shown.
const MAX_TIFF_PAGES: u32 = 10_000;
/// What a decoder may ask for.
const MAX_ALLOCATION_BYTES: u64 = 512 * 1024 * 1024;

/// Reads an image file; each picture of a TIFF is a page.
pub(crate) fn read(
    request: &ReadRequest,
    ocr: &mut dyn PictureReader,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    if request.format == FileFormat::Tiff {
        return read_tiff(request, ocr, progress);
    }
    let picture = on_white(&decode(&request.path, request.format)?);
    progress(Progress::Opened { pages: 1 });
    if !request.skip.contains(&1) {
        progress(Progress::Page(Box::new(read_picture(1, &picture, &request.options, ocr)?)));
    }
    Ok(())
}

fn read_tiff(request: &ReadRequest, ocr: &mut dyn PictureReader, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let open = || TiffDecoder::new(BufReader::new(File::open(&request.path)?)).map_err(damaged);
    let limit = request.options.max_pages;
    let mut pages = 1;
    let mut counter = open()?;
    while counter.more_images() && pages <= limit {
        counter.next_image().map_err(damaged)?;
        pages += 1;
    }
    if pages > limit {
        return Err(Error::TooManyPages { pages, limit });
    }
    progress(Progress::Opened { pages });
    let mut decoder = open()?;
    for number in 1..=pages {
        if number > 1 {
            decoder.next_image().map_err(damaged)?;
        }
        if !request.skip.contains(&number) {
            let picture = on_white(&decode_tiff_page(&mut decoder, number)?);
            progress(Progress::Page(Box::new(read_picture(number, &picture, &request.options, ocr)?)));
        }
    }
    Ok(())
}

/// The picture of a page in its colours, not larger than asked for.
pub(crate) fn render(request: &RenderRequest) -> Result<DynamicImage> {
    let number = request.page;
    let picture = if request.format == FileFormat::Tiff {
        let mut decoder = TiffDecoder::new(BufReader::new(File::open(&request.path)?)).map_err(damaged)?;
        for _ in 1..number.min(MAX_TIFF_PAGES) {
            if !decoder.more_images() {
                return Err(Error::NoSuchPage { number });
            }
            decoder.next_image().map_err(damaged)?;
        }
        decode_tiff_page(&mut decoder, number)?
    } else if number == 1 {
        decode(&request.path, request.format)?
    } else {
        return Err(Error::NoSuchPage { number });
    };
    let side = request.max_side_pixels.max(1);
    if picture.width().max(picture.height()) <= side {
        return Ok(picture);
    }
    Ok(picture.resize(side, side, FilterType::Triangle))
}

fn decode_tiff_page(decoder: &mut TiffDecoder<BufReader<File>>, number: u32) -> Result<DynamicImage> {
    let (width, height) = decoder.dimensions().map_err(damaged)?;
    check_size(number, width, height)?;
    let color = decoder.colortype().map_err(damaged)?;
    let samples = match decoder.read_image().map_err(damaged)? {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => samples.into_iter().map(|sample| sample.to_be_bytes()[0]).collect(),
        _ => return Err(damaged("a TIFF with samples of an unusual kind")),
    };
    let picture = match color {
        tiff::ColorType::Gray(1) => unpack_bits(&samples, width, height).map(DynamicImage::ImageLuma8),
        tiff::ColorType::Gray(_) => GrayImage::from_raw(width, height, samples).map(DynamicImage::ImageLuma8),
        tiff::ColorType::RGB(_) => ::image::RgbImage::from_raw(width, height, samples).map(DynamicImage::ImageRgb8),
        tiff::ColorType::RGBA(_) => ::image::RgbaImage::from_raw(width, height, samples).map(DynamicImage::ImageRgba8),
        _ => None,
    };
    picture.ok_or_else(|| damaged("a TIFF with colours of an unusual kind"))
}

/// One bit a pixel, rows padded to bytes.
fn unpack_bits(samples: &[u8], width: u32, height: u32) -> Option<GrayImage> {
    let row_bytes = usize::try_from(width.div_ceil(8)).ok()?;
    let mut pixels = Vec::new();
    for row in samples.chunks_exact(row_bytes).take(usize::try_from(height).ok()?) {
        let bits = row.iter().flat_map(|byte| (0..8).rev().map(move |bit| if byte >> bit & 1 == 1 { 255 } else { 0 }));
        pixels.extend(bits.take(usize::try_from(width).ok()?));
    }
    GrayImage::from_raw(width, height, pixels)
}

fn decode(path: &Path, format: FileFormat) -> Result<DynamicImage> {
    let format = match format {
        FileFormat::Png => ImageFormat::Png,
        FileFormat::Jpeg => ImageFormat::Jpeg,
        FileFormat::Gif => ImageFormat::Gif,
        FileFormat::Webp => ImageFormat::WebP,
        FileFormat::Bmp => ImageFormat::Bmp,
        FileFormat::Tiff | FileFormat::Pdf | FileFormat::Xml => return Err(damaged("not an image")),
    };
    if format == ImageFormat::Jpeg && !jpeg_is_whole(&std::fs::read(path)?) {
        return Err(damaged("the image is cut off"));
    }
    let mut reader = ImageReader::with_format(BufReader::new(File::open(path)?), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(1, width, height)?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Whether an end of image follows the last start of scan (ITU-T T.81, B.1.1.3): the decoder makes up what is missing.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xFF, marker]);
    match (last(0xDA), last(0xD9)) {
        (Some(scan), Some(end)) => end > scan,
        // What is no JPEG at all is the decoder's to tell.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// Shades of grey, with what is transparent shown on white paper.
fn on_white(picture: &DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.to_luma8();
    }
    let mut gray = GrayImage::new(picture.width(), picture.height());
    for (target, source) in gray.pixels_mut().zip(picture.to_luma_alpha8().pixels()) {
        let [shade, alpha] = source.0;
        let mixed = (u32::from(shade) * u32::from(alpha) + 255 * (255 - u32::from(alpha))) / 255;
        target.0 = [u8::try_from(mixed).unwrap_or(255)];
    }
    gray
}

fn check_size(number: u32, width: u32, height: u32) -> Result<()> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::TooLarge { number, width: width.into(), height: height.into(), unit: "pixels" });
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> Error {
    Error::Damaged { reason: error.to_string() }
}

/// Reads one picture; boxes in its own pixels, upright.
fn read_picture(number: u32, picture: &GrayImage, options: &ReadOptions, ocr: &mut dyn PictureReader) -> Result<Page> {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    if options.ocr == OcrMode::Never {
        return Ok(page::from_layer(number, size_of(picture), Vec::new()));
    }
    let scale = (width * height / READ_PIXELS).sqrt().max(1.0);
    if scale == 1.0 {
        return Ok(page::from_picture(number, (width, height), 1.0, ocr.read(picture)?));
    }
    let reduced = resize(picture, 1.0 / scale);
    let size = (f64::from(reduced.width()), f64::from(reduced.height()));
    Ok(page::from_picture(number, size, 1.0 / scale, ocr.read(&reduced)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_without_its_end_is_cut_off_even_behind_a_whole_thumbnail() {
        const THUMBNAIL: &[u8] = b"\xFF\xD8\xFF\xDA..\xFF\xD9";
        assert!(jpeg_is_whole(&[b"\xFF\xD8", THUMBNAIL, b"\xFF\xDA....\xFF\xD9 trailer"].concat()));
        assert!(!jpeg_is_whole(&[b"\xFF\xD8", THUMBNAIL, b"\xFF\xDA...."].concat()));
    }
}
