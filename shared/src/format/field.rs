//! A value inside a JSON document, together with the way to it, so that every error names it.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Result};

/// One value and where it stands.
pub struct Field<'a> {
    name: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// The whole document, called by its file's name.
    pub fn root(file: &str, value: &'a Value) -> Self {
        Self { name: file.to_owned(), value }
    }

    /// A field of an object, which must be there.
    pub fn get(&self, key: &str) -> Result<Self> {
        let Value::Object(fields) = self.value else {
            return Err(self.unlike("an object"));
        };
        // "bundle.json: weights.size": a colon after the file, dots from there.
        let joint = if self.name.contains(": ") { "." } else { ": " };
        match fields.get(key) {
            Some(value) => Ok(Self { name: format!("{}{joint}{key}", self.name), value }),
            None => Err(self.wrong(format!("the field {key:?} is missing"))),
        }
    }

    /// A field of an object that may be absent; `null` counts as absent.
    pub fn optional(&self, key: &str) -> Result<Option<Self>> {
        match self.value {
            Value::Object(fields) if fields.get(key).is_none_or(Value::is_null) => Ok(None),
            _ => self.get(key).map(Some),
        }
    }

    /// The values of a list that has at most `limit`.
    pub fn items(&self, limit: usize) -> Result<Vec<Self>> {
        let Value::Array(items) = self.value else {
            return Err(self.unlike("a list"));
        };
        if limit < items.len() {
            return Err(self.wrong(format!("has {} entries, at most {limit}", items.len())));
        }
        let named = |(place, value)| Self { name: format!("{}[{place}]", self.name), value };
        Ok(items.iter().enumerate().map(named).collect())
    }

    /// A text.
    pub fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.unlike("a text"))
    }

    /// A text for people: 1 to `limit` characters, none of which controls a terminal.
    pub fn short_text(&self, limit: usize) -> Result<&'a str> {
        let text = self.text()?;
        if text.is_empty() || limit < text.chars().count() {
            return Err(self.wrong(format!("expected 1 to {limit} characters")));
        }
        if text.chars().any(char::is_control) {
            return Err(self.wrong("holds a control character"));
        }
        Ok(text)
    }

    /// A whole number, 0 to `limit`.
    pub fn number(&self, limit: u64) -> Result<u64> {
        let number = self.value.as_u64().filter(|&number| number <= limit);
        number.ok_or_else(|| self.unlike(&format!("a whole number, 0 to {limit}")))
    }

    /// A whole number, 1 to `limit`.
    pub fn positive(&self, limit: u64) -> Result<usize> {
        match self.number(limit)? {
            0 => Err(self.wrong(format!("is 0, expected 1 to {limit}"))),
            number => Ok(number as usize),
        }
    }

    /// A finite number, in single precision.
    pub fn float(&self) -> Result<f32> {
        let number = self.value.as_f64().map(|number| number as f32);
        number.filter(|number| number.is_finite()).ok_or_else(|| self.unlike("a finite number"))
    }

    /// A value of a type with a schema of its own.
    pub fn parsed<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(self.value).map_err(|error| self.wrong(error))
    }

    /// An error about this value.
    pub fn wrong(&self, reason: impl Display) -> Error {
        Error::Format { what: self.name.clone(), reason: reason.to_string() }
    }

    fn unlike(&self, expected: &str) -> Error {
        // Hostile values can be long; their beginning is enough to find them.
        let found: String = self.value.to_string().chars().take(60).collect();
        self.wrong(format!("found {found}, expected {expected}"))
    }
}
