//! A .zip file of a few small files, stored as they are (PKWARE's APPNOTE, sections 4.3.7 to 4.3.16).

/// The bytes of an archive with these files in it.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in files {
        let offset = archive.len() as u32;
        let length = (bytes.len() as u32).to_le_bytes();
        // Version 2.0, no flags, stored, no time, the first day that can be written.
        let mut described = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        described.extend(crc32(bytes).to_le_bytes());
        described.extend(length);
        described.extend(length);
        described.extend((name.len() as u16).to_le_bytes());
        described.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&described);
        archive.extend(name.as_bytes());
        archive.extend(*bytes);
        directory.extend(b"PK\x01\x02");
        directory.extend([20, 0]);
        directory.extend(&described);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = archive.len() as u32;
    let count = (files.len() as u16).to_le_bytes();
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count);
    archive.extend(count);
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

/// The checksum that archives carry (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[test]
fn an_archive_has_the_checksum_of_its_files() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    let archive = zip(&[("a.txt", b"123456789")]);
    assert!(archive.windows(4).any(|four| four == 0xcbf4_3926_u32.to_le_bytes()));
}
