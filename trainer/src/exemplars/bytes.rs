//! Numbers as bytes, small ones short: what a state file is made of.

/// Appends numbers.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A whole number, seven bits a byte, lowest first; all but the last byte have their top bit set.
    pub fn number(&mut self, mut value: u64) {
        while 0x80 <= value {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A number in single precision.
    pub fn float(&mut self, value: f32) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// A text with its length.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }

    /// Everything that was appended.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes numbers off again. Nothing comes where the bytes end or cannot be what is asked for.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// From the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// As [`Writer::number`].
    pub fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A whole number below `limit`.
    pub fn below(&mut self, limit: u64) -> Option<u64> {
        self.number().filter(|&number| number < limit)
    }

    /// As [`Writer::float`], if it is finite.
    pub fn float(&mut self) -> Option<f32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(f32::from_le_bytes(bytes)).filter(|value| value.is_finite())
    }

    /// As [`Writer::text`].
    pub fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    /// Whether every byte was taken.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_back_and_then_nothing() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        let mut out = Writer::default();
        numbers.iter().for_each(|&number| out.number(number));
        out.float(-2.5);
        out.text("größer");
        let bytes = out.into_bytes();
        let mut from = Reader::new(&bytes);
        for number in numbers {
            assert_eq!(from.number(), Some(number));
        }
        assert_eq!(from.float(), Some(-2.5));
        assert_eq!(from.text().as_deref(), Some("größer"));
        assert!(from.is_empty());
        assert_eq!(from.number(), None);
    }

    #[test]
    fn what_cannot_be_a_number_is_none() {
        assert_eq!(Reader::new(&[0x80; 20]).number(), None);
        assert_eq!(Reader::new(&f32::NAN.to_le_bytes()).float(), None);
        assert_eq!(Reader::new(&[200, 1, b'a']).text(), None);
        assert_eq!(Reader::new(&[9]).below(9), None);
    }
}
