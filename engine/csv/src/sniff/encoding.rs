//! How the characters of a file are written, and the same in UTF-8.
//!
//! In: unpacked bytes from the head of a file and from later places. Out: one encoding for all of them, and each as UTF-8.

use std::borrow::Cow;

use crate::spec::Encoding;

use super::reason::Why;

/// Bytes of UTF-16 that are enough to tell it.
const UTF16_LOOK_BYTES: usize = 4096;

/// The encoding that the bytes of `head` (the file's beginning) and of `others` (places in it) are written in.
pub(super) fn guess<'a>(head: &'a [u8], others: impl Iterator<Item = &'a [u8]>) -> (Encoding, Why) {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return (Encoding::Utf8, Why::ByteOrderMark),
        [0xff, 0xfe, ..] => return (Encoding::Utf16Le, Why::ByteOrderMark),
        [0xfe, 0xff, ..] => return (Encoding::Utf16Be, Why::ByteOrderMark),
        _ => {}
    }
    if let Some(encoding) = utf16(head) {
        return (encoding, Why::ZeroBytes);
    }
    let mut good = 0;
    let mut bad = 0;
    for bytes in std::iter::once(head).chain(others) {
        let counts = beyond_ascii(bytes);
        good += counts.0;
        bad += counts.1;
    }
    if bad == 0 {
        (Encoding::Utf8, if good == 0 { Why::Ascii } else { Why::ValidUtf8 })
    } else if good >= bad {
        // By chance a text of another encoding has hardly a character of UTF-8. What is damaged is told where it is read.
        (Encoding::Utf8, Why::MostlyUtf8 { bad })
    } else {
        (Encoding::Windows1252, Why::NotUtf8 { bad })
    }
}

/// Whether it is UTF-32, which nobody reads: by its byte order mark, or as three of four bytes are zero.
pub(super) fn is_utf32(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        return true;
    }
    let units = head[..head.len().min(UTF16_LOOK_BYTES)].chunks_exact(4);
    let is_ascii = |unit: &[u8]| matches!(unit, [1..=u8::MAX, 0, 0, 0] | [0, 0, 0, 1..=u8::MAX]);
    units.len() >= 2 && units.clone().filter(|unit| is_ascii(unit)).count() * 10 >= units.len() * 9
}

/// Text has many characters below 256, so one of the two bytes of each is zero.
fn utf16(head: &[u8]) -> Option<Encoding> {
    let look = &head[..head.len().min(UTF16_LOOK_BYTES)];
    let pairs = look.len() / 2;
    let zeros = |odd: usize| look.chunks_exact(2).filter(|pair| pair[odd] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let (most, rest, encoding) =
        if second >= first { (second, first, Encoding::Utf16Le) } else { (first, second, Encoding::Utf16Be) };
    (pairs >= 2 && most * 10 >= pairs * 4 && rest * 20 <= most).then_some(encoding)
}

/// Good characters beyond ASCII, and bytes that are no part of one. A character cut at either end is neither.
fn beyond_ascii(bytes: &[u8]) -> (usize, usize) {
    let cut_front = bytes.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    let mut rest = &bytes[cut_front..];
    if let Ok(text) = simdutf8::basic::from_utf8(rest) {
        // A character beyond ASCII has one byte of 0xc0 and above.
        return (text.bytes().filter(|byte| *byte >= 0xc0).count(), 0);
    }
    let (mut good, mut bad) = (0, 0);
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => return (good + text.bytes().filter(|byte| *byte >= 0xc0).count(), bad),
            Err(error) => {
                good += rest[..error.valid_up_to()].iter().filter(|byte| **byte >= 0xc0).count();
                let Some(length) = error.error_len() else { return (good, bad) };
                bad += length;
                rest = &rest[error.valid_up_to() + length..];
            }
        }
    }
}

/// The bytes as UTF-8 without a byte order mark. Bytes that are not UTF-8 though the file is stay as they are.
pub(super) fn to_utf8(bytes: &[u8], encoding: Encoding) -> Cow<'_, [u8]> {
    let decode =
        |encoding: &'static encoding_rs::Encoding, bytes| match encoding.decode_without_bom_handling(bytes).0
        {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
    match encoding {
        Encoding::Utf8 => Cow::Borrowed(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
        Encoding::Utf16Le => {
            decode(encoding_rs::UTF_16LE, whole_units(bytes.strip_prefix(b"\xff\xfe").unwrap_or(bytes)))
        }
        Encoding::Utf16Be => {
            decode(encoding_rs::UTF_16BE, whole_units(bytes.strip_prefix(b"\xfe\xff").unwrap_or(bytes)))
        }
        Encoding::Windows1252 => decode(encoding_rs::WINDOWS_1252, bytes),
    }
}

/// Without the half of a unit at the end of a sample.
fn whole_units(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() & !1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], encoding: Encoding, text: &str) {
        let (guessed, _) = guess(bytes, std::iter::empty());
        assert_eq!(guessed, encoding, "{bytes:?}");
        assert_eq!(String::from_utf8_lossy(&to_utf8(bytes, guessed)), text);
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf_32_is_known() {
        let utf32 = |text: &str| text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect::<Vec<u8>>();
        assert!(is_utf32(&utf32("\u{feff}a,b\n")));
        assert!(is_utf32(&utf32("a,b\n1,2\n")));
        assert!(is_utf32(&"a,b\n".chars().flat_map(|c| (c as u32).to_be_bytes()).collect::<Vec<u8>>()));
        for other in [&b""[..], b"a,b\n1,2\n", &utf16("\u{feff}a,b\n1,2\n", u16::to_le_bytes), &[0; 64]] {
            assert!(!is_utf32(other), "{other:?}");
        }
    }

    #[test]
    fn encodings() {
        check(b"a,b\n", Encoding::Utf8, "a,b\n");
        check(b"", Encoding::Utf8, "");
        check("\u{feff}a,b\n".as_bytes(), Encoding::Utf8, "a,b\n");
        check("Zürich,Genève\n".as_bytes(), Encoding::Utf8, "Zürich,Genève\n");
        check(b"Z\xfcrich,5 \x80\n", Encoding::Windows1252, "Zürich,5 €\n");
        for text in ["name,größe\n1,2\n", "\u{feff}name,größe\n1,2\n"] {
            let plain = text.trim_start_matches('\u{feff}');
            check(&utf16(text, u16::to_le_bytes), Encoding::Utf16Le, plain);
            check(&utf16(text, u16::to_be_bytes), Encoding::Utf16Be, plain);
        }
        // A damaged byte in a file of UTF-8 does not make it Windows-1252.
        let damaged = [&"ü".repeat(30).into_bytes()[..], b"\xff"].concat();
        assert_eq!(guess(&damaged, std::iter::empty()).0, Encoding::Utf8);
        // Nor one that is alone with one good character: the reader tells of it.
        assert_eq!(guess(b"a,b\n\xc3\xa9,1\n\xe9,2\n", std::iter::empty()).0, Encoding::Utf8);
        // A character that the sample's end or beginning cuts says nothing.
        assert_eq!(guess(b"abc\xc3", std::iter::once(&b"\xbcabc"[..])).0, Encoding::Utf8);
        // The first byte beyond ASCII may come late.
        assert_eq!(guess(b"abc", std::iter::once(&b"caf\xe9 au lait"[..])).0, Encoding::Windows1252);
    }
}
