use std::io::Write;

use sluice_core::{Classify, ErrorKind, FileFormat};
use sluice_test_support::documents;

use crate::read_bytes;

async fn message(bytes: &[u8], format: FileFormat) -> (ErrorKind, String) {
    let error = read_bytes(bytes, format).await.unwrap_err();
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn an_empty_file_says_so() {
    assert_eq!(message(b"", FileFormat::Pdf).await, (ErrorKind::Invalid, "the file is empty".to_owned()));
}

#[tokio::test]
async fn what_is_no_pdf_and_what_is_cut_is_damaged() {
    let whole = documents::invoice_pdf("1");
    for bytes in [b"%PDF-1.7 and nothing else".as_slice(), &whole[..200]] {
        let (kind, text) = message(bytes, FileFormat::Pdf).await;
        assert_eq!(kind, ErrorKind::Invalid);
        assert!(text.starts_with("the file is damaged or not what it claims to be"), "{text}");
    }
}

#[tokio::test]
async fn an_image_that_is_another_or_cut_is_damaged() {
    let png = documents::tiny_png();
    for (bytes, format) in
        [(png.as_slice(), FileFormat::Jpeg), (&png[..40], FileFormat::Png), (b"II*\0", FileFormat::Tiff)]
    {
        let (kind, text) = message(bytes, format).await;
        assert_eq!(kind, ErrorKind::Invalid, "{text}");
        assert!(text.starts_with("the file is damaged"), "{text}");
    }
}

#[tokio::test]
async fn a_jpeg_that_was_cut_is_not_read_in_part() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_pixel(64, 64, image::Luma([200])).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    let bytes = bytes.into_inner();
    assert!(read_bytes(&bytes, FileFormat::Jpeg).await.is_ok());
    let (kind, text) = message(&bytes[..bytes.len() - 30], FileFormat::Jpeg).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(text.ends_with("the image is cut off"), "{text}");
}

#[tokio::test]
async fn an_encrypted_pdf_asks_for_its_password() {
    // The standard security handler with check values that no empty password meets (ISO 32000-1, 7.6.3).
    let pdf = String::from_utf8(documents::invoice_pdf("1")).unwrap();
    let key = "00".repeat(32);
    let encrypt =
        format!("/Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >> /ID [<00> <00>] /Root");
    let (kind, text) = message(pdf.replace("/Root", &encrypt).as_bytes(), FileFormat::Pdf).await;
    assert_eq!((kind, text.as_str()), (ErrorKind::Invalid, "the PDF is encrypted and needs a password"));
}

#[tokio::test]
async fn pages_and_images_of_absurd_size_are_refused_before_they_are_decoded() {
    let pdf = String::from_utf8(documents::invoice_pdf("1")).unwrap();
    let (kind, text) = message(pdf.replace("[0 0 595 842]", "[0 0 999999 9]").as_bytes(), FileFormat::Pdf).await;
    assert_eq!(kind, ErrorKind::TooLarge, "{text}");
    let (kind, text) = message(&png_header(20_000, 20_000), FileFormat::Png).await;
    assert_eq!(kind, ErrorKind::TooLarge, "{text}");
    assert_eq!(text, "page 1 measures 20000 × 20000 pixels, which is larger than is read");
}

#[tokio::test]
async fn a_decompression_bomb_ends_within_the_limits() {
    // 16 megapixels are within the limit and deflate to some 20 kB.
    let page = read_bytes(&blank_png(4_000), FileFormat::Png).await.unwrap().remove(0);
    assert_eq!(page.words, []);
}

/// A PNG that claims a size and holds nothing.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = documents::tiny_png()[..8].to_vec();
    chunk(&mut bytes, b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat());
    chunk(&mut bytes, b"IDAT", &[0x78, 0x9c]);
    bytes
}

fn blank_png(side: u32) -> Vec<u8> {
    let picture = image::GrayImage::from_pixel(side, side, image::Luma([255]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn chunk(bytes: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    let body = [name.as_slice(), data].concat();
    bytes.write_all(&u32::try_from(data.len()).unwrap().to_be_bytes()).unwrap();
    bytes.write_all(&body).unwrap();
    bytes.write_all(&crc(&body).to_be_bytes()).unwrap();
}

/// CRC-32 as PNG wants it (ISO/IEC 15948, annex D).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
