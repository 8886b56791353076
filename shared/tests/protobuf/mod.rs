//! The encoding of Caffe's files, as far as tests write them.

/// A whole number.
pub fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while 0x80 <= number {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field of bytes: text, a message, or packed numbers.
pub fn field(number: usize, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len()), content.to_vec()].concat()
}

/// A field of one whole number.
pub fn number_field(number: usize, value: usize) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}
