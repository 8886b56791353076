//! Queries: `?key=value&key=value`, percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::problem::Problem;

/// Keys and still encoded values, in order.
pub fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let text = text.strip_prefix('?').unwrap_or(text);
    text.split('&').filter_map(|pair| pair.split_once('='))
}

/// Joins keys and plain values; empty if there are none.
pub fn join(pairs: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(key);
        text.push('=');
        text.push_str(&encode(value));
    }
    text
}

/// What has a meaning in a query, or none in an address; the rest stays readable (RFC 3986, section
/// 3.4).
const ESCAPED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b',')
    .remove(b'@')
    .remove(b'/')
    .remove(b'*')
    .remove(b'(')
    .remove(b')');

/// Escapes a value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, &ESCAPED).to_string()
}

/// Undoes [`encode`], and `+` for a space. A broken escape stands for itself.
pub fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// A switch: `1` or `0`, also `true` or `false`.
pub fn switch(key: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(Problem::new(key, value, "1 or 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives_the_round_trip() {
        for text in ["", "mixed4a:11", "a + b&c=d#%41\"{}", "日本語 ümläut", "100%", "%%"] {
            assert_eq!(decode(&encode(text)), text);
        }
    }

    #[test]
    fn what_has_no_meaning_in_a_query_stays_readable() {
        let kept = "azAZ09-._~:,@/*()";
        assert_eq!(encode(kept), kept);
        assert_eq!(encode("\"a b\"+é{}=&#%"), "%22a%20b%22%2B%C3%A9%7B%7D%3D%26%23%25");
    }

    #[test]
    fn an_escape_cut_short_or_across_a_letter_stands_for_itself() {
        assert_eq!(decode("%"), "%");
        assert_eq!(decode("%4"), "%4");
        assert_eq!(decode("%zz%é1"), "%zz%é1");
        assert_eq!(decode("%+1"), "% 1");
        assert_eq!(decode("%ff"), "\u{fffd}");
    }

    #[test]
    fn a_plus_is_a_space() {
        assert_eq!(decode("a+b%2Bc"), "a b+c");
    }
}
