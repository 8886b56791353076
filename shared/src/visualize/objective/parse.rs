//! Text to objectives; the grammar stands in the parent module.

use std::str::FromStr;

use super::{Channel, Measure, Objective, ParseError, Place, Term};

/// Bytes an objective may have. It arrives in addresses and files, and comes from anybody.
pub const MAX_LENGTH: usize = 16_384;

/// Terms an objective may have.
pub const MAX_TERMS: usize = 256;

/// Brackets inside brackets.
pub const MAX_DEPTH: usize = 32;

/// Registers that a transformer may have; published ones have up to 4.
const REGISTERS: usize = 16;

type Result<T> = std::result::Result<T, ParseError>;

impl FromStr for Objective {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self> {
        read(text).map(|(objective, _)| objective)
    }
}

/// Where a term's names stand, in columns from 1, counted in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// Its layer.
    pub layer: usize,
    /// What follows the layer: its channel, or the name of its direction.
    pub inside: usize,
}

/// An objective, and the spot of each of its terms.
pub(super) fn read(text: &str) -> Result<(Objective, Vec<Spot>)> {
    let mut reader = Reader::new(text)?;
    let mut terms = Vec::new();
    reader.sum(1.0, &mut terms)?;
    reader.end("`+`, `-` or the end")?;
    Ok((Objective { terms }, reader.spots))
}

impl FromStr for Measure {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self> {
        let mut reader = Reader::new(text)?;
        let measure = reader.measure()?;
        reader.end("the end")?;
        Ok(measure)
    }
}

/// What may begin a term, for error messages.
const MEASURE: &str = "a layer, `tv`, `l2`, `similar(layer)`, `only(layer:channel)` or `(`";

/// A position in the text. Every method skips the white space before what it reads.
struct Reader<'a> {
    text: &'a str,
    /// In bytes, always between characters.
    position: usize,
    /// How many brackets are open here.
    depth: usize,
    /// Of the measures read so far.
    spots: Vec<Spot>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self> {
        if text.len() > MAX_LENGTH {
            return Err(ParseError {
                column: 1,
                expected: format!("at most {MAX_LENGTH} bytes"),
                found: format!("{}", text.len()),
            });
        }
        Ok(Self { text, position: 0, depth: 0, spots: Vec::new() })
    }

    /// A sum, every term of it times `factor`, appended to `terms`.
    fn sum(&mut self, factor: f64, terms: &mut Vec<Term>) -> Result<()> {
        let mut sign = self.sign().unwrap_or(1.0);
        loop {
            self.term(sign * factor, terms)?;
            match self.sign() {
                Some(next) => sign = next,
                None => return Ok(()),
            }
        }
    }

    /// A measure or a sum in brackets, with its own weight, times `factor`.
    fn term(&mut self, factor: f64, terms: &mut Vec<Term>) -> Result<()> {
        if terms.len() == MAX_TERMS {
            return self.expected(&format!("at most {MAX_TERMS} terms"));
        }
        self.skip_space();
        let start = self.position;
        let weight = factor * self.weight()?;
        // Each factor may be finite and their product not.
        if !weight.is_finite() {
            self.position = start;
            return self.expected("a finite weight");
        }
        if self.take("(") {
            return self.bracket(weight, terms);
        }
        let measure = self.measure()?;
        terms.push(Term { weight, measure });
        Ok(())
    }

    /// What follows `(`, multiplied out.
    fn bracket(&mut self, factor: f64, terms: &mut Vec<Term>) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return self.expected(&format!("at most {MAX_DEPTH} brackets inside each other"));
        }
        self.depth += 1;
        self.sum(factor, terms)?;
        if !self.take(")") {
            return self.expected("`+`, `-` or `)`");
        }
        self.depth -= 1;
        Ok(())
    }

    /// 1 or -1 for a plus or a minus.
    fn sign(&mut self) -> Option<f64> {
        if self.take("+") {
            Some(1.0)
        } else if self.take("-") {
            Some(-1.0)
        } else {
            None
        }
    }

    /// `0.5*`, `-1e-3*`, or nothing, which is 1.
    fn weight(&mut self) -> Result<f64> {
        self.skip_space();
        let start = self.position;
        let negative = self.take("-");
        let Some(size) = self.number()? else {
            self.position = start;
            return Ok(1.0);
        };
        if !self.take("*") {
            return self.expected("`*` after the weight");
        }
        Ok(if negative { -size } else { size })
    }

    /// A decimal without sign, if one stands here.
    fn number(&mut self) -> Result<Option<f64>> {
        self.skip_space();
        let start = self.position;
        let whole = self.digits();
        let fraction = if self.take_here(".") { self.digits() } else { "" };
        if whole.is_empty() && fraction.is_empty() {
            self.position = start;
            return Ok(None);
        }
        let mantissa_end = self.position;
        if self.take_here("e") || self.take_here("E") {
            let _sign = self.take_here("-") || self.take_here("+");
            if self.digits().is_empty() {
                self.position = mantissa_end;
            }
        }
        match self.text[start..self.position].parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => {
                self.position = start;
                self.expected("a finite weight")
            }
        }
    }

    fn measure(&mut self) -> Result<Measure> {
        self.skip_space();
        let column = self.column();
        self.spots.push(Spot { layer: column, inside: column });
        match self.layer_like() {
            "" => self.expected(MEASURE),
            "tv" => Ok(Measure::TotalVariation),
            "l2" => Ok(Measure::L2),
            "similar" => {
                self.require("(")?;
                self.skip_space();
                self.spot(|spot, column| spot.layer = column);
                let layer = self.layer("a layer")?;
                self.require(")")?;
                Ok(Measure::Similar(layer))
            }
            "only" => {
                self.require("(")?;
                self.skip_space();
                self.spot(|spot, column| spot.layer = column);
                let layer = self.layer("a layer")?;
                self.require(":")?;
                let (channel, place) = self.unit()?;
                self.require(")")?;
                Ok(Measure::Only { layer, channel, place })
            }
            layer => self.of_layer(layer.to_owned()),
        }
    }

    /// What may follow a layer's name.
    fn of_layer(&mut self, layer: String) -> Result<Measure> {
        if self.take(":") {
            let (channel, place) = self.unit()?;
            Ok(Measure::Unit { layer, channel, place })
        } else if self.take("/{") {
            self.spot(|spot, column| spot.inside = column);
            Ok(Measure::Direction { layer, name: self.direction_name()? })
        } else if self.may_end() {
            Ok(Measure::Layer(layer))
        } else {
            self.expected("`:`, `/{`, `+`, `-` or the end")
        }
    }

    /// A channel and where, after a layer's colon.
    fn unit(&mut self) -> Result<(Channel, Option<Place>)> {
        self.skip_space();
        self.spot(|spot, column| spot.inside = column);
        let channel = self.channel()?;
        let place = if self.take("@") { Some(self.place()?) } else { None };
        Ok((channel, place))
    }

    /// Notes of the measure being read what stands here. Space stays: it may belong to a name.
    fn spot(&mut self, note: impl FnOnce(&mut Spot, usize)) {
        let column = self.column();
        if let Some(spot) = self.spots.last_mut() {
            note(spot, column);
        }
    }

    fn channel(&mut self) -> Result<Channel> {
        if self.take("\"") {
            Ok(Channel::Label(self.quoted('"')?))
        } else {
            Ok(Channel::Index(self.index("a channel's number or a \"label\"")?))
        }
    }

    fn place(&mut self) -> Result<Place> {
        self.skip_space();
        if self.take_word("center") {
            return Ok(Place::Center);
        }
        if self.take_word("cls") {
            return Ok(Place::Class);
        }
        if let Some(number) = (0..REGISTERS).find(|number| self.take_word(&format!("reg{number}")))
        {
            return Ok(Place::Register(number));
        }
        let row = self.index("`center`, `cls` or a row's number")?;
        self.require(",")?;
        let column = self.index("a column's number")?;
        Ok(Place::At { row, column })
    }

    fn direction_name(&mut self) -> Result<String> {
        if self.peek_here() == Some('}') {
            return self.expected("a direction's name");
        }
        self.quoted('}')
    }

    /// A whole number from 0.
    fn index(&mut self, what: &str) -> Result<usize> {
        self.skip_space();
        let start = self.position;
        let digits = self.digits();
        if digits.is_empty() {
            return self.expected(what);
        }
        digits.parse().or_else(|_| {
            self.position = start;
            self.expected("a smaller number")
        })
    }

    /// The rest of a label or name, up to and with its closing delimiter.
    fn quoted(&mut self, close: char) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.peek_here() {
                None => return self.expected(&format!("`{close}`")),
                Some('\\') => text.push(self.escape()?),
                Some(character) => {
                    self.position += character.len_utf8();
                    if character == close {
                        return Ok(text);
                    }
                    text.push(character);
                }
            }
        }
    }

    /// A backslash and what it stands for.
    fn escape(&mut self) -> Result<char> {
        let start = self.position;
        self.position += 1;
        let escaped = self.peek_here();
        self.position += escaped.map_or(0, char::len_utf8);
        let meant = match escaped {
            Some(itself @ ('\\' | '"' | '{' | '}')) => Some(itself),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('u') => self.code_point(),
            _ => None,
        };
        meant.map_or_else(
            || {
                self.position = start;
                self.expected(r#"one of \\ \" \{ \} \n \r \t \u{..}"#)
            },
            Ok,
        )
    }

    /// `{1f600}`, after `\u`.
    fn code_point(&mut self) -> Option<char> {
        if !self.take_here("{") {
            return None;
        }
        let digits = self.take_while(|byte| byte.is_ascii_hexdigit());
        let closed = self.take_here("}");
        let code = u32::from_str_radix(digits, 16).ok()?;
        if closed { char::from_u32(code) } else { None }
    }

    /// A layer's name that is none of the reserved words.
    fn layer(&mut self, what: &str) -> Result<String> {
        self.skip_space();
        let start = self.position;
        match self.layer_like() {
            "" | "tv" | "l2" | "similar" | "only" => {
                self.position = start;
                self.expected(what)
            }
            layer => Ok(layer.to_owned()),
        }
    }

    /// Words and their joiners; empty if no name begins here.
    fn layer_like(&mut self) -> &'a str {
        self.skip_space();
        let start = self.position;
        if self.peek_here().is_none_or(|first| first.is_ascii_digit()) || self.word().is_empty() {
            return "";
        }
        loop {
            let end = self.position;
            let joined = [".-", ".", "/", "-"].iter().any(|joiner| self.take_here(joiner));
            if !joined || self.word().is_empty() {
                self.position = end;
                return &self.text[start..end];
            }
        }
    }

    fn word(&mut self) -> &'a str {
        self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    fn digits(&mut self) -> &'a str {
        self.take_while(|byte| byte.is_ascii_digit())
    }

    /// `accept` must hold for ASCII only, so that the position stays between characters.
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.position..];
        let length = rest.bytes().take_while(|&byte| accept(byte)).count();
        self.position += length;
        &rest[..length]
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        self.take_here(token)
    }

    fn take_here(&mut self, token: &str) -> bool {
        let found = self.text[self.position..].starts_with(token);
        if found {
            self.position += token.len();
        }
        found
    }

    /// A word that does not go on.
    fn take_word(&mut self, wanted: &str) -> bool {
        let start = self.position;
        let found = self.word() == wanted;
        if !found {
            self.position = start;
        }
        found
    }

    fn require(&mut self, token: &str) -> Result<()> {
        if self.take(token) { Ok(()) } else { self.expected(&format!("`{token}`")) }
    }

    fn end(&mut self, expected: &str) -> Result<()> {
        if self.at_end() { Ok(()) } else { self.expected(expected) }
    }

    /// Whether a term may end here.
    fn may_end(&mut self) -> bool {
        match self.peek() {
            None | Some('+' | '-') => true,
            Some(')') => self.depth != 0,
            Some(_) => false,
        }
    }

    fn at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.peek_here()
    }

    fn peek_here(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.position..];
        self.position += rest.len() - rest.trim_start().len();
    }

    fn expected<T>(&mut self, expected: &str) -> Result<T> {
        self.skip_space();
        Err(ParseError {
            column: self.column(),
            expected: expected.to_owned(),
            found: self.found(),
        })
    }

    /// From 1, in characters.
    fn column(&self) -> usize {
        1 + self.text[..self.position].chars().count()
    }

    /// A word, a number or a single character, as it would be quoted to the person who typed it.
    fn found(&self) -> String {
        let rest = &self.text[self.position..];
        let is_word = |character: &char| character.is_alphanumeric() || *character == '_';
        let mut piece: String = rest.chars().take_while(is_word).take(40).collect();
        if piece.is_empty() {
            piece.extend(rest.chars().take(1));
        }
        if piece.is_empty() { "the end".to_owned() } else { format!("`{piece}`") }
    }
}

#[cfg(test)]
mod tests;
