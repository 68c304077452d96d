//! What is behind the name of a backslash command: the rest of its line in, words or the text itself out.

use std::time::Duration;

use crate::paths::with_home;

/// What is wrong with the arguments of a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    #[error("an argument is missing")]
    Missing,
    #[error("what to copy is missing")]
    NothingToCopy,
    #[error("'{0}' is too much")]
    TooMuch(String),
    #[error("a quote is not closed")]
    OpenQuote,
    #[error("on or off is wanted, not '{0}'")]
    NoSwitch(String),
    #[error("a number of seconds up to {max} is wanted, not '{0}'", max = WATCH_SECONDS_MAX)]
    NoSeconds(String),
}

/// A day is longer than anybody watches, and fits every clock.
const WATCH_SECONDS_MAX: f64 = 86_400.0;
const WATCH_DEFAULT: Duration = Duration::from_secs(2);

/// The rest of a command's line. Each method reads all of it.
pub struct Arguments<'a>(&'a str);

impl<'a> Arguments<'a> {
    pub fn of(rest: &'a str) -> Arguments<'a> {
        Arguments(rest.trim())
    }

    /// As it stands, if anything does.
    pub fn text(self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.to_owned())
    }

    /// As it stands; a `;` at its end is a habit.
    pub fn statement(self) -> Result<String, ArgumentError> {
        match self.0 {
            "" => Err(ArgumentError::NothingToCopy),
            text => Ok(text.trim_end_matches(';').to_owned()),
        }
    }

    /// The words with one blank between.
    pub fn echoed(self) -> Result<String, ArgumentError> {
        words(self.0).map(|words| words.join(" "))
    }

    /// Gives `command`, which takes no argument.
    pub fn none<T>(self, command: T) -> Result<T, ArgumentError> {
        self.at_most(0).map(|_| command)
    }

    pub fn one(self) -> Result<Option<String>, ArgumentError> {
        self.at_most(1).map(|mut words| words.pop())
    }

    pub fn needed(self) -> Result<String, ArgumentError> {
        self.one()?.ok_or(ArgumentError::Missing)
    }

    /// A file or a folder.
    pub fn path(self) -> Result<Option<String>, ArgumentError> {
        Ok(self.one()?.map(|path| with_home(&path)))
    }

    /// A name and its value.
    pub fn one_or_two(self) -> Result<Option<(String, Option<String>)>, ArgumentError> {
        let mut words = self.at_most(2)?.into_iter();
        Ok(words.next().map(|name| (name, words.next())))
    }

    /// A name, and what is behind it as its value, put together.
    pub fn assignment(self) -> Result<Option<(String, Option<String>)>, ArgumentError> {
        let mut words = self.at_most(usize::MAX)?.into_iter();
        Ok(words.next().map(|name| {
            let values: Vec<String> = words.collect();
            (name, (!values.is_empty()).then(|| values.concat()))
        }))
    }

    pub fn seconds(self) -> Result<Duration, ArgumentError> {
        let Some(word) = self.one()? else { return Ok(WATCH_DEFAULT) };
        match word.parse::<f64>() {
            Ok(seconds) if (0.0..=WATCH_SECONDS_MAX).contains(&seconds) => {
                Ok(Duration::from_secs_f64(seconds))
            }
            _ => Err(ArgumentError::NoSeconds(word)),
        }
    }

    fn at_most(self, words_max: usize) -> Result<Vec<String>, ArgumentError> {
        let words = words(self.0.trim_end_matches(';'))?;
        match words.get(words_max) {
            Some(more) => Err(ArgumentError::TooMuch(more.clone())),
            None => Ok(words),
        }
    }
}

/// Words as a shell has them: with quotes, so that a file's name can hold spaces.
fn words(text: &str) -> Result<Vec<String>, ArgumentError> {
    shell_words::split(text).map_err(|_| ArgumentError::OpenQuote)
}

/// `on`, `off`, or nothing for the other of the two.
pub fn on_off(word: Option<&str>) -> Result<Option<bool>, ArgumentError> {
    match word.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("on" | "true" | "1" | "yes") => Ok(Some(true)),
        Some("off" | "false" | "0" | "no") => Ok(Some(false)),
        Some(other) => Err(ArgumentError::NoSwitch(other.to_owned())),
    }
}
