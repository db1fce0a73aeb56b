//! The little HTML that servers write tables in.

/// The rows of the tables in some HTML; cells that span columns are followed by empty ones, so that columns stay columns.
pub(super) fn rows(html: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut cell: Option<(String, usize)> = None;
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => {
                if let Some((content, _)) = &mut cell {
                    content.push_str(&decode(text));
                }
            }
            Piece::Tag(tag) => {
                let name = name(tag);
                if matches!(name.as_str(), "td" | "th" | "/td" | "/th" | "tr" | "/tr" | "/table") {
                    close(&mut rows, cell.take());
                }
                match name.as_str() {
                    "tr" => rows.push(Vec::new()),
                    "td" | "th" => cell = Some((String::new(), columns(tag))),
                    _ => {
                        if let Some((content, _)) = &mut cell {
                            content.push(' ');
                        }
                    }
                }
            }
        }
    }
    close(&mut rows, cell);
    rows.retain(|row| !row.is_empty());
    rows
}

/// Some markdown with its HTML tables as tables of markdown and without tags that only place things.
pub(super) fn to_markdown(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, table, after)) = split_table(rest) {
        written.push_str(&without_tags(before));
        let rows = rows(table);
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        written.push_str("\n\n");
        for (index, row) in rows.iter().enumerate() {
            let cells = row.iter().map(|cell| cell.replace('|', "\\|")).chain(std::iter::repeat(String::new()));
            written.push_str(&format!("| {} |\n", cells.take(width).collect::<Vec<_>>().join(" | ")));
            if index == 0 {
                written.push_str(&format!("|{}\n", " --- |".repeat(width)));
            }
        }
        written.push('\n');
        rest = after;
    }
    written.push_str(&without_tags(rest));
    written.trim().to_owned()
}

fn split_table(text: &str) -> Option<(&str, &str, &str)> {
    // Lower case of ASCII only, so that places stay the same.
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<table")?;
    let end = lower.get(start..)?.find("</table>").map_or(text.len(), |end| start + end + "</table>".len());
    Some((text.get(..start)?, text.get(start..end)?, text.get(end..)?))
}

fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => kept.push_str(text),
            Piece::Tag(tag) => match name(tag).trim_start_matches('/') {
                "div" | "img" | "html" | "body" | "p" | "span" | "center" => {}
                "br" => kept.push('\n'),
                // Such as a sign of "less than", or a mark of a formula.
                _ => kept.push_str(&format!("<{tag}>")),
            },
        }
    }
    kept
}

enum Piece<'a> {
    Text(&'a str),
    /// What stands between the brackets.
    Tag(&'a str),
}

/// Splits at tags; a bracket that begins none is text.
fn pieces(html: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        let begins_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match after.split_once('>').filter(|_| begins_tag) {
            Some((tag, after)) => {
                pieces.push(Piece::Text(before));
                pieces.push(Piece::Tag(tag));
                rest = after;
            }
            None => {
                let end = before.len() + 1;
                pieces.push(Piece::Text(rest.get(..end).unwrap_or_default()));
                rest = after;
            }
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn name(tag: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '/';
    tag.chars().take_while(|c| is_name(*c)).collect::<String>().to_ascii_lowercase().trim_end_matches('/').to_owned()
}

/// How many columns a cell spans; nobody prints a table with more than some dozens.
fn columns(tag: &str) -> usize {
    let lower = tag.to_ascii_lowercase();
    let value = lower.split_once("colspan").and_then(|(_, value)| value.trim_start().strip_prefix('='));
    let digits = |value: &str| {
        value.trim_start_matches([' ', '"', '\'']).chars().take_while(char::is_ascii_digit).collect::<String>()
    };
    value.and_then(|value| digits(value).parse().ok()).unwrap_or(1).clamp(1, 64)
}

fn close(rows: &mut Vec<Vec<String>>, cell: Option<(String, usize)>) {
    let Some((content, columns)) = cell else { return };
    if rows.is_empty() {
        rows.push(Vec::new());
    }
    if let Some(row) = rows.last_mut() {
        row.push(content.split_whitespace().collect::<Vec<_>>().join(" "));
        row.extend(std::iter::repeat_n(String::new(), columns - 1));
    }
}

/// The entities that occur in tables.
fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let entity = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        match entity.and_then(|(name, after)| Some((character(name)?, after))) {
            Some((character, after)) => {
                decoded.push(character);
                rest = after;
            }
            None => {
                decoded.push('&');
                rest = after;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_rows() {
        let html = r#"<html><body><table border=1><thead><tr><th>Item</th><th colspan="2">Price &amp; unit</th></tr></thead>
            <tr><td>Rope<br/>20&nbsp;m</td><td>1 &lt; 2</td><td>&#8364;&#x20;5</td></tr><tr></tr></table></body></html>"#;
        assert_eq!(rows(html), [["Item", "Price & unit", ""], ["Rope 20 m", "1 < 2", "€ 5"]]);
    }

    #[test]
    fn what_is_broken_is_read_as_far_as_it_goes() {
        assert_eq!(rows("<table><tr><td>a<td>b<tr><td>c"), [vec!["a", "b"], vec!["c"]]);
        assert_eq!(rows("<td>a</td>"), [["a"]]);
        assert_eq!(rows("no table"), Vec::<Vec<String>>::new());
        assert_eq!(rows("<td colspan=99999999999999999999>a & b &nope; <x</td>").len(), 1);
        assert_eq!(rows("<td colspan=1000>a").first().map(Vec::len), Some(64));
    }

    #[test]
    fn markdown_keeps_its_text_and_gets_tables() {
        let text = "# Invoice\n<div style=\"text-align: center;\"><img src=\"a.png\" /></div>\n\n<TABLE><tr><td>a|b</td><td>1</td></tr><tr><td>c</td></tr></TABLE>\nTotal < 5 <b>x</b>";
        assert_eq!(
            to_markdown(text),
            "# Invoice\n\n\n\n\n| a\\|b | 1 |\n| --- | --- |\n| c |  |\n\n\nTotal < 5 <b>x</b>"
        );
        assert_eq!(to_markdown("<table>"), "");
        assert_eq!(to_markdown("3 < 4 and ä<"), "3 < 4 and ä<");
    }
}
