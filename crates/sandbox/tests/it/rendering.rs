use image::{GrayImage, ImageFormat, Luma};
use sluice_core::{Classify, ErrorKind, FileFormat, RenderRequest};
use sluice_sandbox::Sandbox;
use sluice_test_support::documents;

use crate::config;

/// Renders a page and answers the width and height of the picture.
async fn render(
    bytes: &[u8],
    format: FileFormat,
    change: impl FnOnce(&mut RenderRequest),
) -> Result<(u32, u32), ErrorKind> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut request =
        RenderRequest { path: file.path().to_owned(), format, page: 1, max_side_pixels: 842, turned_degrees: 0 };
    change(&mut request);
    let png = Sandbox::new(config()).render_page(&request).await.map_err(|error| error.kind())?;
    let picture = image::load_from_memory_with_format(&png, ImageFormat::Png).unwrap();
    Ok((picture.width(), picture.height()))
}

#[tokio::test]
async fn a_page_is_shown_at_the_size_that_is_asked_for_and_no_larger_than_allowed() {
    let pdf = documents::pdf(&[&["First"], &["Second"]]);
    assert_eq!(render(&pdf, FileFormat::Pdf, |_| {}).await, Ok((595, 842)));
    assert_eq!(render(&pdf, FileFormat::Pdf, |request| request.turned_degrees = 90).await, Ok((842, 595)));
    let (width, height) = render(&pdf, FileFormat::Pdf, |request| request.max_side_pixels = u32::MAX).await.unwrap();
    assert!(width.abs_diff(2120) < 3 && height.abs_diff(3000) < 2, "{width} × {height}");
    let (_, height) = render(&pdf, FileFormat::Pdf, |request| request.max_side_pixels = 0).await.unwrap();
    assert_eq!(height, 16);
}

#[tokio::test]
async fn a_page_that_is_not_there_can_not_be_shown() {
    let pdf = documents::pdf(&[&["First"], &["Second"]]);
    assert_eq!(render(&pdf, FileFormat::Pdf, |request| request.page = 2).await, Ok((595, 842)));
    for page in [0, 3, u32::MAX] {
        assert_eq!(render(&pdf, FileFormat::Pdf, |request| request.page = page).await, Err(ErrorKind::NotFound));
    }
    assert_eq!(
        render(&documents::tiny_png(), FileFormat::Png, |request| request.page = 2).await,
        Err(ErrorKind::NotFound)
    );
    assert_eq!(render(b"%PDF-1.7 and nothing else", FileFormat::Pdf, |_| {}).await, Err(ErrorKind::Invalid));
}

#[tokio::test]
async fn a_picture_is_made_smaller_but_never_larger() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    GrayImage::from_pixel(400, 200, Luma([90])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    let bytes = bytes.into_inner();
    assert_eq!(render(&bytes, FileFormat::Png, |_| {}).await, Ok((400, 200)));
    assert_eq!(render(&bytes, FileFormat::Png, |request| request.max_side_pixels = 100).await, Ok((100, 50)));
    assert_eq!(render(&bytes, FileFormat::Png, |request| request.turned_degrees = 270).await, Ok((200, 400)));
}
