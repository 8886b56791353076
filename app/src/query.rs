//! Queries: `?key=value&key=value`, percent-encoded.

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

/// Escapes what has a meaning in a query; leaves readable what has none (RFC 3986, section 3.4).
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b':' | b',' | b'@' | b'/' | b'*' | b'(' | b')' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Undoes [`encode`], and `+` for a space. A broken escape stands for itself.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let escaped = text.get(place + 1..place + 3).filter(|_| bytes[place] == b'%');
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                place += 3;
            }
            None => {
                decoded.push(if bytes[place] == b'+' { b' ' } else { bytes[place] });
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
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
    fn an_escape_cut_short_or_across_a_letter_stands_for_itself() {
        assert_eq!(decode("%"), "%");
        assert_eq!(decode("%4"), "%4");
        assert_eq!(decode("%zz%é1"), "%zz%é1");
        assert_eq!(decode("%ff"), "\u{fffd}");
    }

    #[test]
    fn a_plus_is_a_space() {
        assert_eq!(decode("a+b%2Bc"), "a b+c");
    }
}
