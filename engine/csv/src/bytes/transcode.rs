//! UTF-16 and Windows-1252 to UTF-8, as the Encoding Standard says.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult};

use crate::spec::Encoding;

/// Bytes that are read at a time.
const SOURCE_BYTES: usize = 32 << 10;
/// What a byte becomes at most: three bytes in Windows-1252; and room for one more character.
const TEXT_BYTES: usize = SOURCE_BYTES * 3 + 16;
/// Stands for what means nothing in the encoding. No UTF-8 text has it.
const BAD_BYTE: u8 = 0xff;

/// A reader of the UTF-8 text.
pub struct Transcoder<R> {
    file: R,
    decoder: Decoder,
    source: Vec<u8>,
    /// Which bytes of the source are not transcoded yet.
    source_from: usize,
    source_to: usize,
    text: Vec<u8>,
    /// Which bytes of the text are not handed out yet.
    text_from: usize,
    text_to: usize,
    /// Whether the file has ended, and then whether the decoder knows.
    has_ended: bool,
    is_flushed: bool,
}

impl<R: Read> Transcoder<R> {
    pub fn new(file: R, encoding: Encoding) -> Self {
        let encoding = match encoding {
            Encoding::Utf8 => encoding_rs::UTF_8,
            Encoding::Utf16Le => encoding_rs::UTF_16LE,
            Encoding::Utf16Be => encoding_rs::UTF_16BE,
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252,
        };
        Transcoder {
            file,
            decoder: encoding.new_decoder_without_bom_handling(),
            source: vec![0; SOURCE_BYTES],
            source_from: 0,
            source_to: 0,
            text: vec![0; TEXT_BYTES],
            text_from: 0,
            text_to: 0,
            has_ended: false,
            is_flushed: false,
        }
    }

    /// Makes more text. None of it means that there is none.
    fn refill(&mut self) -> io::Result<()> {
        (self.text_from, self.text_to) = (0, 0);
        while self.text_to == 0 && !self.is_flushed {
            if self.source_from == self.source_to && !self.has_ended {
                let read = self.file.read(&mut self.source)?;
                (self.source_from, self.source_to) = (0, read);
                self.has_ended = read == 0;
            }
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.source[self.source_from..self.source_to],
                &mut self.text[..TEXT_BYTES - 1],
                self.has_ended,
            );
            self.source_from += read;
            self.text_to = written;
            match result {
                DecoderResult::Malformed(..) => {
                    self.text[self.text_to] = BAD_BYTE;
                    self.text_to += 1;
                }
                DecoderResult::InputEmpty => self.is_flushed = self.has_ended,
                DecoderResult::OutputFull => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.text_from == self.text_to {
            self.refill()?;
        }
        let count = buffer.len().min(self.text_to - self.text_from);
        buffer[..count].copy_from_slice(&self.text[self.text_from..self.text_from + count]);
        self.text_from += count;
        Ok(count)
    }
}
