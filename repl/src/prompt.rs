//! A plain prompt: lines are read until one ends with `;`, then run. A failed statement does not end the session.

use std::io::Write;

use crate::error::{self, Error};
use crate::statements::Printer;

/// Reads and runs statements until the end of the input, `quit` or `exit`.
pub async fn run(printer: &mut Printer<'_>) -> Result<(), Error> {
    let mut sql = String::new();
    loop {
        let mut stdout = std::io::stdout().lock();
        let prompt: &[u8] = if sql.is_empty() { b"weir> " } else { b"   -> " };
        stdout.write_all(prompt).and_then(|()| stdout.flush()).map_err(Error::Output)?;
        drop(stdout);

        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).map_err(Error::Prompt)? == 0 {
            return Ok(());
        }
        if sql.is_empty() && matches!(line.trim().trim_end_matches(';'), "quit" | "exit") {
            return Ok(());
        }
        sql.push_str(&line);
        if !sql.trim_end().ends_with(';') {
            continue;
        }
        match printer.run(&sql, None).await {
            Err(closed) if closed.is_closed_pipe() => return Err(closed),
            Err(failed) => error::report(&failed),
            Ok(()) => {}
        }
        sql.clear();
    }
}
