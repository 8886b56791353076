//! What goes wrong with bytes on their way, repeatable by its seed.

/// A stream of numbers (SplitMix64: Steele et al. 2014) that decides what to break.
pub struct Damage(u64);

impl Damage {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One to four accidents, one after the other.
    pub fn apply(mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.accident(&mut bytes);
        }
        bytes
    }

    fn accident(&mut self, bytes: &mut Vec<u8>) {
        let start = self.below(bytes.len() + 1);
        let end = (start + self.below(16)).min(bytes.len());
        match self.below(8) {
            0 => bytes.truncate(start),
            1 => drop(bytes.drain(start..end)),
            2 => {
                let copy = bytes[start..end].to_vec();
                let target = self.below(bytes.len() + 1);
                bytes.splice(target..target, copy);
            }
            3 => bytes[start..end].fill(0),
            4 => {
                if let Some(byte) = bytes.get_mut(start) {
                    *byte ^= 1 << self.below(8);
                }
            }
            5 => {
                let token = self.token();
                bytes.splice(start..end, token);
            }
            6 => {
                let token = self.token();
                bytes.splice(start..start, token);
            }
            _ => {
                let byte = self.next() as u8;
                bytes.splice(start..start, [byte]);
            }
        }
    }

    /// What parsers trip over: enormous lengths, marks of the formats, text that is none.
    fn token(&mut self) -> Vec<u8> {
        const TOKENS: [&[u8]; 18] = [
            &[0xff; 8],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0, 0, 0, 0, 0, 0, 0, 0x80],
            &[0x80],
            &[0xc3, 0x28],
            "\u{1f600}".as_bytes(),
            b"-1",
            b"1e999",
            b"18446744073709551615",
            b"\"",
            b"\\u{",
            b"{[",
            b"null",
            b"../",
            b"+",
            b"@",
            b"*",
            b":",
        ];
        TOKENS[self.below(TOKENS.len())].to_vec()
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
