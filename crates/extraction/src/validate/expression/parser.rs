//! Words become a tree. Loosest first: or, and, not, comparison, `+ -`, `* /`, sign.

use super::lexer::{self, Placed, Word};
use super::{Arithmetic, Expression, Function, Node, ParseError};
use crate::validate::paths::{Path, Step};

/// People write rules; more than this many words are not one.
const MAX_WORDS: usize = 400;

/// Parentheses and signs inside each other.
const MAX_DEPTH: usize = 40;

pub(super) fn parse(text: &str) -> Result<Expression, ParseError> {
    let words = lexer::read(text)?;
    if let Some((position, _)) = words.get(MAX_WORDS) {
        return Err(ParseError { position: *position, message: format!("a rule has at most {MAX_WORDS} words") });
    }
    let mut parser = Parser { words: &words, place: 0, depth: 0, end: text.chars().count() + 1 };
    let root = parser.alternatives()?;
    if parser.peek().is_some() {
        return Err(parser.unexpected("the end"));
    }
    if !root.can_hold() {
        return Err(ParseError { position: 1, message: "the rule compares nothing".to_owned() });
    }
    let rows = rows_of(&root).map_err(|message| ParseError { position: 1, message })?;
    Ok(Expression { root, rows })
}

impl Node {
    /// Whether it can be true or false.
    const fn can_hold(&self) -> bool {
        matches!(self, Self::Truth(_) | Self::Path(_) | Self::Compare(..) | Self::Not(_) | Self::And(..) | Self::Or(..))
    }
}

/// The one list whose rows are named outside of functions.
fn rows_of(root: &Node) -> Result<Option<Vec<Step>>, String> {
    let mut rows: Option<Vec<Step>> = None;
    let mut problem = None;
    root.visit(false, &mut |path, is_gathered| {
        if is_gathered {
            return;
        }
        let Some(first) = path.0.iter().position(|step| *step == Step::Rows) else { return };
        let list: Vec<Step> = path.0.iter().take(first).cloned().collect();
        if path.0.iter().skip(first + 1).any(|step| *step == Step::Rows) {
            problem = Some(format!("{path} names rows of rows; add them up with sum() or count them"));
        } else if rows.as_ref().is_some_and(|rows| *rows != list) {
            problem = Some(format!("{path} is a row of another list than the rest of the rule"));
        }
        rows = Some(list);
    });
    problem.map_or(Ok(rows), Err)
}

struct Parser<'a> {
    words: &'a [Placed],
    place: usize,
    depth: usize,
    /// Behind the last character.
    end: usize,
}

type Parsed = Result<Node, ParseError>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.place).map(|(_, word)| word)
    }

    fn takes(&mut self, word: &Word) -> bool {
        let is_there = self.peek() == Some(word);
        self.place += usize::from(is_there);
        is_there
    }

    fn position(&self) -> usize {
        self.words.get(self.place).map_or(self.end, |(position, _)| *position)
    }

    fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError { position: self.position(), message: message.into() }
    }

    fn unexpected(&self, wanted: &str) -> ParseError {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Word::Number(number)) => format!("the number {number}"),
            Some(Word::Text(text)) => format!("the text \"{text}\""),
            Some(Word::Name(name)) => format!("`{name}`"),
            Some(Word::Comparison(comparison)) => {
                return self.error(format!(
                    "{wanted} was expected, not `{comparison}`; two things are compared at a time, join comparisons with `and`"
                ));
            }
            Some(Word::Arithmetic(_)) => "an operator".to_owned(),
            Some(Word::And | Word::Or | Word::Not) => "a logical word".to_owned(),
            Some(Word::Open | Word::Close) => "a parenthesis".to_owned(),
            Some(Word::Comma) => "a comma".to_owned(),
        };
        self.error(format!("{wanted} was expected, not {found}"))
    }

    fn alternatives(&mut self) -> Parsed {
        let mut left = self.conditions()?;
        while self.peek() == Some(&Word::Or) {
            self.check_holds(&left)?;
            self.place += 1;
            let right = self.conditions()?;
            self.check_holds(&right)?;
            left = Node::Or(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn conditions(&mut self) -> Parsed {
        let mut left = self.condition()?;
        while self.peek() == Some(&Word::And) {
            self.check_holds(&left)?;
            self.place += 1;
            let right = self.condition()?;
            self.check_holds(&right)?;
            left = Node::And(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn check_holds(&self, node: &Node) -> Result<(), ParseError> {
        if node.can_hold() {
            Ok(())
        } else {
            Err(self.error("only comparisons can be joined with `and`, `or` and `not`"))
        }
    }

    fn condition(&mut self) -> Parsed {
        if !self.takes(&Word::Not) {
            return self.comparison();
        }
        let inner = self.deeper(Self::condition)?;
        self.check_holds(&inner)?;
        Ok(Node::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.addends()?;
        let Some(Word::Comparison(comparison)) = self.peek() else { return Ok(left) };
        let comparison = *comparison;
        self.place += 1;
        let right = self.addends()?;
        Ok(Node::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn addends(&mut self) -> Parsed {
        let mut left = self.factors()?;
        while let Some(Word::Arithmetic(operator @ (Arithmetic::Add | Arithmetic::Subtract))) = self.peek() {
            let operator = *operator;
            self.place += 1;
            left = Node::Arithmetic(operator, Box::new(left), Box::new(self.factors()?));
        }
        Ok(left)
    }

    fn factors(&mut self) -> Parsed {
        let mut left = self.signed()?;
        while let Some(Word::Arithmetic(operator @ (Arithmetic::Multiply | Arithmetic::Divide))) = self.peek() {
            let operator = *operator;
            self.place += 1;
            left = Node::Arithmetic(operator, Box::new(left), Box::new(self.signed()?));
        }
        Ok(left)
    }

    fn signed(&mut self) -> Parsed {
        if self.takes(&Word::Arithmetic(Arithmetic::Subtract)) {
            let inner = self.deeper(Self::signed)?;
            return Ok(match inner {
                Node::Number(number) => Node::Number(-number),
                inner => Node::Negative(Box::new(inner)),
            });
        }
        if self.takes(&Word::Arithmetic(Arithmetic::Add)) {
            return self.deeper(Self::signed);
        }
        self.operand()
    }

    fn operand(&mut self) -> Parsed {
        let node = match self.peek() {
            Some(Word::Number(number)) => Node::Number(*number),
            Some(Word::Text(text)) => Node::Text(text.clone()),
            Some(Word::Name(name)) => {
                let name = name.clone();
                return self.named(name);
            }
            Some(Word::Open) => {
                self.place += 1;
                let inner = self.deeper(Self::alternatives)?;
                return if self.takes(&Word::Close) { Ok(inner) } else { Err(self.unexpected("`)`")) };
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.place += 1;
        Ok(node)
    }

    fn named(&mut self, mut name: String) -> Parsed {
        let begin = self.position();
        self.place += 1;
        if self.takes(&Word::Open) {
            let Some(function) = Function::named(&name) else {
                let message = format!("there is no function {name}; there are sum, count, min, max, abs and round");
                return Err(ParseError { position: begin, message });
            };
            return self.call(function, (begin, &name));
        }
        // Fields of some schemas have names of several words.
        while let Some(Word::Name(more)) = self.peek() {
            name.push(' ');
            name.push_str(more);
            self.place += 1;
        }
        Ok(match name.as_str() {
            "null" => Node::Null,
            "true" => Node::Truth(true),
            "false" => Node::Truth(false),
            _ => Node::Path(Path::read(&name)),
        })
    }

    fn call(&mut self, function: Function, (begin, name): (usize, &str)) -> Parsed {
        let mut arguments = vec![self.deeper(Self::alternatives)?];
        while self.takes(&Word::Comma) {
            arguments.push(self.deeper(Self::alternatives)?);
        }
        if !self.takes(&Word::Close) {
            return Err(self.unexpected("`,` or `)`"));
        }
        let problem = |message: String| Err(ParseError { position: begin, message });
        let most = match function {
            Function::Sum | Function::Count | Function::Absolute => 1,
            Function::Round => 2,
            Function::Least | Function::Most => usize::MAX,
        };
        if arguments.len() > most {
            return problem(format!("{name} takes no more than {most}"));
        }
        if function == Function::Count && !matches!(arguments.first(), Some(Node::Path(_))) {
            return problem("count takes a list, such as items[]".to_owned());
        }
        if function == Function::Round && !matches!(arguments.get(1), None | Some(Node::Number(_))) {
            return problem("the places that round takes are a number".to_owned());
        }
        if function.gathers(arguments.len())
            && let Some(argument) = arguments.first().filter(|argument| !matches!(argument, Node::Path(_)))
        {
            // Each row is worked out before the rows are gathered.
            return match rows_of(argument) {
                Ok(Some(_)) => Ok(Node::Call(function, arguments)),
                Ok(None) if function == Function::Sum => problem(format!("{name} takes rows, such as items[].amount")),
                Ok(None) => Ok(Node::Call(function, arguments)),
                Err(message) => problem(message),
            };
        }
        Ok(Node::Call(function, arguments))
    }

    fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("parentheses are nested too deep"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}
