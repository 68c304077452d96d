//! How the files of the given paths can be read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use engine::machine::{HookProbe, hook_file_systems, may_have_hook};

use super::finding::Finding;
use super::host::Mounts;
use crate::error::Error;
use crate::paths::{is_csv, unpack_command};

/// Of a folder, so many files are listed.
const FILES_MAX: usize = 20;

/// One finding for each file. A path that is not there is an error.
pub fn all(paths: &[String], stock: bool, has_hook: bool) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let mounts = Mounts::read();
    // Without a program there is nothing to try; the finding then says what the file system could.
    let mut hook = if has_hook { HookProbe::load().ok() } else { None };
    for written in paths {
        let unreadable = |source| Error::PathUnreadable { path: written.clone(), source };
        let path = Path::new(written);
        let metadata = path.metadata().map_err(unreadable)?;
        if !metadata.is_file() && !metadata.is_dir() {
            // Opening a pipe waits for somebody who writes into it.
            return Err(Error::NoFile { path: written.clone() });
        }
        if metadata.is_file() {
            findings.push(file(path, mounts.as_ref(), stock, hook.as_mut()));
            continue;
        }
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in path.read_dir().map_err(unreadable)? {
            files.push(entry.map_err(unreadable)?.path());
        }
        files.retain(|file| file.is_file() && is_csv(file));
        files.sort();
        let more = files.len().saturating_sub(FILES_MAX);
        findings.extend(
            files.iter().take(FILES_MAX).map(|path| file(path, mounts.as_ref(), stock, hook.as_mut())),
        );
        if more > 0 {
            findings.push(Finding::note(format!("{written}: and {more} files more")));
        }
        if files.is_empty() {
            findings.push(Finding::note(format!("{written}: no CSV file in this folder")));
        }
    }
    Ok(findings)
}

fn file(path: &Path, mounts: Option<&Mounts>, stock: bool, hook: Option<&mut HookProbe>) -> Finding {
    let name = path.display();
    let opened = match File::open(path) {
        Ok(opened) => opened,
        Err(error) => {
            let finding = Finding::missing(format!("{name}: cannot be read: {error}"));
            return match error.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    finding.fix(format!("sudo chmod a+r {}", shell_words::quote(&name.to_string())))
                }
                _ => finding,
            };
        }
    };
    if let Some(command) = unpack_command(path) {
        return Finding::missing(format!("{name}: is compressed, so queries on it run in DataFusion"))
            .fix(format!("{command} {}", shell_words::quote(&name.to_string())));
    }
    let kind = fs::canonicalize(path).ok().and_then(|path| Some(mounts?.of(&path)?.kind.clone()));
    let on = kind.as_ref().map_or_else(String::new, |kind| format!(" (on {kind})"));
    match hook.map(|hook| hook.takes(&opened)) {
        Some(Ok(())) => Finding::ok(format!("{name}{on}: the hook takes it")),
        Some(Err(error)) => Finding::note(format!("{name}{on}: read with stock: {error}")),
        None if !stock => {
            Finding::note(format!("{name}{on}: can be read in the kernel once programs can be loaded"))
        }
        None if kind.is_some_and(|kind| may_have_hook(&kind)) => {
            Finding::ok(format!("{name}{on}: stock takes it, and the hook of a patched kernel would"))
        }
        None => Finding::ok(format!(
            "{name}{on}: stock takes it; for the hook it would have to lie on {}",
            hook_file_systems()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::text;
    use super::*;

    #[test]
    fn files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("empty")).unwrap();
        fs::create_dir(at("many")).unwrap();
        fs::write(at("a.csv"), "x\n").unwrap();
        fs::write(at("empty/notes.txt"), "x\n").unwrap();
        fs::write(at("my b.csv.gz"), "x\n").unwrap();
        for number in 0..22 {
            fs::write(at(&format!("many/{number:02}.csv")), "x\n").unwrap();
        }
        let paths = ["a.csv", "my b.csv.gz", "empty", "many"].map(|name| at(name).display().to_string());
        let report =
            text(&all(&paths, true, false).unwrap(), false).replace(folder.path().to_str().unwrap(), "DIR");
        let lines: Vec<&str> = report.lines().collect();
        assert!(lines[0].starts_with("ok      DIR/a.csv") && lines[0].contains("stock takes it"), "{report}");
        assert_eq!(lines[1], "missing DIR/my b.csv.gz: is compressed, so queries on it run in DataFusion");
        assert_eq!(lines[2], "          gunzip --keep 'DIR/my b.csv.gz'");
        assert_eq!(lines[3], "note    DIR/empty: no CSV file in this folder");
        assert_eq!(lines.len(), 4 + FILES_MAX + 1);
        assert_eq!(lines[4 + FILES_MAX], "note    DIR/many: and 2 files more");
        assert!(matches!(all(&["/dev/null".into()], true, false), Err(Error::NoFile { .. })));
        assert!(matches!(all(&["/nope/x.csv".into()], true, false), Err(Error::PathUnreadable { .. })));
    }
}
