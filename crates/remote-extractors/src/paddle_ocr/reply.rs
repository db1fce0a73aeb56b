//! What servers answer, in the forms that occur.

use serde_json::Value;
use sluice_core::BoundingBox;

use crate::error::{Error, Result};

/// What was found on one page, in the pixels of the picture that the server looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// The parts, in reading order.
    pub blocks: Vec<Block>,
    /// Lines with their places, from servers that tell them.
    pub lines: Vec<Line>,
    /// The page as the server writes it.
    pub markdown: Option<String>,
    /// Width and height of the picture.
    pub size: Option<(f32, f32)>,
    /// By how many degrees the server found the page to be turned, counterclockwise.
    pub angle: u16,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// What it is, such as `text` or `table`.
    pub label: String,
    /// What it says; HTML for a table.
    pub content: String,
    /// Where it is.
    pub bounds: Option<BoundingBox>,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it says.
    pub text: String,
    /// How sure the server is, 0..=1.
    pub confidence: Option<f32>,
    /// Where it is.
    pub bounds: BoundingBox,
}

/// Reads `{errorCode, errorMsg, result}`, `{result: {layoutParsingResults}}` or `{layoutParsingResults}`.
pub(super) fn read(answer: &Value, address: &str) -> Result<Vec<Layout>> {
    let first = |keys: [&str; 2]| keys.into_iter().find_map(|key| answer.get(key).filter(|value| !value.is_null()));
    let code = first(["errorCode", "error_code"]);
    let code = code.and_then(|code| code.as_i64().or_else(|| code.as_str()?.parse().ok())).unwrap_or(0);
    if code != 0 {
        let reason = first(["errorMsg", "error_msg"]).and_then(Value::as_str).unwrap_or_default();
        let reason = reason.chars().take(super::MAX_REASON_CHARS).collect();
        return Err(Error::Told { address: address.to_owned(), code, reason });
    }
    let result = answer.get("result").filter(|result| result.is_object()).unwrap_or(answer);
    let pages = result.get("layoutParsingResults").and_then(Value::as_array);
    let pages = pages.ok_or_else(|| Error::Form { address: address.to_owned(), what: "no layoutParsingResults" })?;
    Ok(pages.iter().map(read_page).collect())
}

fn read_page(page: &Value) -> Layout {
    let pruned = page.get("prunedResult").unwrap_or(&Value::Null);
    let blocks = pruned.get("parsing_res_list").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut ordered: Vec<(Option<i64>, Block)> =
        blocks.iter().map(|block| (block.get("block_order").and_then(Value::as_i64), read_block(block))).collect();
    // What has no order stands last, in the order that it came in.
    ordered.sort_by_key(|(order, _)| (order.is_none(), *order));
    let size = |key: &str| pruned.get(key).and_then(number).filter(|size| *size > 0.0);
    let angle = pruned.pointer("/doc_preprocessor_res/angle").and_then(Value::as_u64);
    Layout {
        blocks: ordered.into_iter().map(|(_, block)| block).collect(),
        lines: read_lines(pruned.get("overall_ocr_res").unwrap_or(&Value::Null)),
        markdown: page.pointer("/markdown/text").and_then(Value::as_str).map(str::to_owned),
        size: size("width").zip(size("height")),
        angle: angle.and_then(|angle| u16::try_from(angle).ok()).filter(|angle| angle % 90 == 0).unwrap_or(0) % 360,
    }
}

fn read_block(block: &Value) -> Block {
    let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Block {
        label: text("block_label"),
        content: text("block_content"),
        bounds: block.get("block_bbox").and_then(read_box),
    }
}

fn read_lines(result: &Value) -> Vec<Line> {
    let list = |key: &str| result.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (texts, scores) = (list("rec_texts"), list("rec_scores"));
    let places = if list("rec_boxes").is_empty() { list("rec_polys") } else { list("rec_boxes") };
    if texts.len() != places.len() {
        return Vec::new();
    }
    let scores = scores.iter().map(number).chain(std::iter::repeat(None));
    texts
        .iter()
        .zip(places)
        .zip(scores)
        .filter_map(|((text, place), score)| {
            let text = text.as_str()?.trim().to_owned();
            let confidence = score.map(|score| score.clamp(0.0, 1.0));
            Some(Line { text, confidence, bounds: read_box(place)? })
        })
        .filter(|line| !line.text.is_empty())
        .collect()
}

/// Reads `[left, top, right, bottom]`, or the box around `[[x, y], …]`.
fn read_box(place: &Value) -> Option<BoundingBox> {
    let numbers = place.as_array()?;
    let (left, top, right, bottom) = if numbers.first()?.is_array() {
        let points: Vec<(f32, f32)> =
            numbers.iter().filter_map(|point| Some((number(point.get(0)?)?, number(point.get(1)?)?))).collect();
        let fold = |pick: fn(&(f32, f32)) -> f32, of: fn(f32, f32) -> f32| points.iter().map(pick).reduce(of);
        (
            fold(|point| point.0, f32::min)?,
            fold(|point| point.1, f32::min)?,
            fold(|point| point.0, f32::max)?,
            fold(|point| point.1, f32::max)?,
        )
    } else {
        let read: Vec<f32> = numbers.iter().filter_map(number).collect();
        let [left, top, right, bottom] = <[f32; 4]>::try_from(read).ok()?;
        (left, top, right, bottom)
    };
    let (left, top) = (left.max(0.0), top.max(0.0));
    let bounds = BoundingBox { x: left, y: top, width: right - left, height: bottom - top };
    (right > left && bottom > top).then_some(bounds)
}

fn number(value: &Value) -> Option<f32> {
    serde_json::from_value::<f32>(value.clone()).ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_core::{Classify, ErrorKind};

    use super::*;

    fn one(page: &Value) -> Layout {
        let mut layouts = read(&json!({"layoutParsingResults": [page]}), "http://ocr").unwrap();
        assert_eq!(layouts.len(), 1);
        layouts.remove(0)
    }

    #[test]
    fn all_forms_of_an_answer_are_read() {
        let results = json!({"layoutParsingResults": [{"markdown": {"text": "a"}}, {}]});
        for answer in [
            json!({"logId": "1", "errorCode": 0, "errorMsg": "Success", "result": results}),
            json!({"result": results}),
            results.clone(),
        ] {
            let layouts = read(&answer, "http://ocr").unwrap();
            assert_eq!(layouts.len(), 2, "{answer}");
            assert_eq!(layouts[0].markdown.as_deref(), Some("a"));
        }
        for (answer, kind) in [
            (json!({"errorCode": 500, "errorMsg": "busy"}), ErrorKind::Unavailable),
            (json!({"errorCode": "429", "errorMsg": "slow down"}), ErrorKind::RateLimited),
            (json!({"error_code": 216_201, "error_msg": "image format error"}), ErrorKind::Invalid),
            (json!({"result": {}}), ErrorKind::Invalid),
            (json!([]), ErrorKind::Invalid),
            (json!("ok"), ErrorKind::Invalid),
            (Value::Null, ErrorKind::Invalid),
        ] {
            let error = read(&answer, "http://ocr").unwrap_err();
            assert_eq!(error.kind(), kind, "{answer}");
            assert!(error.to_string().starts_with("OCR service error: http://ocr answered"), "{error}");
        }
    }

    #[test]
    fn blocks_stand_in_their_order_and_those_without_one_last() {
        let block = |order: Value, content: &str| json!({"block_order": order, "block_content": content, "block_label": "text"});
        let blocks = [block(Value::Null, "d"), block(json!(2), "b"), block(json!(1), "a"), block(Value::Null, "e")];
        let layout = one(&json!({"prunedResult": {"parsing_res_list": blocks, "width": 10, "height": 0}}));
        let contents: Vec<&str> = layout.blocks.iter().map(|block| block.content.as_str()).collect();
        assert_eq!((contents, layout.size), (vec!["a", "b", "d", "e"], None));
    }

    #[test]
    fn odd_values_are_left_out() {
        let layout = one(&json!({"prunedResult": {
            "parsing_res_list": [
                {"block_label": null, "block_content": 7, "block_bbox": [5, 5, 1, 1]},
                {"block_bbox": ["a", 1, 2, 3]}, 17, {"block_bbox": [-3, 1, 2.5, 3]}],
            "doc_preprocessor_res": {"angle": 45},
            "overall_ocr_res": {"rec_texts": ["x", 1, " "], "rec_boxes": [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]}}}));
        assert_eq!(layout.angle, 0);
        assert_eq!(layout.blocks.len(), 4);
        assert_eq!(layout.blocks[3].bounds, Some(BoundingBox { x: 0.0, y: 1.0, width: 2.5, height: 2.0 }));
        assert_eq!(layout.lines.len(), 1);
        let odd = json!({"rec_texts": ["x", "y"], "rec_boxes": [[0, 0, 1, 1]]});
        assert_eq!(read_lines(&odd), []);
        let polys = json!({"rec_texts": ["x"], "rec_scores": [1.5], "rec_polys": [[[1, 1], [4, 1], [4, 3], [1, 2]]]});
        let bounds = BoundingBox { x: 1.0, y: 1.0, width: 3.0, height: 2.0 };
        assert_eq!(read_lines(&polys), [Line { text: "x".to_owned(), confidence: Some(1.0), bounds }]);
    }
}
