//! A writer of .zip files that lies where a test wants it to.

/// A file in an archive, as its directory describes it.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    /// 0 is stored, 8 deflated.
    pub method: u16,
    /// Bit 0 says that it is encrypted.
    pub flags: u16,
    /// Bytes it claims to unpack to.
    pub size: u32,
    pub crc: u32,
    /// As packed.
    pub data: Vec<u8>,
}

impl Entry {
    /// An honest file, stored.
    pub fn stored(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            method: 0,
            flags: 0,
            size: bytes.len() as u32,
            crc: crc32(bytes),
            data: bytes.to_vec(),
        }
    }
}

/// The archive of these files: each behind its header, then the directory, then its end
/// (APPNOTE 4.3.7, 4.3.12, 4.3.16).
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    archive(entries, false)
}

/// The same with the records of large archives before the end (APPNOTE 4.3.14, 4.3.15), which
/// PyTorch writes into small ones too.
#[allow(dead_code, reason = "not every test that writes archives has large ones")]
pub fn zip64(entries: &[Entry]) -> Vec<u8> {
    archive(entries, true)
}

fn archive(entries: &[Entry], with_zip64: bool) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = archive.len() as u32;
        let mut described = Vec::new();
        for number in [20, entry.flags, entry.method, 0, 0] {
            described.extend(number.to_le_bytes());
        }
        for number in [entry.crc, entry.data.len() as u32, entry.size] {
            described.extend(number.to_le_bytes());
        }
        described.extend((entry.name.len() as u16).to_le_bytes());
        described.extend([0; 2]);

        archive.extend(b"PK\x03\x04");
        archive.extend(&described);
        archive.extend(entry.name.as_bytes());
        archive.extend(&entry.data);

        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&described);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let start = archive.len() as u32;
    archive.extend(&directory);
    if with_zip64 {
        let record = archive.len() as u64;
        archive.extend(b"PK\x06\x06");
        archive.extend(44_u64.to_le_bytes());
        archive.extend([0x1e, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let count = entries.len() as u64;
        for number in [count, count, directory.len() as u64, start.into()] {
            archive.extend(number.to_le_bytes());
        }
        archive.extend(b"PK\x06\x07\0\0\0\0");
        archive.extend(record.to_le_bytes());
        archive.extend(1_u32.to_le_bytes());
    }
    archive.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        archive.extend((entries.len() as u16).to_le_bytes());
    }
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

/// CRC-32 of IEEE 802.3, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}
