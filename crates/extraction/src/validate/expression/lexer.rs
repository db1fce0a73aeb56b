//! A text becomes words, each with its place.

use rust_decimal::Decimal;

use super::{Arithmetic, Comparison, ParseError};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Number(Decimal),
    Text(String),
    /// A path, a function or a keyword.
    Name(String),
    Arithmetic(Arithmetic),
    Comparison(Comparison),
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
}

/// A word and which character it begins at, counted from one.
pub(super) type Placed = (usize, Word);

pub(super) fn read(text: &str) -> Result<Vec<Placed>, ParseError> {
    let characters: Vec<char> = text.chars().collect();
    let mut reader = Reader { characters: &characters, place: 0 };
    let mut words = Vec::new();
    while let Some(character) = reader.peek(0) {
        if character.is_whitespace() {
            reader.place += 1;
            continue;
        }
        let position = reader.place + 1;
        words.push((position, reader.word(character)?));
    }
    Ok(words)
}

struct Reader<'a> {
    characters: &'a [char],
    place: usize,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.place + ahead).copied()
    }

    fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError { position: self.place + 1, message: message.into() }
    }

    fn word(&mut self, character: char) -> Result<Word, ParseError> {
        let next = self.peek(1);
        let is_fraction = character == '.' && next.is_some_and(|next| next.is_ascii_digit());
        if character.is_ascii_digit() || is_fraction {
            return self.number();
        }
        if character == '"' || character == '\'' {
            return self.text(character);
        }
        if begins_name(character) {
            return Ok(keyword(self.name()));
        }
        let (length, word) = match (character, next) {
            ('=', Some('=')) => (2, Word::Comparison(Comparison::Equal)),
            ('!', Some('=')) => (2, Word::Comparison(Comparison::NotEqual)),
            ('<', Some('=')) => (2, Word::Comparison(Comparison::AtMost)),
            ('>', Some('=')) => (2, Word::Comparison(Comparison::AtLeast)),
            ('<', _) => (1, Word::Comparison(Comparison::Less)),
            ('>', _) => (1, Word::Comparison(Comparison::More)),
            ('&', Some('&')) => (2, Word::And),
            ('|', Some('|')) => (2, Word::Or),
            ('!', _) => (1, Word::Not),
            ('+', _) => (1, Word::Arithmetic(Arithmetic::Add)),
            ('-', _) => (1, Word::Arithmetic(Arithmetic::Subtract)),
            ('*', _) => (1, Word::Arithmetic(Arithmetic::Multiply)),
            ('/', _) => (1, Word::Arithmetic(Arithmetic::Divide)),
            ('(', _) => (1, Word::Open),
            (')', _) => (1, Word::Close),
            (',', _) => (1, Word::Comma),
            ('=', _) => return Err(self.error("two things are compared with ==")),
            _ => return Err(self.error(format!("`{character}` means nothing here"))),
        };
        self.place += length;
        // What older rules wrote for "the same" and "not the same".
        if matches!(word, Word::Comparison(Comparison::Equal | Comparison::NotEqual)) && self.peek(0) == Some('=') {
            self.place += 1;
        }
        Ok(word)
    }

    fn number(&mut self) -> Result<Word, ParseError> {
        let begin = self.place;
        let mut text = String::new();
        while let Some(character) = self.peek(0).filter(|character| character.is_ascii_digit() || *character == '.') {
            text.push(character);
            self.place += 1;
        }
        if text.starts_with('.') {
            text.insert(0, '0');
        }
        let number = Decimal::from_str_exact(&text);
        number.map(|number| Word::Number(number.normalize())).map_err(|_not_a_number| {
            self.place = begin;
            self.error(format!("{text} is no number"))
        })
    }

    fn text(&mut self, quote: char) -> Result<Word, ParseError> {
        let begin = self.place;
        self.place += 1;
        let mut text = String::new();
        while let Some(character) = self.peek(0) {
            self.place += 1;
            match character {
                '\\' => {
                    let Some(escaped) = self.peek(0) else { break };
                    self.place += 1;
                    text.push(escaped);
                }
                _ if character == quote => return Ok(Word::Text(text)),
                _ => text.push(character),
            }
        }
        self.place = begin;
        Err(self.error("this text has no end"))
    }

    /// A path: names, dots, `[]`, `[0]`, `.*.`; a hyphen between two letters belongs to the name.
    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(character) = self.peek(0) {
            let next = self.peek(1);
            let goes_on = match character {
                '.' => next.is_some_and(|next| in_name(next) || next == '[') || next == Some('*'),
                '*' => name.ends_with('.') && next == Some('.'),
                '-' => name.chars().last().is_some_and(in_name) && next.is_some_and(in_name),
                '[' => {
                    name.push_str(&self.brackets());
                    continue;
                }
                _ => in_name(character),
            };
            if !goes_on {
                break;
            }
            name.push(character);
            self.place += 1;
        }
        name
    }

    fn brackets(&mut self) -> String {
        let rest = self.characters.get(self.place..).unwrap_or_default();
        let length = rest.iter().position(|character| *character == ']').map_or(rest.len(), |end| end + 1);
        self.place += length;
        rest.iter().take(length).collect()
    }
}

fn begins_name(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$' | '@')
}

fn in_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '@' | '#')
}

fn keyword(name: String) -> Word {
    match name.to_ascii_lowercase().as_str() {
        "and" => Word::And,
        "or" => Word::Or,
        "not" => Word::Not,
        _ => Word::Name(name),
    }
}
